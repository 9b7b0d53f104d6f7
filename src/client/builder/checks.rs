//! What can be wrong with a configuration.

use http::header::HeaderName;

use super::ClientBuilder;
use crate::Error;
use crate::target::{Protocol, Target};

/// Headers that the transports set themselves.
const OWN_HEADERS: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "grpc-timeout",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

impl ClientBuilder {
    pub(super) fn check_nodes(&self, targets: &[Target]) -> Result<(), Error> {
        let first = &targets[0];
        for (index, target) in targets.iter().enumerate().skip(1) {
            if (target.protocol, target.tls) != (first.protocol, first.tls) {
                return Err(Error::Config(format!(
                    "endpoint `{}`: it has another scheme than `{}`; all nodes of a client have the same",
                    target.url(),
                    first.url()
                )));
            }
            if targets[..index].contains(target) {
                return Err(Error::Config(format!(
                    "endpoint `{}`: it is given twice",
                    target.url()
                )));
            }
        }
        let one_place = [
            ("grpc_channel", self.has_grpc_channel()),
            ("unix_socket", self.has_unix_socket()),
        ];
        match one_place.iter().find(|(_, is_set)| *is_set) {
            Some((option, _)) if targets.len() > 1 => Err(Error::Config(format!(
                "endpoint has no effect with {option}, which is one place: leave it out"
            ))),
            _ => Ok(()),
        }
    }

    /// Finds options that the URL's transport does not have.
    pub(super) fn check_transport(&self, target: &Target) -> Result<(), Error> {
        let connections = &self.connections;
        let of_http = [
            ("idle_timeout", connections.idle_timeout.is_some()),
            ("max_idle_connections", connections.max_idle.is_some()),
            ("no_proxy", connections.no_proxy),
        ];
        let of_grpc = [
            ("grpc_connections", connections.grpc.is_some()),
            ("grpc_gzip", connections.gzip),
        ];
        let (others, urls) = match target.protocol {
            Protocol::Grpc => (&of_http[..], "an http or https"),
            Protocol::Http => (&of_grpc[..], "a grpc or grpcs"),
        };
        match others.iter().find(|(_, is_set)| *is_set) {
            Some((option, _)) => Err(Error::Config(format!(
                "{option} goes with {urls} URL: leave it out"
            ))),
            _ if self.has_unix_socket() && target.tls => Err(config(
                "unix_socket goes with an http or grpc URL: TLS is for networks",
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn check_numbers(&self) -> Result<(), Error> {
        let zeros = [
            (
                "idle_timeout",
                self.connections
                    .idle_timeout
                    .is_some_and(|time| time.is_zero()),
            ),
            (
                "tcp_keepalive",
                self.connections
                    .tcp_keepalive
                    .is_some_and(|time| time.is_zero()),
            ),
            (
                "http2_keep_alive",
                self.connections
                    .http2_keep_alive
                    .is_some_and(|time| time.is_zero()),
            ),
            ("max_request_size", self.max_request_size == 0),
            ("split_above", self.split_above == Some(0)),
            ("max_in_flight", self.max_in_flight == Some(0)),
            ("grpc_connections", self.connections.grpc == Some(0)),
        ];
        if let Some((option, _)) = zeros.iter().find(|(_, is_zero)| *is_zero) {
            return Err(Error::Config(format!(
                "{option} is zero: leave it out, or give more"
            )));
        }
        if self.timeout.is_zero() {
            return Err(config(
                "timeout is zero: no call could ever succeed; give a time, such as 10 s",
            ));
        }
        if self
            .connect_timeout
            .is_some_and(|timeout| timeout.is_zero())
        {
            return Err(config(
                "connect_timeout is zero: leave it out, or give a time",
            ));
        }
        if self.max_response_size == 0 {
            return Err(config(
                "max_response_size is zero: no reply could be read; give a number of bytes",
            ));
        }
        Ok(())
    }

    pub(super) fn check_feature(&self, target: &Target) -> Result<(), Error> {
        let (compiled, feature) = match target.protocol {
            Protocol::Http => (cfg!(feature = "http"), "http"),
            Protocol::Grpc => (cfg!(feature = "grpc"), "grpc"),
        };
        for (missing, feature) in [
            (!compiled, feature),
            (target.tls && !cfg!(feature = "tls"), "tls"),
        ] {
            if missing {
                return Err(Error::Config(format!(
                    "url `{}`: it needs the feature `{feature}` of centrifugo-api, which is off; add it in Cargo.toml",
                    target.url()
                )));
            }
        }
        Ok(())
    }

    pub(super) fn check_own_connections(&self, target: &Target) -> Result<(), Error> {
        let (http_client, grpc_channel) = (self.has_http_client(), self.has_grpc_channel());
        if http_client && target.protocol == Protocol::Grpc {
            return Err(config(
                "http_client goes with an http or https URL; for gRPC there is grpc_channel",
            ));
        }
        if self.has_legacy_commands() && target.protocol == Protocol::Grpc {
            return Err(config(
                "legacy_commands goes with an http or https URL: gRPC has no such endpoint",
            ));
        }
        if grpc_channel && target.protocol == Protocol::Http {
            return Err(config(
                "grpc_channel goes with a grpc or grpcs URL; for HTTP there is http_client",
            ));
        }
        if !http_client && !grpc_channel {
            return Ok(());
        }
        let own = if http_client {
            "http_client"
        } else {
            "grpc_channel"
        };
        let connections = &self.connections;
        let set = [
            ("connect_timeout", self.connect_timeout.is_some()),
            ("user_agent", self.user_agent.is_some()),
            ("idle_timeout", connections.idle_timeout.is_some()),
            ("max_idle_connections", connections.max_idle.is_some()),
            ("tcp_keepalive", connections.tcp_keepalive.is_some()),
            ("http2_keep_alive", connections.http2_keep_alive.is_some()),
            ("no_proxy", connections.no_proxy),
            ("grpc_connections", connections.grpc.is_some()),
            ("unix_socket", connections.unix_socket.is_some()),
        ];
        match set.iter().find(|(_, is_set)| *is_set) {
            Some((option, _)) => Err(Error::Config(format!(
                "{option} has no effect with {own}: set it there"
            ))),
            None => self.check_own_tls(own),
        }
    }

    #[cfg(feature = "tls")]
    fn check_own_tls(&self, own: &str) -> Result<(), Error> {
        match self.tls.first_set() {
            Some(option) => Err(Error::Config(format!(
                "{option} has no effect with {own}: set it there"
            ))),
            None => Ok(()),
        }
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self)]
    fn check_own_tls(&self, _own: &str) -> Result<(), Error> {
        Ok(())
    }

    #[cfg(feature = "tls")]
    pub(super) fn check_tls(&self, target: &Target) -> Result<(), Error> {
        match self.tls.first_set() {
            Some(option) if !target.tls => Err(Error::Config(format!(
                "{option} has no effect without TLS: use an https or grpcs URL in place of {}, or leave it out",
                target.url()
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn has_unix_socket(&self) -> bool {
        self.connections.unix_socket.is_some()
    }

    #[cfg(feature = "http")]
    pub(super) fn has_legacy_commands(&self) -> bool {
        self.legacy_commands
    }

    #[cfg(not(feature = "http"))]
    #[allow(clippy::unused_self)]
    pub(super) fn has_legacy_commands(&self) -> bool {
        false
    }

    #[cfg(feature = "http")]
    pub(super) fn has_http_client(&self) -> bool {
        self.http_client.is_some()
    }

    #[cfg(not(feature = "http"))]
    #[allow(clippy::unused_self)]
    pub(super) fn has_http_client(&self) -> bool {
        false
    }

    #[cfg(feature = "grpc")]
    pub(super) fn has_grpc_channel(&self) -> bool {
        self.grpc_channel.is_some()
    }

    #[cfg(not(feature = "grpc"))]
    #[allow(clippy::unused_self)]
    pub(super) fn has_grpc_channel(&self) -> bool {
        false
    }

    pub(super) fn check_header(&self, name: &HeaderName, target: &Target) -> Result<(), Error> {
        let key_header = match (target.protocol, self.has_legacy_commands()) {
            (Protocol::Http, false) => "x-api-key",
            _ => "authorization",
        };
        if self.api_key.is_some() && name.as_str() == key_header {
            return Err(Error::Config(format!(
                "header `{name}` is where api_key goes: leave out one of the two"
            )));
        }
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(Error::Config(format!(
                "header `{name}` is set by the client itself: leave it out"
            )));
        }
        if target.protocol == Protocol::Grpc && name.as_str().ends_with("-bin") {
            return Err(Error::Config(format!(
                "header `{name}`: binary metadata is not supported: use another name"
            )));
        }
        Ok(())
    }
}

fn config(message: &str) -> Error {
    Error::Config(message.to_owned())
}
