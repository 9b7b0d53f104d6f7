//! Bodies of requests.

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::failure::{BoxError, Failure};

/// Reads a body up to a limit in bytes.
pub(super) async fn read<B>(body: B, limit: usize) -> Result<Bytes, Failure>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    // A body that says that it is too long is not waited for.
    if body.size_hint().lower() > limit as u64 {
        return Err(Failure::TooLarge(limit));
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge(limit)),
        Err(error) => Err(Failure::request(format!("the body breaks off: {error}"))),
    }
}
