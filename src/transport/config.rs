//! The options of transports, which the builder has checked.

#[cfg(not(feature = "grpc"))]
use std::convert::Infallible as GrpcChannel;
#[cfg(not(feature = "http"))]
use std::convert::Infallible as HttpClient;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::http::uri::Authority;
use ::http::{HeaderMap, HeaderName, HeaderValue};
#[cfg(feature = "http")]
use reqwest::Client as HttpClient;
#[cfg(feature = "grpc")]
use tonic::transport::Channel as GrpcChannel;

use super::dial::Names;
use super::headers::HeaderRules;
use super::service::Services;
use super::tls::Tls;
use super::url::ServerUrl;
use crate::error::Error;

/// The options that every transport is built from.
#[cfg_attr(not(any(feature = "grpc", feature = "_http")), allow(dead_code))]
#[derive(Clone)]
pub(crate) struct TransportConfig {
    pub(crate) url: ServerUrl,
    /// The addresses behind the names of hosts, shared by all nodes.
    pub(crate) names: Arc<Names>,
    /// The headers of each call, including the error mode but not the key.
    pub(crate) headers: HeaderMap,
    pub(crate) user_agent: HeaderValue,
    /// The headers that carry the API key and the bearer token, if there are any.
    pub(crate) credential_headers: Vec<HeaderName>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) max_response_size: usize,
    pub(crate) connections: ConnectionOptions,
    /// The proxy that connections pass through, for errors.
    pub(crate) proxy: Option<String>,
    pub(crate) legacy_commands: bool,
    pub(crate) tls: Tls,
}

/// The options of connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionOptions {
    pub(crate) idle_timeout: Option<Duration>,
    /// The maximal number of idle connections over HTTP.
    pub(crate) max_idle: Option<usize>,
    pub(crate) tcp_keepalive: Option<Duration>,
    pub(crate) http2_keep_alive: Option<Duration>,
    /// The time for the answer to a ping.
    pub(crate) http2_keep_alive_timeout: Option<Duration>,
    pub(crate) no_proxy: bool,
    /// True if calls over HTTP use connections on hyper although there are those of reqwest.
    pub(crate) hyper: bool,
    /// The maximal number of gRPC connections.
    pub(crate) grpc: Option<usize>,
    pub(crate) gzip: bool,
    /// The server as gRPC requests name it, if it is not the URL's.
    pub(crate) authority: Option<String>,
    pub(crate) unix_socket: Option<PathBuf>,
}

impl ConnectionOptions {
    /// Returns the time for the answer to a ping.
    #[cfg(any(feature = "grpc", all(feature = "http", feature = "_tls")))]
    pub(super) fn ping_timeout(&self) -> Duration {
        const DEFAULT: Duration = Duration::from_secs(10);
        self.http2_keep_alive_timeout.unwrap_or(DEFAULT)
    }
}

/// Connections that the user made. Without its feature a transport has none: the type has no values.
#[derive(Clone, Default)]
pub(crate) struct OwnConnections {
    pub(crate) http_client: Option<HttpClient>,
    pub(crate) grpc_channel: Option<GrpcChannel>,
    pub(crate) http: Services,
    pub(crate) grpc: Services,
}

impl OwnConnections {
    pub(crate) fn has_http_client(&self) -> bool {
        self.http_client.is_some()
    }

    pub(crate) fn has_grpc_channel(&self) -> bool {
        self.grpc_channel.is_some()
    }
}

impl TransportConfig {
    /// Returns the server as errors show it: its URL, and the proxy if there is one.
    pub(super) fn shown(&self) -> Box<str> {
        let mut shown = self.url.to_string();
        if let Some(proxy) = &self.proxy {
            shown.push_str(&format!(" through the proxy {proxy}"));
        }
        shown.into()
    }

    /// Returns the authority that the user gave.
    #[cfg_attr(
        not(any(feature = "grpc", all(feature = "hyper", feature = "_tls"))),
        allow(dead_code)
    )]
    pub(super) fn authority(&self) -> Result<Option<Authority>, Error> {
        let Some(text) = &self.connections.authority else {
            return Ok(None);
        };
        match text.parse::<Authority>() {
            Ok(authority) if !text.contains('@') && !authority.host().is_empty() => {
                Ok(Some(authority))
            }
            _ => Err(Error::Config(format!(
                "authority `{text}` is not a host: give a host name, and a port if it is not the usual one"
            ))),
        }
    }

    /// Returns the rules for the user's headers.
    pub(super) fn header_rules(&self) -> HeaderRules {
        HeaderRules {
            protocol: self.url.protocol,
            credentials: self.credential_headers.clone(),
        }
    }
}

#[cfg(test)]
impl TransportConfig {
    /// Returns the options of a transport to a server that nobody calls.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(crate) fn for_tests(url: &str) -> Self {
        Self {
            url: ServerUrl::parse(url).unwrap(),
            names: Arc::default(),
            credential_headers: Vec::new(),
            headers: HeaderMap::new(),
            user_agent: HeaderValue::from_static("test"),
            connect_timeout: None,
            max_response_size: 1 << 20,
            connections: ConnectionOptions::default(),
            proxy: None,
            legacy_commands: false,
            tls: Tls::new(&super::tls::Options::default(), false).unwrap(),
        }
    }
}
