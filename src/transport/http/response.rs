//! Responses that are not replies.

use std::time::{Duration, SystemTime};

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

/// Returns the time that a server asks to wait, in seconds or until a date.
fn wait(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // A date that has passed asks for no wait.
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
