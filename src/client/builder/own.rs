//! Validates a configuration with connections or services that the user made.

use super::ClientBuilder;
use super::checks::{config, first_true};
use crate::error::Error;
use crate::transport::url::{Protocol, ServerUrl};

impl ClientBuilder {
    /// Refuses options that do not go together with connections or services that the user made.
    pub(super) fn check_own_connections(&self, url: &ServerUrl) -> Result<(), Error> {
        self.check_protocol(url.protocol)?;
        let Some(own) = self.own_transport()? else {
            return Ok(());
        };
        // A service gets them with each request.
        let is_service = self.has_own_service(url.protocol);
        let connections = &self.connections;
        let has_ping_timeout = connections.http2_keep_alive_timeout.is_some();
        let set = [
            ("connect_timeout", self.connect_timeout.is_some()),
            ("user_agent", self.user_agent.is_some() && !is_service),
            ("idle_timeout", connections.idle_timeout.is_some()),
            ("max_idle_connections", connections.max_idle.is_some()),
            ("tcp_keepalive", connections.tcp_keepalive.is_some()),
            ("http2_keep_alive", connections.http2_keep_alive.is_some()),
            ("http2_keep_alive_timeout", has_ping_timeout),
            ("authority", connections.authority.is_some() && !is_service),
            ("no_proxy", connections.no_proxy),
            ("grpc_connections", connections.grpc.is_some()),
            ("unix_socket", connections.unix_socket.is_some()),
        ];
        if connections.hyper {
            return Err(Error::Config(format!(
                "hyper has no effect with {own}: omit one of the two"
            )));
        }
        match first_true(&set).or_else(|| self.tls.first_set()) {
            Some(option) => Err(Error::Config(format!(
                "{option} has no effect with {own}: set it there"
            ))),
            None => Ok(()),
        }
    }

    /// Refuses the options of the other protocol.
    fn check_protocol(&self, protocol: Protocol) -> Result<(), Error> {
        if self.legacy_commands && protocol == Protocol::Grpc {
            return Err(config(
                "legacy_commands needs an http or https URL: gRPC has no such endpoint",
            ));
        }
        let (http, grpc) = (&self.own.http, &self.own.grpc);
        let (wrong, needed_url, right) = match protocol {
            Protocol::Http => (
                [
                    ("grpc_channel", self.own.has_grpc_channel(), "http_client"),
                    ("grpc_service", grpc.service.is_some(), "http_service"),
                    ("grpc_layer", grpc.has_layers(), "http_layer"),
                ],
                "a grpc or grpcs URL",
                "HTTP",
            ),
            Protocol::Grpc => (
                [
                    ("http_client", self.own.has_http_client(), "grpc_channel"),
                    ("http_service", http.service.is_some(), "grpc_service"),
                    ("http_layer", http.has_layers(), "grpc_layer"),
                ],
                "an http or https URL",
                "gRPC",
            ),
        };
        match wrong.iter().find(|(_, is_set, _)| *is_set) {
            Some((option, _, other)) => Err(Error::Config(format!(
                "{option} needs {needed_url}; for {right} there is {other}"
            ))),
            None => Ok(()),
        }
    }

    /// Returns the name of the option with which the user gave connections or a service, of which there may be one.
    fn own_transport(&self) -> Result<Option<&'static str>, Error> {
        let given = [
            ("http_client", self.own.has_http_client()),
            ("grpc_channel", self.own.has_grpc_channel()),
            ("http_service", self.own.http.service.is_some()),
            ("grpc_service", self.own.grpc.service.is_some()),
        ];
        let mut given = given.iter().filter(|(_, is_given)| *is_given);
        let first = given.next().map(|(name, _)| *name);
        match (first, given.next()) {
            (Some(first), Some((second, _))) => Err(Error::Config(format!(
                "{first} has no effect with {second}: omit one of the two"
            ))),
            _ => Ok(first),
        }
    }

    /// Returns whether calls go through a service of the user, which connects by itself.
    pub(super) fn has_own_service(&self, protocol: Protocol) -> bool {
        let services = match protocol {
            Protocol::Http => &self.own.http,
            Protocol::Grpc => &self.own.grpc,
        };
        services.service.is_some()
    }
}
