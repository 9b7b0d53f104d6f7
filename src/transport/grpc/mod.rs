//! gRPC: unary calls on a tonic channel, fed by a path and bytes; no generated client.

mod connect;
mod encode;

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use connect::{connect, endpoint};
pub(super) use encode::encode;
use http::Uri;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::client::GrpcService as _;
use tonic::transport::Channel;
use tonic::{Code, ConnectError, TimeoutExpired};

use super::channels::Pool;
use super::frames::{self, BoxError, Failure};
use super::outgoing::Tracked;
use super::peer::Peer;
use super::per_runtime::PerRuntime;
use super::{Outgoing, Sent, Settings, too_large};
use crate::call::Call;
use crate::error::{Attempts, excerpt};
use crate::{ApiFailure, Error, Status};

/// How many connections to a node there are at most.
const CONNECTIONS: usize = 4;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

pub(crate) struct Grpc {
    url: String,
    /// The server for errors.
    shown: Box<str>,
    headers: HeaderMap,
    secrets: Vec<String>,
    max_response_size: usize,
    /// Whether requests are compressed, and replies may be.
    gzip: bool,
    channels: Channels,
    peer: Peer,
}

enum Channels {
    Own(Arc<Pool>),
    PerRuntime(PerRuntime<Arc<Pool>>),
}

impl Grpc {
    pub(super) fn new(mut settings: Settings, own: Option<Channel>) -> Result<Self, Error> {
        let secrets = settings.secrets();
        let (url, shown) = (settings.target.url(), settings.shown());
        let mut headers = std::mem::take(&mut settings.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        let gzip = settings.connections.gzip;
        if gzip {
            headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
            headers.insert("grpc-accept-encoding", HeaderValue::from_static("gzip"));
        }
        // Room for what each call has of its own.
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static(""));
        headers.extend(
            settings
                .key_header
                .clone()
                .map(|name| (Some(name), HeaderValue::from_static(""))),
        );
        let (max_response_size, peer) = (settings.max_response_size, Peer::new(&settings));
        let channels = match own {
            Some(channel) => Channels::Own(Pool::new([channel])),
            None => {
                let endpoint = endpoint(&settings)?;
                let count = settings.connections.grpc.unwrap_or(CONNECTIONS);
                let channels = move || {
                    (0..count)
                        .map(|_| connect(&endpoint, &settings))
                        .collect::<Vec<_>>()
                };
                Channels::PerRuntime(PerRuntime::new(move || Ok(Pool::new(channels()))))
            }
        };
        Ok(Self {
            url,
            shown,
            headers,
            secrets,
            max_response_size,
            gzip,
            channels,
            peer,
        })
    }

    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn send(&self, call: &Call<'_>, outgoing: Outgoing) -> Result<Bytes, Error> {
        let stream = match &self.channels {
            Channels::Own(pool) => pool.stream(),
            Channels::PerRuntime(pools) => pools.get()?.stream(),
        };
        let started = Instant::now();
        let exchange = self.exchange(call, stream.channel(), &outgoing);
        exchange
            .await
            .map_err(|failure| self.error(call, failure, &outgoing.sent, started))
    }

    async fn exchange(
        &self,
        call: &Call<'_>,
        mut channel: Channel,
        outgoing: &Outgoing,
    ) -> Result<Bytes, Failure> {
        poll_fn(|context| channel.poll_ready(context))
            .await
            .map_err(|error| Failure::Unready(error.into()))?;
        let response = channel
            .call(self.request(call, outgoing))
            .await
            .map_err(failed)?;
        self.peer.answers();
        let (head, mut body) = response.into_parts();
        if head.status != http::StatusCode::OK || head.headers.contains_key("grpc-status") {
            return Err(frames::refusal(head.status, head.headers, &mut body).await);
        }
        // Mostly, what comes first is all.
        let (mut first, mut more) = (Bytes::new(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            match frame.map_err(|status| failed(Cause(status)))?.into_data() {
                Ok(data) if first.is_empty() => first = data,
                Ok(data) => {
                    if more.is_empty() {
                        more.extend_from_slice(&first);
                        frames::reserve(&mut more);
                    }
                    more.extend_from_slice(&data);
                }
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    let read = if more.is_empty() {
                        first
                    } else {
                        more.freeze()
                    };
                    return match frames::final_status(trailers) {
                        Some((status, _)) if status.code() == Code::Ok => {
                            frames::message(read, self.max_response_size)
                        }
                        Some((status, details)) => Err(Failure::Status(status, details)),
                        None => Err(Failure::Unfinished),
                    };
                }
            }
            let read = if more.is_empty() {
                &first[..]
            } else {
                &more[..]
            };
            frames::check_start(read, self.max_response_size, self.gzip)?;
        }
        Err(Failure::Unfinished)
    }

    fn request(&self, call: &Call<'_>, outgoing: &Outgoing) -> http::Request<Body> {
        let body = match self.gzip {
            true => frames::compress(&outgoing.body),
            false => outgoing.body.clone(),
        };
        let body = Tracked::new(body, outgoing.sent.clone());
        let mut request = http::Request::new(Body::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = Uri::from_static(call.grpc_path);
        let mut headers = self.headers.clone();
        headers.insert(GRPC_TIMEOUT, time_left(outgoing.ends));
        if let Some((name, key)) = outgoing.key.clone() {
            headers.insert(name, key);
        }
        *request.headers_mut() = headers;
        request
    }

    /// Maps a failure, in order of certainty.
    pub(super) fn error(
        &self,
        call: &Call<'_>,
        failure: Failure,
        sent: &Sent,
        started: Instant,
    ) -> Error {
        let (method, elapsed, attempts) = (call.method, started.elapsed(), Attempts::default());
        match failure {
            Failure::Unready(error) => self.network_error(call, true, started, error),
            Failure::Unfinished => self.network_error(
                call,
                false,
                started,
                "the stream ended without a final status".into(),
            ),
            Failure::Lost(error) => {
                let connecting = caused_by(&*error, &is_connect_timeout);
                let unsent = connecting || !sent.give_up() || is_connecting(&*error);
                let timed_out = connecting
                    || caused_by(&*error, &|cause| {
                        cause.is::<TimeoutExpired>() || unsent && is_io_timeout(cause)
                    });
                match timed_out {
                    true => Error::Timeout {
                        method,
                        unsent,
                        after: elapsed,
                        attempts,
                    },
                    false => self.network_error(call, unsent, started, error),
                }
            }
            Failure::TooLarge => too_large(method, self.max_response_size),
            Failure::Broken(problem, start) => Error::Decode {
                method: Some(method),
                message: format!("{problem}: {}", excerpt(&start)),
                source: None,
            },
            Failure::Status(status, details) => {
                match (frames::api_error(&details), status.code()) {
                    (Some(error), _) => Error::Api(ApiFailure::new(method, error)),
                    (None, Code::Unauthenticated) => Error::Unauthorized {
                        method,
                        status: Status::Grpc(i32::from(Code::Unauthenticated)),
                    },
                    (None, Code::DeadlineExceeded) => Error::Timeout {
                        method,
                        unsent: false,
                        after: elapsed,
                        attempts,
                    },
                    (None, code) => Error::Transport {
                        method,
                        status: Status::Grpc(i32::from(code)),
                        body: excerpt(status.message().as_bytes()),
                        retry_after: frames::retry_delay(&details),
                        attempts,
                    },
                }
            }
        }
    }

    fn network_error(
        &self,
        call: &Call<'_>,
        unsent: bool,
        started: Instant,
        source: BoxError,
    ) -> Error {
        Error::Network {
            method: call.method,
            url: self.shown.clone(),
            unsent,
            elapsed: started.elapsed(),
            hint: self.peer.hint(is_connecting(&*source), &*source),
            source,
            attempts: Attempts::default(),
        }
    }
}

/// The `grpc-timeout` of a call: at most 8 digits and a unit.
fn time_left(ends: Instant) -> HeaderValue {
    const LARGEST: u128 = 99_999_999;
    let left = ends.saturating_duration_since(Instant::now());
    // Rounded up: tonic goes by it too, and is not to give up before its time.
    let text = match left.as_millis() + 1 {
        millis @ 0..=LARGEST => format!("{millis}m"),
        _ => format!("{}S", u128::from(left.as_secs()).min(LARGEST)),
    };
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("10S"))
}

/// What a local status was made of, without the status, whose message repeats it.
#[derive(Debug)]
struct Cause(tonic::Status);

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(cause) => fmt::Display::fmt(cause, formatter),
            None => formatter.write_str(self.0.message()),
        }
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()?.source()
    }
}

/// Makes a failure of what ended a connection or a stream.
fn failed(error: impl Into<BoxError>) -> Failure {
    Failure::Lost(error.into())
}

/// Reads a reply's protobuf.
pub(super) fn decode<T: prost::Message + Default>(
    method: &'static str,
    body: &Bytes,
) -> Result<T, Error> {
    T::decode(body.clone()).map_err(|error| Error::Decode {
        method: Some(method),
        message: format!(
            "the reply does not have the schema's shape: {}",
            excerpt(body)
        ),
        source: Some(error.into()),
    })
}

/// Whether `is` holds for the error or one of its causes.
fn caused_by(
    error: &(dyn StdError + 'static),
    is: &dyn Fn(&(dyn StdError + 'static)) -> bool,
) -> bool {
    is(error) || error.source().is_some_and(|cause| caused_by(cause, is))
}

fn is_connecting(error: &(dyn StdError + 'static)) -> bool {
    caused_by(error, &|cause| cause.is::<ConnectError>())
}

fn is_io_timeout(error: &(dyn StdError + 'static)) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// With a connector of ours, tonic's time for connecting ends in no `ConnectError`.
fn is_connect_timeout(error: &(dyn StdError + 'static)) -> bool {
    error.is::<tonic::transport::Error>() && error.source().is_some_and(is_io_timeout)
}
