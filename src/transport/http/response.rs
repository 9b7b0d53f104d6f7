//! Responses that are not replies.

use std::time::Duration;

use ::http::header::{HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use bytes::Bytes;

use crate::codec;
use crate::error::{Attempts, Error, Status, excerpt};
use crate::transport::Route;

/// Returns the error of a response with an error status. Only its body tells whether the error is Centrifugo's.
pub(crate) fn error_response(
    route: &Route<'_>,
    status: u16,
    headers: &HeaderMap,
    body: &Bytes,
) -> Error {
    if let Some(error) = codec::error_object(body) {
        return Error::Api(error.of(route.method));
    }
    let is_redirect = (300..400).contains(&status);
    let body = match text(headers, &LOCATION) {
        Some(location) if is_redirect => format!("to {}", excerpt(location.as_bytes())),
        _ => excerpt(body),
    };
    let seconds = text(headers, &RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok());
    Error::Transport {
        method: route.method,
        status: Status::Http(status),
        body,
        retry_after: seconds.map(Duration::from_secs),
        attempts: Attempts::default(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
