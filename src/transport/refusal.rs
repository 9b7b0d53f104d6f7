//! HTTP responses with an error status, and the errors that they become.

use std::time::{Duration, SystemTime};

use ::http::header::{HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use bytes::Bytes;

use super::Route;
use crate::codec;
use crate::error::{Attempts, Error, Status, excerpt};
use crate::platform::since_epoch;

/// The number of bytes that are read of a body that is not a reply, for the error's text.
pub(super) const BODY_LIMIT: usize = 64 * 1024;

/// The time that such a body has to arrive.
pub(super) const BODY_TIME: Duration = Duration::from_millis(250);

/// Returns the error of a response with an error status. Only its body tells whether the error is Centrifugo's.
pub(super) fn refusal(
    route: &Route<'_>,
    status: u16,
    headers: &HeaderMap,
    body: &Bytes,
    proxy: Option<&str>,
) -> Error {
    if let Some(error) = codec::error_object(body) {
        return Error::Api(error.of(route.method));
    }
    let is_redirect = (300..400).contains(&status);
    let mut body = match text(headers, &LOCATION) {
        Some(location) if is_redirect => format!("to {}", excerpt(location.as_bytes())),
        _ => excerpt(body),
    };
    if let Some(proxy) = proxy
        && matches!(status, 407 | 502..=504)
    {
        body.push_str(&format!(" (through the proxy {proxy})"));
    }
    Error::Transport {
        method: route.method,
        status: Status::Http(status),
        body,
        retry_after: text(headers, &RETRY_AFTER).and_then(|value| wait(value.trim())),
        attempts: Attempts::default(),
    }
}

/// Returns the error of a response with status 401.
pub(super) fn unauthorized(route: &Route<'_>) -> Error {
    Error::Unauthorized {
        method: route.method,
        status: Status::Http(401),
        attempts: Attempts::default(),
    }
}

/// Returns the time that a server asks to wait, in seconds or until a date.
fn wait(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    // A date that has passed asks for no wait.
    Some(date.saturating_sub(since_epoch()))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
