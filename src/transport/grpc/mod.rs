//! The gRPC transport: unary calls on a tonic channel, given a path and bytes, without a generated client.

mod connect;
mod failure;
mod pool;
mod status;

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use ::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use ::http::{StatusCode, Uri};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::client::GrpcService as _;
use tonic::transport::Channel;

use super::diagnosis::Diagnosis;
use super::per_runtime::PerRuntime;
use super::request::TrackedBody;
use super::{OutgoingRequest, OwnConnections, Route, TransportConfig};
use crate::codec::framing;
use crate::error::Error;
use connect::{connect, endpoint};
pub(super) use failure::Failure;
use failure::StreamError;
use pool::Pool;
#[cfg(test)]
pub(super) use status::final_status;

/// The maximal number of connections to a node by default.
const CONNECTIONS: usize = 4;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The gRPC connections to a node.
pub(crate) struct Grpc {
    /// The server as errors show it.
    shown: Box<str>,
    /// The metadata of each call, with room for the key and the timeout.
    headers: HeaderMap,
    max_response_size: usize,
    /// Whether requests are compressed, and replies may be.
    gzip: bool,
    channels: Channels,
    diagnosis: Diagnosis,
}

enum Channels {
    Own(Arc<Pool>),
    PerRuntime(PerRuntime<Arc<Pool>>),
}

impl Grpc {
    pub(super) fn new(mut config: TransportConfig, own: OwnConnections) -> Result<Self, Error> {
        let shown = config.shown();
        let gzip = config.connections.gzip;
        let max_response_size = config.max_response_size;
        let diagnosis = Diagnosis::new(&config);
        let headers = headers(&mut config);
        let channels = match own.grpc_channel {
            Some(channel) => Channels::Own(Pool::new([channel])),
            None => {
                let endpoint = endpoint(&config)?;
                let count = config.connections.grpc.unwrap_or(CONNECTIONS);
                Channels::PerRuntime(PerRuntime::new(move || {
                    let channels = (0..count).map(|_| connect(&endpoint, &config));
                    Ok(Pool::new(channels))
                }))
            }
        };
        Ok(Self {
            shown,
            headers,
            max_response_size,
            gzip,
            channels,
            diagnosis,
        })
    }

    /// Sends a request and returns the message of the reply.
    pub(crate) async fn send(
        &self,
        route: &Route<'_>,
        outgoing: OutgoingRequest,
    ) -> Result<Bytes, Error> {
        let lease = match &self.channels {
            Channels::Own(pool) => pool.lease(),
            Channels::PerRuntime(pools) => pools.get()?.lease(),
        };
        let started = Instant::now();
        let reply = self.exchange(route, lease.channel(), &outgoing).await;
        reply.map_err(|failure| self.error(route, failure, &outgoing.state, started))
    }

    /// Makes a call on a channel.
    async fn exchange(
        &self,
        route: &Route<'_>,
        mut channel: Channel,
        outgoing: &OutgoingRequest,
    ) -> Result<Bytes, Failure> {
        let ready = poll_fn(|context| channel.poll_ready(context)).await;
        ready.map_err(|error| Failure::Unready(error.into()))?;
        let response = channel.call(self.request(route, outgoing)).await;
        let response = response.map_err(Failure::lost)?;
        self.diagnosis.saw_reply();
        let (head, mut body) = response.into_parts();
        if head.status != StatusCode::OK || head.headers.contains_key("grpc-status") {
            return Err(status::of_headers(head.status, head.headers, &mut body).await);
        }
        self.read(body).await
    }

    /// Reads the message of a response, and its final status.
    async fn read(&self, mut body: Body) -> Result<Bytes, Failure> {
        let mut received = Received::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|status| Failure::lost(StreamError(status)))?;
            match frame.into_data() {
                Ok(data) => {
                    received.push(data);
                    framing::check_start(received.bytes(), self.max_response_size, self.gzip)?;
                }
                Err(frame) => {
                    status::of_trailers(frame.into_trailers().unwrap_or_default())?;
                    let message = framing::message(received.into_bytes(), self.max_response_size)?;
                    return Ok(message);
                }
            }
        }
        Err(Failure::Unfinished)
    }

    fn request(&self, route: &Route<'_>, outgoing: &OutgoingRequest) -> ::http::Request<Body> {
        let body = if self.gzip {
            framing::compress(&outgoing.body)
        } else {
            outgoing.body.clone()
        };
        let body = TrackedBody::new(body, outgoing.state.clone());
        let mut request = ::http::Request::new(Body::new(body));
        *request.method_mut() = ::http::Method::POST;
        *request.uri_mut() = Uri::from_static(route.grpc_path);
        let mut headers = self.headers.clone();
        headers.insert(GRPC_TIMEOUT, time_left(outgoing.ends));
        if let Some((name, key)) = outgoing.key.clone() {
            headers.insert(name, key);
        }
        *request.headers_mut() = headers;
        request
    }
}

/// Returns the metadata of each call.
fn headers(config: &mut TransportConfig) -> HeaderMap {
    const GZIP: HeaderValue = HeaderValue::from_static("gzip");
    const PLACEHOLDER: HeaderValue = HeaderValue::from_static("");
    let mut headers = std::mem::take(&mut config.headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if config.connections.gzip {
        headers.insert("grpc-encoding", GZIP);
        headers.insert("grpc-accept-encoding", GZIP);
    }
    // Each call replaces these two.
    headers.insert(GRPC_TIMEOUT, PLACEHOLDER);
    if let Some(name) = config.key_header.clone() {
        headers.insert(name, PLACEHOLDER);
    }
    headers
}

/// The bytes of a message that have been received. Usually the first frame is the whole message: it is not copied.
#[derive(Default)]
struct Received {
    first: Bytes,
    /// All bytes, once there is a second frame.
    all: BytesMut,
}

impl Received {
    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
            framing::reserve(&mut self.all);
        }
        self.all.extend_from_slice(&data);
    }

    fn bytes(&self) -> &[u8] {
        if self.all.is_empty() {
            &self.first
        } else {
            &self.all
        }
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

/// Returns the `grpc-timeout` of a call: at most 8 digits and a unit.
fn time_left(ends: Instant) -> HeaderValue {
    const LARGEST: u128 = 99_999_999;
    let left = ends.saturating_duration_since(Instant::now());
    // Rounded up: tonic enforces the timeout too, and must not end the call before its deadline.
    let millis = left.as_millis() + 1;
    let text = if millis <= LARGEST {
        format!("{millis}m")
    } else {
        format!("{}S", u128::from(left.as_secs()).min(LARGEST))
    };
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("10S"))
}
