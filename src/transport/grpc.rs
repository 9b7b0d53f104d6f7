//! gRPC: unary calls on a tonic channel, fed by a path and bytes; no generated client.

use std::error::Error as _;
use std::fmt;
use std::time::Instant;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc as Unary;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, ConnectError, Request, TimeoutExpired};

use super::per_runtime::PerRuntime;
use super::{Call, Settings, too_large};
use crate::error::excerpt;
use crate::{ApiError, Error, Method, Status};

pub(crate) struct Grpc {
    url: String,
    metadata: MetadataMap,
    max_response_size: usize,
    channels: Channels,
}

enum Channels {
    Own(Channel),
    PerRuntime(PerRuntime<Channel>),
}

impl Grpc {
    pub(super) fn new(mut settings: Settings, own: Option<Channel>) -> Result<Self, Error> {
        let url = settings.target.url();
        let metadata = MetadataMap::from_headers(std::mem::take(&mut settings.headers));
        let max_response_size = settings.max_response_size;
        let channels = match own {
            Some(channel) => Channels::Own(channel),
            None => {
                let endpoint = endpoint(&settings)?;
                Channels::PerRuntime(PerRuntime::new(move || Ok(connect(&endpoint, &settings))))
            }
        };
        Ok(Self { url, metadata, max_response_size, channels })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn send(&self, call: Call, body: Bytes) -> Result<Bytes, Error> {
        let channel = match &self.channels {
            Channels::Own(channel) => channel.clone(),
            Channels::PerRuntime(channels) => channels.get()?,
        };
        let started = Instant::now();
        let mut unary = Unary::new(channel).max_decoding_message_size(self.max_response_size);
        if let Err(error) = unary.ready().await {
            return Err(self.network_error(call, true, started, error.into()));
        }
        let mut request = Request::new(body);
        *request.metadata_mut() = self.metadata.clone();
        let path = PathAndQuery::from_static(call.grpc_path);
        match unary.unary(request, path, RawCodec).await {
            Ok(response) => Ok(response.into_inner()),
            Err(status) => Err(self.failure(call, status, started)),
        }
    }

    /// Maps a status, in order of certainty.
    fn failure(&self, call: Call, status: tonic::Status, started: Instant) -> Error {
        let (method, elapsed) = (call.method, started.elapsed());
        if let Some(error) = api_error(status.details()) {
            return Error::Api(error);
        }
        if status.source().is_some() {
            let unsent = caused_by(&status, |cause| cause.is::<ConnectError>());
            let timed_out =
                caused_by(&status, |cause| cause.is::<TimeoutExpired>() || unsent && is_io_timeout(cause));
            return match timed_out {
                true => Error::Timeout { method, unsent, after: elapsed },
                false => self.network_error(call, unsent, started, Box::new(Failure(status))),
            };
        }
        match status.code() {
            Code::Unauthenticated => {
                Error::Unauthorized { method, status: Status::Grpc(i32::from(Code::Unauthenticated)) }
            }
            Code::DeadlineExceeded => Error::Timeout { method, unsent: false, after: elapsed },
            Code::OutOfRange if status.message().contains("decoded message length too large") => {
                too_large(method, self.max_response_size)
            }
            code => Error::Transport {
                method,
                status: Status::Grpc(i32::from(code)),
                body: excerpt(status.message().as_bytes()),
                retry_after: None,
            },
        }
    }

    fn network_error(&self, call: Call, unsent: bool, started: Instant, source: BoxError) -> Error {
        Error::Network {
            method: call.method,
            url: self.url.as_str().into(),
            unsent,
            elapsed: started.elapsed(),
            source,
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a local status was made of, without the status, whose message repeats it.
#[derive(Debug)]
struct Failure(tonic::Status);

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(cause) => fmt::Display::fmt(cause, formatter),
            None => formatter.write_str(self.0.message()),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()?.source()
    }
}

fn endpoint(settings: &Settings) -> Result<Endpoint, Error> {
    let invalid = |error: tonic::transport::Error| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Error::Config(format!("the gRPC channel cannot be built: {error}{cause}"))
    };
    let endpoint = Endpoint::from_shared(settings.target.http_url())
        .and_then(|endpoint| endpoint.user_agent(settings.user_agent.clone()))
        .map_err(invalid)?
        .tcp_nodelay(true);
    Ok(match settings.connect_timeout {
        Some(timeout) => endpoint.connect_timeout(timeout),
        None => endpoint,
    })
}

#[cfg(feature = "tls")]
fn connect(endpoint: &Endpoint, settings: &Settings) -> Channel {
    if !settings.target.tls {
        return endpoint.connect_lazy();
    }
    let mut tcp = hyper_util::client::legacy::connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(settings.tls.clone())
        .https_only()
        .enable_http2()
        .wrap_connector(tcp);
    endpoint.connect_with_connector_lazy(tls)
}

#[cfg(not(feature = "tls"))]
fn connect(endpoint: &Endpoint, _settings: &Settings) -> Channel {
    endpoint.connect_lazy()
}

/// Reads a reply's protobuf.
pub(super) fn decode<M: Method>(body: Bytes) -> Result<M::Response, Error> {
    let start = body.clone();
    M::Response::decode(body).map_err(|error| Error::Decode {
        method: Some(M::NAME),
        message: format!("the reply does not have the schema's shape: {}", excerpt(&start)),
        source: Some(error.into()),
    })
}

/// `google.rpc.Status`, which gRPC's error details hold.
#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// Centrifugo's error, which is in the details in its transport error mode.
fn api_error(details: &[u8]) -> Option<ApiError> {
    let details = Details::decode(details).ok()?.details;
    let any = details.into_iter().find(|any| any.type_url.ends_with("/centrifugal.centrifugo.api.Error"))?;
    ApiError::decode(any.value).ok()
}

/// Whether `is` holds for one of the error's causes.
fn caused_by(status: &tonic::Status, is: impl Fn(&(dyn std::error::Error + 'static)) -> bool) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if is(error) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_io_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// Passes messages through as the bytes that they are on the wire, so that one compiled path serves all methods.
#[derive(Clone, Copy)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        buffer.reserve(message.len());
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
