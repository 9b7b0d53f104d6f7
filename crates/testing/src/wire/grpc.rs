//! The gRPC API: unary calls, by the path of the method.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use prost::Message as _;

use super::body::ResponseBody;
use super::{Service, is_transport_mode, protobuf};
use crate::engine::{Answer, ROUTES, Route};
use crate::recorder::Endpoint;
use centrifugo_api::ApiError;

/// The codes that the server answers.
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

/// The byte that says whether a message is compressed, and its length.
const PREFIX: usize = 5;

/// How long the end of a request is waited for that has been read.
const END_OF_REQUEST: Duration = Duration::from_millis(100);

/// Why a call is refused: the code and the message.
type Refused = (i32, String);

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
            Err((code, message)) => refusal(code, &message),
        }
    }

    async fn try_grpc(&self, request: Request<Incoming>) -> Result<Response<ResponseBody>, Refused> {
        let (head, body) = request.into_parts();
        let route = route(head.uri.path())?;
        let message = self.message(&head.headers, body).await?;
        // Go reads the request before it looks at the key.
        let message = protobuf::known_fields(route.request, message).map_err(unreadable)?;
        (route.check)(message.clone()).map_err(unreadable)?;
        self.authorize(&head.headers)?;
        if !self.engine.serves(route) {
            return Err((
                code::UNIMPLEMENTED,
                format!("method {} not implemented", route.rpc),
            ));
        }
        self.record(route, Endpoint::Grpc, &head.headers, &message);
        let fault = self.engine.faults.on_the_wire(route.name, Endpoint::Grpc, || {
            (route.channels)(message.clone())
        });
        if let Some(instead) = self.before(fault.as_ref()).await {
            return Ok(instead);
        }
        let transport_mode = self.config.grpc_error_mode || is_transport_mode(&head.headers);
        let answer = self
            .run(route, message, &HashSet::new())
            .map_err(unreadable)?;
        Ok(self
            .after(fault.as_ref(), reply(route, answer, transport_mode))
            .await)
    }

    /// Reads the one message of a call.
    async fn message(&self, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Refused> {
        let encoding = headers
            .get("grpc-encoding")
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        if !matches!(encoding, b"" | b"identity" | b"gzip") {
            let encoding = String::from_utf8_lossy(encoding);
            return Err((
                code::UNIMPLEMENTED,
                format!("grpc: Decompressor is not installed for grpc-encoding {encoding:?}"),
            ));
        }
        let mut body = Unread {
            body,
            read: Bytes::new(),
        };
        body.up_to(PREFIX).await?;
        let Some(prefix) = body.read.first_chunk::<PREFIX>().copied() else {
            let end = if body.read.is_empty() {
                "EOF"
            } else {
                "unexpected EOF"
            };
            return Err((
                if body.read.is_empty() {
                    code::UNKNOWN
                } else {
                    code::INTERNAL
                },
                end.to_owned(),
            ));
        };
        let length = prefix[1..]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let limit = self.config.max_receive_message_size;
        if length > limit {
            return Err(too_large(length, limit));
        }
        let end = PREFIX + length;
        body.up_to(end).await?;
        if body.read.len() < end {
            return Err((code::INTERNAL, "unexpected EOF".to_owned()));
        }
        let message = body.read.slice(PREFIX..end);
        body.end().await;
        match (prefix[0], encoding) {
            (0, _) => Ok(message),
            (1, b"gzip") => gunzip(&message, limit),
            (1, _) => Err((
                code::INTERNAL,
                "grpc: compressed flag set with identity or empty encoding".to_owned(),
            )),
            (format, _) => Err((
                code::INTERNAL,
                format!("grpc: received unexpected payload format {format}"),
            )),
        }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(key) = &self.config.grpc_key else {
            return Ok(());
        };
        match headers.get("authorization") {
            Some(given) if given.as_bytes() == format!("apikey {key}").as_bytes() => Ok(()),
            _ => Err((code::UNAUTHENTICATED, "unauthenticated".to_owned())),
        }
    }
}

/// A body, of which no more is read than is asked for.
struct Unread {
    body: Incoming,
    read: Bytes,
}

impl Unread {
    /// Reads on until there are that many bytes, or no more.
    async fn up_to(&mut self, length: usize) -> Result<(), Refused> {
        if self.read.is_empty() {
            self.read = self.next().await?.unwrap_or_default();
        }
        if self.read.len() >= length {
            return Ok(());
        }
        let mut gathered = BytesMut::with_capacity(length);
        gathered.put_slice(&self.read);
        while gathered.len() < length {
            let Some(data) = self.next().await? else {
                break;
            };
            gathered.put_slice(&data);
        }
        self.read = gathered.freeze();
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| (code::INTERNAL, error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Waits for the end for a while: one that comes after the answer costs the connection the reset of a stream, and
    /// HTTP/2 bears few of those.
    async fn end(mut self) {
        if !self.body.is_end_stream() {
            let end = async { while let Ok(Some(_)) = self.next().await {} };
            let _ = tokio::time::timeout(END_OF_REQUEST, end).await;
        }
    }
}

fn unreadable(error: impl fmt::Display) -> Refused {
    (
        code::INTERNAL,
        format!("grpc: error unmarshalling request: {error}"),
    )
}

fn too_large(length: usize, limit: usize) -> Refused {
    (
        code::RESOURCE_EXHAUSTED,
        format!("grpc: received message larger than max ({length} vs. {limit})"),
    )
}

fn gunzip(compressed: &[u8], limit: usize) -> Result<Bytes, Refused> {
    use std::io::Read as _;

    let mut message = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut reader = flate2::read::MultiGzDecoder::new(compressed).take(most);
    match reader.read_to_end(&mut message) {
        Ok(length) if length > limit => Err(too_large(length, limit)),
        Ok(_) => Ok(message.into()),
        Err(error) => Err((
            code::INTERNAL,
            format!("grpc: failed to decompress the received message: {error}"),
        )),
    }
}

fn route(path: &str) -> Result<&'static Route, Refused> {
    if let Some(route) = ROUTES.iter().find(|route| route.grpc_path == path) {
        return Ok(route);
    }
    let known = ROUTES
        .first()
        .and_then(|route| route.grpc_path.strip_prefix('/')?.split('/').next());
    let message = match path.trim_start_matches('/').rsplit_once('/') {
        Some((service, method)) if Some(service) == known => {
            format!("unknown method {method} for service {service}")
        }
        Some((service, _)) => format!("unknown service {service}"),
        None => format!("malformed method name: {path:?}"),
    };
    Err((code::UNIMPLEMENTED, message))
}

fn reply(route: &Route, answer: Answer, transport_mode: bool) -> Response<ResponseBody> {
    if let Some(error) = answer.error.filter(|_| transport_mode || !route.has_error) {
        return api_error(&error);
    }
    let mut frame = BytesMut::with_capacity(PREFIX + answer.response.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(answer.response.len()).unwrap_or(u32::MAX));
    frame.put_slice(&answer.response);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let mut response = Response::new(ResponseBody::with_trailers(frame.freeze(), trailers));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// An error as the transport error mode has it: with details.
fn api_error(error: &ApiError) -> Response<ResponseBody> {
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
    let mut response = refusal(code, &error.message);
    if let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(details.encode_to_vec())) {
        response
            .headers_mut()
            .insert("grpc-status-details-bin", details);
    }
    response
}

/// A status without a message.
pub(super) fn refusal(code: i32, message: &str) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::default());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(code));
    if let Ok(message) = HeaderValue::from_str(&escaped(message)) {
        headers.insert("grpc-message", message);
    }
    response
}

/// A message as gRPC has it in a header.
fn escaped(message: &str) -> String {
    message
        .bytes()
        .fold(String::with_capacity(message.len()), |mut escaped, byte| {
            match byte {
                b' '..=b'~' if byte != b'%' => escaped.push(char::from(byte)),
                _ => drop(write!(escaped, "%{byte:02X}")),
            }
            escaped
        })
}
