//! The frames of a gRPC call: what is written for a message, and what of an answer is one.
//!
//! tonic's own reader takes what it cannot read for a status of the server, and panics over bad details.

use std::time::Duration;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message;
use tonic::Code;
use tonic::body::Body;

use crate::ApiError;
use crate::error::excerpt;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call gave no message.
pub(super) enum Failure {
    /// There is no connection.
    Unready(BoxError),
    Lost(BoxError),
    Unfinished,
    TooLarge,
    /// What is wrong with the frames, and how they start.
    Broken(&'static str, Bytes),
    /// A status of the server, and its details.
    Status(tonic::Status, Bytes),
}

/// The byte that says whether a message is compressed, and its length.
const PREFIX: usize = 5;

/// Writes a message's frame.
pub(super) fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX + message.len());
    frame.put_u8(0);
    // No protobuf message is longer than 2 GiB.
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

/// Finds what is wrong as soon as the message's prefix is there.
pub(super) fn check_start(read: &BytesMut, limit: usize) -> Result<(), Failure> {
    match read.first() {
        None | Some(0) => {}
        Some(1) => return Err(Failure::Broken("the reply is compressed, unasked", read.clone().freeze())),
        Some(_) => {
            let problem = "the reply is not gRPC: is this the port of Centrifugo's gRPC API?";
            return Err(Failure::Broken(problem, read.clone().freeze()));
        }
    }
    match length(read) {
        Some(length) if length > limit => Err(Failure::TooLarge),
        Some(length) if read.len() - PREFIX > length => {
            Err(Failure::Broken("the reply holds more than a message", read.clone().freeze()))
        }
        _ => Ok(()),
    }
}

fn length(read: &[u8]) -> Option<usize> {
    let length = read.get(1..PREFIX)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(length)).ok()
}

/// The message of a stream that has ended well.
pub(super) fn message(mut read: Bytes) -> Result<Bytes, Failure> {
    match length(&read) {
        Some(length) if read.len() - PREFIX == length => {
            read.advance(PREFIX);
            Ok(read)
        }
        Some(_) => Err(Failure::Broken("the reply is cut short", read)),
        None => Err(Failure::Broken("the reply holds no message", read)),
    }
}

/// Reads the final status and its details, which tonic panics over when they are not base64.
pub(super) fn final_status(mut headers: HeaderMap) -> Option<(tonic::Status, Bytes)> {
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let details = headers
        .remove("grpc-status-details-bin")
        .and_then(|details| BASE64.decode(details).ok())
        .unwrap_or_default();
    Some((tonic::Status::from_header_map(&headers)?, details.into()))
}

/// An answer without a message: a status alone, or a page of something between.
pub(super) async fn refusal(http: StatusCode, headers: HeaderMap, body: &mut Body) -> Failure {
    match final_status(headers) {
        Some((status, _)) if status.code() == Code::Ok => {
            return Failure::Broken("the reply holds no message", Bytes::new());
        }
        Some((status, details)) => return Failure::Status(status, details),
        None => {}
    }
    let page = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    };
    // As gRPC tells its clients to map them.
    let code = match http.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    let message = format!("HTTP {} in place of gRPC: {}", http.as_u16(), excerpt(&page));
    Failure::Status(tonic::Status::new(code, message), Bytes::new())
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

/// How long the server asks to wait before another try.
pub(super) fn retry_delay(details: &[u8]) -> Option<Duration> {
    let details = Details::decode(details).ok()?.details;
    let any = details.into_iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(any.value).ok()?.retry_delay?;
    Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
}

/// Centrifugo's error, which is in the details in its transport error mode.
pub(super) fn api_error(details: &[u8]) -> Option<ApiError> {
    let details = Details::decode(details).ok()?.details;
    let any = details.into_iter().find(|any| any.type_url.ends_with("/centrifugal.centrifugo.api.Error"))?;
    ApiError::decode(any.value).ok().filter(|error| error.code != 0)
}
