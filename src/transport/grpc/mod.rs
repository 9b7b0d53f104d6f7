//! The gRPC transport: unary calls given a path and bytes, without a generated client, over HTTP/2 connections of its
//! own, over a tonic channel that the user made, or through another service of the user.

mod channel;
mod connection;
mod exchange;
mod failure;
mod pool;
mod reply;
mod serve;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod timeout;

use std::sync::Arc;
use std::time::Instant;

use ::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT};
use ::http::uri::{Authority, Scheme};
use bytes::Bytes;

use super::diagnosis::Diagnosis;
use super::dial::Dialer;
use super::service::HttpTransport;
use super::{OutgoingRequest, OwnConnections, Route, TransportConfig};
use crate::codec::{EncodedBody, framing};
use crate::error::Error;
use crate::platform::PerRuntime;
use connection::KeepAlive;
pub(super) use failure::Failure;
use pool::Pool;
use reply::Expected;
#[cfg(test)]
pub(super) use status::final_status;
use timeout::TimeoutHeaders;

/// The maximal number of connections to a node by default.
const CONNECTIONS: usize = 4;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The gRPC connections to a node.
pub(crate) struct Grpc {
    /// The server as errors show it.
    shown: Box<str>,
    /// True if the URL names a host, so that errors show the address too.
    has_name: bool,
    origin: Origin,
    /// The metadata of each call, with room for the key and the timeout.
    headers: HeaderMap,
    timeouts: TimeoutHeaders,
    expected: Expected,
    connections: Connections,
    diagnosis: Diagnosis,
}

enum Connections {
    Pools(PerRuntime<Arc<Pool>>),
    Service(HttpTransport),
}

/// The server as requests name it.
struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Grpc {
    pub(super) fn new(mut config: TransportConfig, own: OwnConnections) -> Result<Self, Error> {
        let origin = Origin::new(&config)?;
        let mut diagnosis = Diagnosis::new(&config);
        if own.grpc.service.is_some() {
            diagnosis = diagnosis.of_own_service();
        }
        let connections = Connections::new(&config, own)?;
        let headers = headers(&mut config);
        Ok(Self {
            shown: config.shown(),
            has_name: config.url.name().is_some(),
            origin,
            headers,
            timeouts: TimeoutHeaders::default(),
            expected: Expected {
                max_size: config.max_response_size,
                gzip: config.connections.gzip,
            },
            connections,
            diagnosis,
        })
    }

    /// Sends a request and returns the message of the reply.
    pub(crate) async fn send(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Bytes, Error> {
        let started = Instant::now();
        let reply = match &self.connections {
            Connections::Pools(pools) => self.call(route, &pools.get()?, outgoing).await,
            Connections::Service(service) => self.call_service(route, service, outgoing).await,
        };
        reply.map_err(|failure| self.error(route, failure, &outgoing.state, started))
    }

    /// Returns the body of a request.
    fn body(&self, outgoing: &OutgoingRequest<'_>) -> EncodedBody {
        if self.expected.gzip {
            framing::compress(outgoing.body)
        } else {
            outgoing.body.clone()
        }
    }

    /// Returns the metadata of a call.
    fn headers(&self, outgoing: &OutgoingRequest<'_>) -> HeaderMap {
        let mut headers = self.headers.clone();
        outgoing.add_headers(&mut headers);
        let left = outgoing.ends.saturating_duration_since(Instant::now());
        headers.insert(GRPC_TIMEOUT, self.timeouts.header(left));
        headers
    }
}

impl Connections {
    /// Returns what the user gave, with the layers around it, or else connections of our own.
    fn new(config: &TransportConfig, own: OwnConnections) -> Result<Self, Error> {
        let service = own.grpc.service.clone();
        let transport = match service.or(own.grpc_channel.map(channel::transport)) {
            Some(transport) => transport,
            None if own.grpc.has_layers() => {
                let grpc = Grpc::new(config.clone(), OwnConnections::default())?;
                HttpTransport::built_in(Arc::new(grpc))
            }
            None => return Self::pools(config),
        };
        Ok(Self::Service(own.grpc.around(transport)))
    }

    /// Returns connections of our own.
    fn pools(config: &TransportConfig) -> Result<Self, Error> {
        let dialer = Arc::new(Dialer::new(config, "h2", None)?);
        let options = &config.connections;
        let max_connections = options.grpc.unwrap_or(CONNECTIONS);
        let keep_alive = options.http2_keep_alive.map(|interval| KeepAlive {
            interval,
            timeout: options.ping_timeout(),
        });
        Ok(Self::Pools(PerRuntime::new(move || {
            Ok(Pool::new(Arc::clone(&dialer), max_connections, keep_alive))
        })))
    }
}

impl Origin {
    fn new(config: &TransportConfig) -> Result<Self, Error> {
        let scheme = if config.url.tls {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let authority = match config.authority()? {
            Some(authority) => authority,
            None => {
                let authority = config.url.authority_without_usual_port();
                let parsed = authority.parse();
                parsed.map_err(|error| Error::Config(format!("url `{}`: {error}", config.url)))?
            }
        };
        Ok(Self { scheme, authority })
    }
}

/// Returns the metadata of each call.
fn headers(config: &mut TransportConfig) -> HeaderMap {
    const GZIP: HeaderValue = HeaderValue::from_static("gzip");
    const PLACEHOLDER: HeaderValue = HeaderValue::from_static("");
    let mut headers = std::mem::take(&mut config.headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(USER_AGENT, config.user_agent.clone());
    if config.connections.gzip {
        headers.insert("grpc-encoding", GZIP);
        headers.insert("grpc-accept-encoding", GZIP);
    }
    // Each call replaces these two.
    headers.insert(GRPC_TIMEOUT, PLACEHOLDER);
    for name in config.credential_headers.clone() {
        headers.insert(name, PLACEHOLDER);
    }
    headers
}
