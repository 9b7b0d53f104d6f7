//! Requests to endpoints.

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::BoxError;

/// The limit of bodies: that of Centrifugo's own requests by default.
const LARGEST: usize = 64 * 1024;

/// Reads a body of JSON, or returns the status to answer with.
pub(super) async fn json<T, B>(body: B) -> Result<T, StatusCode>
where
    T: DeserializeOwned,
    B: Body,
    B::Error: Into<BoxError>,
{
    let bytes = read(body).await?;
    serde_json::from_slice(&bytes).map_err(|_| StatusCode::BAD_REQUEST)
}

async fn read<B>(body: B) -> Result<Bytes, StatusCode>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    // A body that says that it is too long is not waited for.
    if body.size_hint().lower() > LARGEST as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    match Limited::new(body, LARGEST).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

/// Checks the method; the error is the value of `Allow`.
pub(super) fn check_method(method: &Method, allowed: &'static [Method]) -> Result<(), String> {
    if allowed.contains(method) {
        return Ok(());
    }
    let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
    Err(names.join(", "))
}
