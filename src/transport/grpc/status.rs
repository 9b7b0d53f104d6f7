//! The status of a gRPC call, and its details.

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, StatusCode};
use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;
use prost::Message;
use tonic::Code;

use super::Failure;
use crate::api;
use crate::codec::framing::FrameError;
use crate::error::{ApiError, excerpt};

/// The header with the code of the final status.
pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Checks the final status of a stream.
pub(super) fn of_trailers(trailers: HeaderMap) -> Result<(), Failure> {
    // Usually there is no message and there are no details, which are not looked for.
    let code = trailers.get(GRPC_STATUS);
    if code.is_some_and(|code| code == "0") {
        return Ok(());
    }
    match final_status(trailers) {
        Some((status, _)) if status.code() == Code::Ok => Ok(()),
        Some((status, details)) => Err(Failure::Status(status, details)),
        None => Err(Failure::Unfinished),
    }
}

/// Returns the failure of a response without a message: only a status, or a page of a proxy.
pub(super) async fn of_headers<B: Body<Data = Bytes> + Unpin>(
    http: StatusCode,
    headers: HeaderMap,
    body: &mut B,
) -> Failure {
    match final_status(headers) {
        Some((status, _)) if status.code() == Code::Ok => {
            return FrameError::Invalid("the reply has no message", Bytes::new()).into();
        }
        Some((status, details)) => return Failure::Status(status, details),
        None => {}
    }
    let page = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    };
    // The mapping that gRPC prescribes for clients, and other statuses of gateways without a server.
    let code = match http.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        408 | 429 | 502..=504 | 520..=524 | 530 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let message = format!("HTTP {} instead of gRPC: {}", http.as_u16(), excerpt(&page));
    Failure::Status(tonic::Status::new(code, message), Bytes::new())
}

/// Returns the final status and its details. tonic's own reader panics if the details are not base64, and takes a
/// message that is not UTF-8 for another status.
pub(crate) fn final_status(headers: HeaderMap) -> Option<(tonic::Status, Bytes)> {
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let code = Code::from_bytes(headers.get(GRPC_STATUS)?.as_bytes());
    let message = headers.get("grpc-message");
    let message = message.map(|message| percent_decoded(message.as_bytes()));
    let details = headers.get("grpc-status-details-bin");
    let details = details.and_then(|details| BASE64.decode(details).ok());
    let status = tonic::Status::new(code, message.unwrap_or_default());
    Some((status, details.unwrap_or_default().into()))
}

/// Returns a text whose special bytes are written as `%` and two hexadecimal digits. What is not UTF-8 is replaced.
fn percent_decoded(text: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let byte = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// `google.rpc.Status`, the message of gRPC's error details.
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

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Returns the time that the server asks to wait before another attempt.
pub(super) fn retry_delay(details: &[u8]) -> Option<Duration> {
    let details = Details::decode(details).ok()?.details;
    let any = details
        .into_iter()
        .find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(any.value).ok()?.retry_delay?;
    Some(Duration::new(
        u64::try_from(delay.seconds).ok()?,
        u32::try_from(delay.nanos).ok()?,
    ))
}

/// Returns Centrifugo's error, if the details have it, as in the transport error mode.
pub(super) fn api_error(details: &[u8]) -> Option<ApiError> {
    let details = Details::decode(details).ok()?.details;
    let any = details
        .into_iter()
        .find(|any| any.type_url.ends_with("/centrifugal.centrifugo.api.Error"))?;
    let error = api::Error::decode(any.value).ok()?;
    (error.code != 0).then(|| error.into())
}
