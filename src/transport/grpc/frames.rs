//! The frames of a gRPC call: what is written for a message, and what of an answer is one.
//!
//! tonic's own reader takes what it cannot read for a status of the server, and panics over bad details.

use std::time::Duration;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};
use tonic::Code;
use tonic::body::Body;

use super::Written;
use crate::error::excerpt;
use crate::{ApiError, api};

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

/// Writes a message of that length, and its frame: where it is sent from, so that nothing is copied again.
pub(crate) fn frame(length: usize, write: impl FnOnce(&mut BytesMut)) -> Bytes {
    head(length, 0, write)
}

/// Writes a frame of a message of that length, whose last bytes follow apart.
pub(super) fn head(length: usize, apart: usize, write: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut head = BytesMut::with_capacity(PREFIX + length - apart);
    head.put_u8(0);
    // No protobuf message is longer than 2 GiB.
    head.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    write(&mut head);
    debug_assert_eq!(head.len() + apart, PREFIX + length);
    head.freeze()
}

/// The message in a frame of one's own.
pub(super) fn framed(frame: &Bytes) -> Bytes {
    frame.slice(PREFIX..)
}

/// Room for what is to come, but for no more than has come or a server may have lied about.
pub(super) fn reserve(read: &mut BytesMut) {
    const AT_ONCE: usize = 1024 * 1024;
    let whole = length(read).map_or(0, |length| length.saturating_add(PREFIX));
    read.reserve(whole.saturating_sub(read.len()).min(AT_ONCE));
}

/// Compresses the message in a frame, unless it is too short to gain from it.
#[cfg(feature = "gzip")]
pub(super) fn compress(frame: &Written) -> Written {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    const WORTHWHILE: usize = 1024;
    if frame.len() < WORTHWHILE {
        return frame.clone();
    }
    let mut encoder = GzEncoder::new(vec![1; PREFIX], Compression::fast());
    let written = encoder
        .write_all(&frame.head[PREFIX..])
        .and_then(|()| encoder.write_all(&frame.payload))
        .and_then(|()| encoder.finish());
    let length = |compressed: &Vec<u8>| u32::try_from(compressed.len() - PREFIX).ok();
    match written.map(|compressed| (length(&compressed), compressed)) {
        Ok((Some(length), mut compressed)) => {
            compressed[1..PREFIX].copy_from_slice(&length.to_be_bytes());
            Bytes::from(compressed).into()
        }
        _ => frame.clone(),
    }
}

/// Without the feature there is no option for it.
#[cfg(not(feature = "gzip"))]
pub(super) fn compress(frame: &Written) -> Written {
    frame.clone()
}

/// Takes no more than the limit out of what may be made to hold far more than it looks.
#[cfg(feature = "gzip")]
fn decompress(compressed: &[u8], limit: usize) -> Result<Bytes, Failure> {
    use std::io::Read as _;

    let mut message = Vec::new();
    let limit_and_one = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match flate2::read::GzDecoder::new(compressed)
        .take(limit_and_one)
        .read_to_end(&mut message)
    {
        Ok(length) if length > limit => Err(Failure::TooLarge),
        Ok(_) => Ok(message.into()),
        Err(_) => Err(Failure::Broken(
            "the reply is no gzip",
            Bytes::copy_from_slice(compressed),
        )),
    }
}

#[cfg(not(feature = "gzip"))]
fn decompress(compressed: &[u8], _limit: usize) -> Result<Bytes, Failure> {
    Err(Failure::Broken(
        "the reply is compressed, unasked",
        Bytes::copy_from_slice(compressed),
    ))
}

/// Finds what is wrong as soon as the message's prefix is there.
pub(super) fn check_start(read: &[u8], limit: usize, gzip: bool) -> Result<(), Failure> {
    match read.first() {
        None | Some(0) => {}
        Some(1) if gzip => {}
        Some(1) => {
            return Err(Failure::Broken(
                "the reply is compressed, unasked",
                Bytes::copy_from_slice(read),
            ));
        }
        Some(_) => {
            let problem = "the reply is not gRPC: is this the port of Centrifugo's gRPC API?";
            return Err(Failure::Broken(problem, Bytes::copy_from_slice(read)));
        }
    }
    match length(read) {
        Some(length) if length > limit => Err(Failure::TooLarge),
        Some(length) if read.len() - PREFIX > length => Err(Failure::Broken(
            "the reply holds more than a message",
            Bytes::copy_from_slice(read),
        )),
        _ => Ok(()),
    }
}

fn length(read: &[u8]) -> Option<usize> {
    let length = read.get(1..PREFIX)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(length)).ok()
}

/// The message of a stream that has ended well.
pub(super) fn message(mut read: Bytes, limit: usize) -> Result<Bytes, Failure> {
    match length(&read) {
        Some(length) if read.len() - PREFIX == length => {
            let is_compressed = read[0] == 1;
            read.advance(PREFIX);
            if is_compressed {
                decompress(&read, limit)
            } else {
                Ok(read)
            }
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
    let message = format!(
        "HTTP {} in place of gRPC: {}",
        http.as_u16(),
        excerpt(&page)
    );
    Failure::Status(tonic::Status::new(code, message), Bytes::new())
}

/// The parts of a `BatchResponse`, as they are.
#[derive(Default)]
pub(super) struct Replies(pub(super) Vec<Bytes>);

impl Message for Replies {
    crate::batch::wire::read_alone!();

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag == api::BATCH_TAGS.replies {
            true => prost::encoding::bytes::merge_repeated(wire_type, &mut self.0, buffer, context),
            false => skip_field(wire_type, tag, buffer, context),
        }
    }
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
    let any = details
        .into_iter()
        .find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(any.value).ok()?.retry_delay?;
    Some(Duration::new(
        u64::try_from(delay.seconds).ok()?,
        u32::try_from(delay.nanos).ok()?,
    ))
}

/// Centrifugo's error, which is in the details in its transport error mode.
pub(super) fn api_error(details: &[u8]) -> Option<ApiError> {
    let details = Details::decode(details).ok()?.details;
    let any = details
        .into_iter()
        .find(|any| any.type_url.ends_with("/centrifugal.centrifugo.api.Error"))?;
    ApiError::decode(any.value)
        .ok()
        .filter(|error| error.code != 0)
}
