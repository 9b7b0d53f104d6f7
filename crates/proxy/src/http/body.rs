//! Bodies of requests.

use std::pin::pin;

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::failure::{BoxError, Failure};

/// Reads a body up to a limit in bytes.
pub(super) async fn read<B>(body: B, headers: &HeaderMap, limit: usize) -> Result<Bytes, Failure>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    // A body that says that it is too long is not waited for. One that was a stream of another framework does not say it.
    let announced = body.size_hint().lower().max(content_length(headers));
    if announced > limit as u64 {
        return Err(Failure::TooLarge(limit));
    }
    let mut body = pin!(Limited::new(body, limit));
    // Most bodies are one frame, which is not copied. Frames of one byte, kept as they are, would take 60 times as much.
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failure(&*error, limit))?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        let data = data.copy_to_bytes(data.remaining());
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&data);
    }
    if all.is_empty() {
        return Ok(first);
    }
    Ok(all.freeze())
}

fn content_length(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or_default()
}

fn failure(error: &(dyn std::error::Error + Send + Sync + 'static), limit: usize) -> Failure {
    if error.is::<LengthLimitError>() {
        return Failure::TooLarge(limit);
    }
    Failure::request(format!("the body breaks off: {error}"))
}
