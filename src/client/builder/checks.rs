//! Validates a configuration.

use std::time::Duration;

use super::ClientBuilder;
use crate::error::Error;
use crate::transport::url::{Protocol, ServerUrl};

const HAS_HTTP: bool = cfg!(feature = "_http");
const HAS_GRPC: bool = cfg!(feature = "grpc");
const HAS_SERVICE: bool = cfg!(feature = "service");
const HAS_TLS: bool = cfg!(feature = "_tls");

/// The longest interval of connection options: Linux refuses longer ones for TCP keep-alive, and clocks overflow with
/// much longer ones.
const LONGEST_INTERVAL: Duration = Duration::from_secs(8 * 3600);

/// The most gRPC connections per node: with 100 calls on each, more than any server takes.
const MOST_GRPC_CONNECTIONS: usize = 1000;

impl ClientBuilder {
    /// Checks that the options are valid and go together.
    pub(super) fn check(&self, urls: &[ServerUrl]) -> Result<(), Error> {
        let url = &urls[0];
        self.retry.check()?;
        self.check_numbers()?;
        self.check_bounds()?;
        self.check_nodes(urls)?;
        self.check_features(url)?;
        self.check_credentials(url)?;
        self.check_own_connections(url)?;
        self.check_tls(url)?;
        self.check_transport(url)
    }

    /// Refuses zeros where a zero makes no sense.
    fn check_numbers(&self) -> Result<(), Error> {
        let connections = &self.connections;
        let zeros = [
            ("idle_timeout", is_zero(connections.idle_timeout)),
            ("tcp_keepalive", is_zero(connections.tcp_keepalive)),
            ("http2_keep_alive", is_zero(connections.http2_keep_alive)),
            (
                "http2_keep_alive_timeout",
                is_zero(connections.http2_keep_alive_timeout),
            ),
            ("max_request_size", self.max_request_size == 0),
            ("split_above", self.split_above == Some(0)),
            ("max_in_flight", self.max_in_flight == Some(0)),
            (
                "the time of endpoints_provider",
                self.discovery
                    .as_ref()
                    .is_some_and(|(_, every)| every.is_zero()),
            ),
            ("grpc_connections", connections.grpc == Some(0)),
        ];
        if let Some(option) = first_true(&zeros) {
            return Err(Error::Config(format!(
                "{option} is zero: omit it, or set a larger value"
            )));
        }
        if connections.http2_keep_alive_timeout.is_some() && connections.http2_keep_alive.is_none()
        {
            return Err(config(
                "http2_keep_alive_timeout has no effect without http2_keep_alive: omit it, or set both",
            ));
        }
        if self.timeout.is_zero() {
            return Err(config(
                "timeout is zero: no call could ever succeed; set a time, such as 10 s",
            ));
        }
        let times = [
            ("attempt_timeout", is_zero(self.attempt_timeout)),
            ("connect_timeout", is_zero(self.connect_timeout)),
        ];
        if let Some(option) = first_true(&times) {
            return Err(Error::Config(format!(
                "{option} is zero: omit it, or set a time"
            )));
        }
        if self.max_response_size == 0 {
            return Err(config(
                "max_response_size is zero: no reply could be read; set a number of bytes",
            ));
        }
        Ok(())
    }

    /// Refuses values that would only fail later, in the background.
    fn check_bounds(&self) -> Result<(), Error> {
        let connections = &self.connections;
        let too_long = [
            ("idle_timeout", is_too_long(connections.idle_timeout)),
            ("tcp_keepalive", is_too_long(connections.tcp_keepalive)),
            (
                "http2_keep_alive",
                is_too_long(connections.http2_keep_alive),
            ),
            (
                "http2_keep_alive_timeout",
                is_too_long(connections.http2_keep_alive_timeout),
            ),
        ];
        if let Some(option) = first_true(&too_long) {
            return Err(Error::Config(format!(
                "{option} is longer than 8 hours: omit it, or set a shorter time"
            )));
        }
        match connections.grpc {
            Some(number) if number > MOST_GRPC_CONNECTIONS => Err(Error::Config(format!(
                "grpc_connections is {number}, and may be {MOST_GRPC_CONNECTIONS} at most: each connection carries \
                 100 calls at once"
            ))),
            _ => Ok(()),
        }
    }

    /// Checks that several nodes have the same transport, and that there may be several.
    pub(super) fn check_nodes(&self, urls: &[ServerUrl]) -> Result<(), Error> {
        let first_url = &urls[0];
        for (index, url) in urls.iter().enumerate().skip(1) {
            check_scheme(url, first_url)?;
            if urls[..index].contains(url) {
                return Err(Error::Config(format!(
                    "endpoint `{url}`: it is given twice"
                )));
            }
        }
        let single = [
            ("grpc_channel", self.own.has_grpc_channel()),
            ("unix_socket", self.has_unix_socket()),
        ];
        match first_true(&single) {
            Some(option) if urls.len() > 1 => Err(Error::Config(format!(
                "endpoint has no effect with {option}, which is a single connection: omit it"
            ))),
            _ => Ok(()),
        }
    }

    /// Refuses options that the URL's transport does not have.
    fn check_transport(&self, url: &ServerUrl) -> Result<(), Error> {
        let connections = &self.connections;
        let http_options = [
            ("idle_timeout", connections.idle_timeout.is_some()),
            ("max_idle_connections", connections.max_idle.is_some()),
            ("no_proxy", connections.no_proxy),
            ("hyper", connections.hyper),
        ];
        let grpc_options = [
            ("grpc_connections", connections.grpc.is_some()),
            ("grpc_gzip", connections.gzip),
            ("authority", connections.authority.is_some()),
        ];
        let (wrong, needed_url) = match url.protocol {
            Protocol::Http => (first_true(&grpc_options), "a grpc or grpcs URL"),
            Protocol::Grpc => (first_true(&http_options), "an http or https URL"),
        };
        if let Some(option) = wrong {
            return Err(Error::Config(format!(
                "{option} needs {needed_url}: omit it"
            )));
        }
        if self.has_unix_socket() && url.tls {
            return Err(config(
                "unix_socket needs an http or grpc URL: TLS is for networks",
            ));
        }
        Ok(())
    }

    /// Refuses options of TLS for a URL without it.
    fn check_tls(&self, url: &ServerUrl) -> Result<(), Error> {
        match self.tls.first_set() {
            Some(option) if !url.tls => Err(Error::Config(format!(
                "{option} has no effect without TLS: use an https or grpcs URL instead of {url}, or omit it"
            ))),
            _ => Ok(()),
        }
    }

    /// Checks that the features that the URL needs are on, unless a service of the user takes the calls.
    fn check_features(&self, url: &ServerUrl) -> Result<(), Error> {
        if self.has_own_service(url.protocol) {
            return Ok(());
        }
        let transport = match url.protocol {
            Protocol::Http => ("http", !HAS_HTTP),
            Protocol::Grpc => ("grpc", !HAS_GRPC),
        };
        let tls = ("tls", url.tls && !HAS_TLS);
        match first_true(&[transport, tls]) {
            Some("http") if HAS_SERVICE => Err(Error::Config(format!(
                "url `{url}`: it needs an http_service, or the feature `http` of centrifugo-api, which is off: give the \
                 client a service, or add the feature in Cargo.toml"
            ))),
            Some(feature) => Err(Error::Config(format!(
                "url `{url}`: it needs the feature `{feature}` of centrifugo-api, which is off; add it in Cargo.toml"
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn has_unix_socket(&self) -> bool {
        self.connections.unix_socket.is_some()
    }
}

/// Checks that a node has the scheme of another one.
pub(super) fn check_scheme(url: &ServerUrl, other: &ServerUrl) -> Result<(), Error> {
    if (url.protocol, url.tls) == (other.protocol, other.tls) {
        return Ok(());
    }
    Err(Error::Config(format!(
        "endpoint `{url}`: its scheme differs from that of `{other}`; all nodes of a client have the same scheme"
    )))
}

/// Returns the first name whose flag is true.
pub(super) fn first_true<'a>(names: &[(&'a str, bool)]) -> Option<&'a str> {
    let (name, _) = names.iter().find(|(_, flag)| *flag)?;
    Some(name)
}

fn is_zero(option: Option<Duration>) -> bool {
    option.is_some_and(|time| time.is_zero())
}

fn is_too_long(option: Option<Duration>) -> bool {
    option.is_some_and(|time| time > LONGEST_INTERVAL)
}

pub(super) fn config(message: &str) -> Error {
    Error::Config(message.to_owned())
}
