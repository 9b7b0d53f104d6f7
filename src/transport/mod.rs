//! Bytes to the server and back. A transport does not know individual methods.

#[cfg(any(not(feature = "http"), not(feature = "grpc")))]
mod absent;
mod config;
mod diagnosis;
mod dial;
#[cfg(test)]
mod fuzz;
mod gate;
#[cfg(feature = "grpc")]
mod grpc;
mod headers;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "hyper")]
mod http1;
mod proxy;
#[cfg(feature = "service")]
mod refusal;
mod request;
pub mod service;
// Which of it is used depends on the features.
#[allow(dead_code)]
#[cfg(test)]
mod support;
pub(crate) mod tls;
pub(crate) mod url;

use std::pin::Pin;
use std::sync::Arc;

use ::http::HeaderMap;
use bytes::Bytes;

use crate::codec::Codec;
use crate::error::{Attempts, Error};
#[cfg(not(feature = "grpc"))]
use absent::Absent as Grpc;
#[cfg(not(feature = "http"))]
use absent::Absent as Http;
#[cfg(not(feature = "service"))]
use absent::Absent as HttpService;
pub(crate) use config::{ConnectionOptions, OwnConnections, TransportConfig};
pub(crate) use dial::Names;
pub(crate) use gate::Gate;
#[cfg(feature = "grpc")]
use grpc::Grpc;
pub(crate) use headers::{HeaderRules, header_value, secrets};
#[cfg(feature = "http")]
use http::Http;
pub(crate) use proxy::proxy_for;
pub(crate) use request::{OutgoingRequest, Route, SendState};
#[cfg(feature = "service")]
use service::HttpService;
use url::Protocol;

/// The way to a node: its URL, its encoding, its connections.
pub(crate) struct Transport {
    url: String,
    /// The proxy that connections pass through, without its credentials.
    proxy: Option<String>,
    common: Arc<Common>,
    sender: Sender,
}

/// The body of a reply that is awaited.
pub(crate) type Reply<'a> = Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send + 'a>>;

/// The facts that all nodes of a client have in common.
pub(crate) struct Common {
    /// The encoding of their protocol.
    pub(crate) codec: Codec,
    /// The texts that no error may show.
    pub(crate) secrets: Vec<String>,
    /// The rules for the user's headers.
    pub(crate) header_rules: HeaderRules,
}

// A transport whose feature is off has no size.
#[allow(clippy::large_enum_variant)]
enum Sender {
    Http(Http),
    HttpService(HttpService),
    Grpc(Grpc),
}

impl Transport {
    /// Creates a transport. It connects when it first sends.
    pub(crate) fn new(config: TransportConfig, own: OwnConnections) -> Result<Self, Error> {
        let url = config.url.to_string();
        let proxy = config.proxy.clone();
        let secrets = secrets(&config.headers);
        let header_rules = config.header_rules();
        let codec = match config.url.protocol {
            Protocol::Http if config.legacy_commands => Codec::CommandLines,
            Protocol::Http => Codec::Json,
            Protocol::Grpc => Codec::Protobuf,
        };
        let sender = match config.url.protocol {
            Protocol::Http if own.http.are_used() || uses_hyper(&config) => {
                Sender::HttpService(HttpService::new(config, own)?)
            }
            Protocol::Http => Sender::Http(Http::new(config, own)?),
            Protocol::Grpc => Sender::Grpc(Grpc::new(config, own)?),
        };
        Ok(Self {
            url,
            proxy,
            common: Arc::new(Common {
                codec,
                secrets,
                header_rules,
            }),
            sender,
        })
    }

    pub(crate) fn common(&self) -> Arc<Common> {
        Arc::clone(&self.common)
    }

    /// Returns the headers of a call that the user may set, of these.
    pub(crate) fn allowed(&self, headers: HeaderMap) -> HeaderMap {
        if headers.is_empty() {
            headers
        } else {
            self.common.header_rules.allowed(headers)
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// Sends a request and returns the body of the reply.
    pub(crate) fn send<'a>(
        &'a self,
        route: &'a Route<'_>,
        request: &'a OutgoingRequest<'_>,
    ) -> Reply<'a> {
        match &self.sender {
            Sender::Http(http) => Box::pin(http.send(route, request)),
            Sender::HttpService(service) => Box::pin(service.send(route, request)),
            Sender::Grpc(grpc) => Box::pin(grpc.send(route, request)),
        }
    }
}

/// Returns whether calls over HTTP use connections on hyper.
fn uses_hyper(config: &TransportConfig) -> bool {
    config.connections.hyper || cfg!(not(feature = "http"))
}

/// Returns the error for a reply above `max_response_size`, the same over both transports.
fn too_large(method: &'static str, limit: usize) -> Error {
    Error::Decode {
        method: Some(method),
        message: format!(
            "the reply is larger than max_response_size, {limit} bytes: ask for less at once, or raise it"
        ),
        source: None,
        attempts: Attempts::default(),
    }
}
