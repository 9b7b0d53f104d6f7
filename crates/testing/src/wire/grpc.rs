//! The gRPC API: unary calls, by the path of the method.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut as _, Bytes, BytesMut};
use centrifugo_api::ApiError;
use flate2::read::MultiGzDecoder;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use prost::Message as _;

use crate::engine::{EncodedReply, ROUTES, Route};
use crate::recorder::Endpoint;
use crate::wire::body::ResponseBody;
use crate::wire::{Service, is_transport_mode, protobuf};

/// The gRPC status codes that the server uses.
mod code {
    pub(super) const UNKNOWN: i32 = 2;
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const ALREADY_EXISTS: i32 = 6;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const OUT_OF_RANGE: i32 = 11;
    pub(super) const UNIMPLEMENTED: i32 = 12;
    pub(super) const INTERNAL: i32 = 13;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

/// The length of a message's prefix: a byte with the compressed flag, and the message's length.
const PREFIX: usize = 5;

/// The time to wait for the end of a request after its message has been read.
const END_OF_REQUEST_TIMEOUT: Duration = Duration::from_millis(100);

/// The status with which a call is refused.
struct Refusal {
    code: i32,
    message: String,
}

impl Refusal {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, prost::Message)]
struct Details {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

impl Service {
    pub(super) async fn grpc(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        match self.try_grpc(request).await {
            Ok(response) => response,
            Err(refusal) => error_response(refusal.code, &refusal.message),
        }
    }

    async fn try_grpc(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let (head, body) = request.into_parts();
        let route = route(head.uri.path())?;
        let raw_request = self.read_message(&head.headers, body).await?;
        // As in Go, the request is read before the key is checked.
        let request = protobuf::known_fields(route.request, raw_request).map_err(undecodable)?;
        (route.check)(request.clone()).map_err(undecodable)?;
        self.authorize(&head.headers)?;
        if !self.engine.serves(route) {
            let message = format!("method {} not implemented", route.rpc);
            return Err(Refusal::new(code::UNIMPLEMENTED, message));
        }
        self.record(route, Endpoint::Grpc, &head.headers, &request);
        let fault = self.take_fault(route, Endpoint::Grpc, &request);
        if let Some(response) = self.fault_before_call(fault.as_ref()).await {
            return Ok(response);
        }
        let transport_mode =
            self.config.grpc_error_mode_transport || is_transport_mode(&head.headers);
        let reply = self
            .run(route, request, &HashSet::new())
            .map_err(undecodable)?;
        let response = encode_response(route, reply, transport_mode);
        Ok(self.fault_after_call(fault.as_ref(), response).await)
    }

    /// Reads the only message of a call.
    async fn read_message(&self, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Refusal> {
        let encoding = encoding(headers)?;
        let mut reader = BodyReader::new(body);
        let (compressed, length) = reader.prefix().await?;
        let limit = self.config.max_receive_message_size;
        if length > limit {
            return Err(too_large(length, limit));
        }
        let message = reader.message(length).await?;
        reader.finish().await;
        match (compressed, encoding) {
            (0, _) => Ok(message),
            (1, Encoding::Gzip) => gunzip(&message, limit),
            (1, Encoding::Identity) => Err(Refusal::new(
                code::INTERNAL,
                "grpc: compressed flag set with identity or empty encoding",
            )),
            (format, _) => Err(Refusal::new(
                code::INTERNAL,
                format!("grpc: received unexpected payload format {format}"),
            )),
        }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(key) = &self.config.grpc_key else {
            return Ok(());
        };
        match headers.get("authorization") {
            Some(given) if given.as_bytes() == format!("apikey {key}").as_bytes() => Ok(()),
            _ => Err(Refusal::new(code::UNAUTHENTICATED, "unauthenticated")),
        }
    }
}

/// The encoding of compressed messages, by the header `grpc-encoding`.
enum Encoding {
    Identity,
    Gzip,
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let name = headers
        .get("grpc-encoding")
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    match name {
        b"" | b"identity" => Ok(Encoding::Identity),
        b"gzip" => Ok(Encoding::Gzip),
        _ => {
            let name = String::from_utf8_lossy(name);
            Err(Refusal::new(
                code::UNIMPLEMENTED,
                format!("grpc: Decompressor is not installed for grpc-encoding {name:?}"),
            ))
        }
    }
}

/// A reader of a request's body, which reads no more frames than it needs.
struct BodyReader {
    body: Incoming,
    /// The bytes that have been read and not been returned.
    buffer: Bytes,
}

impl BodyReader {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            buffer: Bytes::new(),
        }
    }

    /// Reads the prefix of a message: the compressed flag and the message's length.
    async fn prefix(&mut self) -> Result<(u8, usize), Refusal> {
        self.fill(PREFIX).await?;
        let Some([flag, length @ ..]) = self.buffer.first_chunk::<PREFIX>().copied() else {
            return if self.buffer.is_empty() {
                Err(Refusal::new(code::UNKNOWN, "EOF"))
            } else {
                Err(Refusal::new(code::INTERNAL, "unexpected EOF"))
            };
        };
        self.buffer = self.buffer.slice(PREFIX..);
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        Ok((flag, length))
    }

    /// Reads a message of this length.
    async fn message(&mut self, length: usize) -> Result<Bytes, Refusal> {
        self.fill(length).await?;
        if self.buffer.len() < length {
            return Err(Refusal::new(code::INTERNAL, "unexpected EOF"));
        }
        Ok(self.buffer.split_to(length))
    }

    /// Reads until the buffer has this many bytes, or the body ends.
    async fn fill(&mut self, length: usize) -> Result<(), Refusal> {
        if self.buffer.is_empty() && length > 0 {
            self.buffer = self.next().await?.unwrap_or_default();
        }
        if self.buffer.len() >= length {
            return Ok(());
        }
        let mut gathered = BytesMut::with_capacity(length);
        gathered.put_slice(&self.buffer);
        while gathered.len() < length {
            let Some(data) = self.next().await? else {
                break;
            };
            gathered.put_slice(&data);
        }
        self.buffer = gathered.freeze();
        Ok(())
    }

    /// Reads the next data frame; `None` at the end of the body.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Refusal::new(code::INTERNAL, error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Waits a short time for the end of the request.
    ///
    /// If the response is complete before the request, the stream is reset, and HTTP/2 limits the
    /// number of resets per connection.
    async fn finish(mut self) {
        if self.body.is_end_stream() {
            return;
        }
        let end = async { while let Ok(Some(_)) = self.next().await {} };
        let _ = tokio::time::timeout(END_OF_REQUEST_TIMEOUT, end).await;
    }
}

fn undecodable(error: impl fmt::Display) -> Refusal {
    Refusal::new(
        code::INTERNAL,
        format!("grpc: error unmarshalling request: {error}"),
    )
}

fn too_large(length: usize, limit: usize) -> Refusal {
    Refusal::new(
        code::RESOURCE_EXHAUSTED,
        format!("grpc: received message larger than max ({length} vs. {limit})"),
    )
}

/// Decompresses a message, up to the limit.
fn gunzip(compressed: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut message = Vec::new();
    // One byte more than the limit shows that the message exceeds it.
    let max_read = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut reader = MultiGzDecoder::new(compressed).take(max_read);
    match reader.read_to_end(&mut message) {
        Ok(length) if length > limit => Err(too_large(length, limit)),
        Ok(_) => Ok(message.into()),
        Err(error) => Err(Refusal::new(
            code::INTERNAL,
            format!("grpc: failed to decompress the received message: {error}"),
        )),
    }
}

fn route(path: &str) -> Result<&'static Route, Refusal> {
    if let Some(route) = ROUTES.iter().find(|route| route.grpc_path == path) {
        return Ok(route);
    }
    let known_service = ROUTES
        .first()
        .and_then(|route| route.grpc_path.strip_prefix('/')?.split('/').next());
    let message = match path.trim_start_matches('/').rsplit_once('/') {
        Some((service, method)) if Some(service) == known_service => {
            format!("unknown method {method} for service {service}")
        }
        Some((service, _)) => format!("unknown service {service}"),
        None => format!("malformed method name: {path:?}"),
    };
    Err(Refusal::new(code::UNIMPLEMENTED, message))
}

fn encode_response(
    route: &Route,
    reply: EncodedReply,
    transport_mode: bool,
) -> Response<ResponseBody> {
    if let Some(error) = &reply.error
        && (transport_mode || !route.has_error)
    {
        return api_error_response(error);
    }
    let length = reply.protobuf.len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    frame.put_slice(&reply.protobuf);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let mut response = Response::new(ResponseBody::with_trailers(frame.freeze(), trailers));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// Returns the response for an error in the transport error mode: a status with details.
fn api_error_response(error: &ApiError) -> Response<ResponseBody> {
    let code = match error.code {
        ApiError::UNKNOWN_CHANNEL | ApiError::NOT_FOUND => code::NOT_FOUND,
        ApiError::BAD_REQUEST | ApiError::NOT_AVAILABLE => code::INVALID_ARGUMENT,
        ApiError::TOO_MANY_REQUESTS => code::RESOURCE_EXHAUSTED,
        ApiError::UNRECOVERABLE_POSITION => code::OUT_OF_RANGE,
        ApiError::CONFLICT => code::ALREADY_EXISTS,
        _ => code::INTERNAL,
    };
    let any = Any {
        type_url: "type.googleapis.com/centrifugal.centrifugo.api.Error".to_owned(),
        value: error.encode_to_vec(),
    };
    let details = Details {
        code,
        message: error.message.clone(),
        details: vec![any],
    };
    let mut response = error_response(code, &error.message);
    if let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(details.encode_to_vec())) {
        response
            .headers_mut()
            .insert("grpc-status-details-bin", details);
    }
    response
}

/// Returns a response that consists of a status only.
pub(super) fn error_response(code: i32, message: &str) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::default());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(code));
    if let Ok(message) = HeaderValue::from_str(&escaped(message)) {
        headers.insert("grpc-message", message);
    }
    response
}

/// Percent-encodes a status message, as gRPC does in the header.
fn escaped(message: &str) -> String {
    let mut escaped = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => escaped.push(char::from(byte)),
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}
