//! Responses: their bodies, and the errors of those that are not replies.

use std::time::{Duration, SystemTime};

use ::http::header::{HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::Http;
use super::connections::{Clients, Connections};
use crate::codec;
use crate::error::{Attempts, Error, Status, excerpt};
use crate::transport::Route;

/// The number of bytes that are read of a body that is not a reply, for the error's text.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// The time that such a body has to arrive.
const ERROR_BODY_TIME: Duration = Duration::from_millis(250);

impl Http {
    /// Returns the error of a response with an error status.
    pub(super) async fn status_error(
        &self,
        route: &Route<'_>,
        mut response: Response,
        connections: &Connections,
    ) -> Error {
        let status = response.status().as_u16();
        let limit = ERROR_BODY_LIMIT.min(self.max_response_size);
        // The status matters more than the body, which may be unreadable or have no end.
        let body = read(&mut response, connections, limit);
        let body = tokio::time::timeout(ERROR_BODY_TIME, body).await;
        let body = body.map(Result::unwrap_or_default).unwrap_or_default().0;
        let proxy = self.proxy.as_deref();
        error_response(route, status, response.headers(), &body, proxy)
    }

    /// Returns a response unless it came from another URL: a client that the user made may follow redirects.
    pub(super) fn checked_origin(
        &self,
        route: &Route<'_>,
        response: Response,
    ) -> Result<Response, Error> {
        if matches!(self.clients, Clients::PerRuntime(_))
            || *response.url() == self.url_of(route)?
        {
            return Ok(response);
        }
        let message = format!(
            "the http_client has followed a redirect to {}, where the key was sent too: build it with \
             redirect(reqwest::redirect::Policy::none())",
            response.url().origin().ascii_serialization()
        );
        Err(Error::Decode {
            method: Some(route.method),
            message,
            source: None,
            attempts: Attempts::default(),
        })
    }
}

/// Reads a body up to the limit, and returns whether that is all of it. A body in one chunk is not copied.
pub(super) async fn read(
    response: &mut Response,
    connections: &Connections,
    limit: usize,
) -> Result<(Bytes, bool), reqwest::Error> {
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Ok((Bytes::new(), false));
    }
    let Some(first) = response.chunk().await? else {
        return Ok((Bytes::new(), true));
    };
    if announced == Some(first.len()) {
        return Ok((first, true));
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(first.len()));
    body.extend_from_slice(&first);
    while body.len() <= limit {
        connections.saw_read();
        match response.chunk().await? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok((body.freeze(), true)),
        }
    }
    body.truncate(limit);
    Ok((body.freeze(), false))
}

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
