//! Responses: their bodies, and the errors of those that are not replies.

use bytes::{Bytes, BytesMut};
use reqwest::{Response, Url};

use super::connections::{Clients, Connections};
use super::{Http, Sending};
use crate::error::{Attempts, Error};
use crate::transport::Route;
use crate::transport::refusal::{BODY_LIMIT, BODY_TIME, refusal};

impl Http {
    /// Returns the error of a response with an error status.
    pub(super) async fn status_error(
        &self,
        route: &Route<'_>,
        mut response: Response,
        connections: &Connections,
    ) -> Error {
        let status = response.status().as_u16();
        let limit = BODY_LIMIT.min(self.max_response_size);
        // The status matters more than the body, which may be unreadable or have no end.
        let body = read(&mut response, connections, limit);
        let body = tokio::time::timeout(BODY_TIME, body).await;
        let body = body.map(Result::unwrap_or_default).unwrap_or_default().0;
        let proxy = self.proxy.as_deref();
        refusal(route, status, response.headers(), &body, proxy)
    }

    /// Returns a response unless it came from another URL: a client that the user made may follow redirects.
    pub(super) fn checked_origin(
        &self,
        sending: &Sending<'_>,
        response: Response,
        url: impl FnOnce() -> Result<Url, Error>,
    ) -> Result<Response, Error> {
        if matches!(self.clients, Clients::PerRuntime(_)) || *response.url() == url()? {
            return Ok(response);
        }
        let message = format!(
            "the http_client has followed a redirect to {}, where the key was sent too: build it with \
             redirect(reqwest::redirect::Policy::none())",
            response.url().origin().ascii_serialization()
        );
        Err(Error::Decode {
            method: Some(sending.method),
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
