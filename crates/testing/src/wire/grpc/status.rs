//! The statuses of gRPC calls.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use centrifugo_api::{ApiError, api};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use prost::Message as _;

use crate::wire::body::ResponseBody;
use crate::wire::grpc::code;

/// The status with which a call is refused.
pub(super) struct Refusal {
    pub(super) code: i32,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
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

/// Returns the response for an error in the transport error mode: a status with details.
pub(super) fn api_error_response(error: &ApiError) -> Response<ResponseBody> {
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
        value: api::Error::from(error.clone()).encode_to_vec(),
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
pub(in crate::wire) fn error_response(code: i32, message: &str) -> Response<ResponseBody> {
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
