//! The endpoint of shared-poll signatures.

use std::collections::HashSet;
use std::fmt;

use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body::Body;
use serde::Deserialize;
use serde_json::{Value, json};

use super::response::{self, Failure};
use super::{BoxError, Reject, Response, request, service};
use crate::expiry::Expiry;
use crate::shared_poll::{SharedPollSecret, TrackedKeys};

/// The request of a client for a signature.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SharedPollRequest {
    /// The channel.
    pub channel: String,
    /// The keys that the client wants to track.
    pub keys: Vec<String>,
}

impl SharedPollRequest {
    /// Returns whether a signature is possible: no text is empty, and none contains the character that separates them.
    fn is_valid(&self) -> bool {
        let mut texts = self.keys.iter().chain([&self.channel]);
        texts.all(|text| !text.is_empty() && !text.contains('\0'))
    }
}

/// The endpoint of shared-poll signatures: `POST` with `{"channel":"…","keys":["…"]}`.
///
/// The function returns the keys that the user may track, with the expiry of the signature. Keys of the request that it leaves
/// out are revoked by the client SDK. Another channel, and keys that were not asked for, are a failure, status 500. See the
/// [module](super).
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_token::endpoints::SharedPollEndpoint;
/// use centrifugo_token::{Expiry, SharedPollSecret, TrackedKeys};
///
/// # fn run() -> Result<(), centrifugo_token::Error> {
/// let secret = SharedPollSecret::new("shared_poll_secret")?;
/// let endpoint = SharedPollEndpoint::new(secret, |_head, request| async move {
///     let allowed = request.keys.into_iter().filter(|key| key != "hidden");
///     let keys = TrackedKeys::user("42").channel(request.channel, allowed);
///     Ok((keys, Expiry::after(Duration::from_secs(600))))
/// });
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SharedPollEndpoint<F> {
    secret: SharedPollSecret,
    function: F,
}

impl<F, R> SharedPollEndpoint<F>
where
    F: Fn(Parts, SharedPollRequest) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(TrackedKeys, Expiry), Reject>> + Send,
{
    /// Creates the endpoint. The function returns the keys that the user who asks may track, or refuses.
    #[must_use]
    pub fn new(secret: SharedPollSecret, function: F) -> Self {
        Self { secret, function }
    }

    async fn respond<B>(self, request: Request<B>) -> Response
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        response::private(self.signature(head, body).await)
    }

    async fn signature<B>(&self, head: Parts, body: B) -> Result<Value, Failure>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        Failure::method(&head.method, &[Method::POST])?;
        let wanted: SharedPollRequest = request::json(body).await?;
        if !wanted.is_valid() {
            return Err(StatusCode::BAD_REQUEST.into());
        }
        let (tracked, expiry) = (self.function)(head, wanted.clone()).await?;
        let asked: HashSet<&String> = wanted.keys.iter().collect();
        let mut keys = tracked.key_names().iter();
        if tracked.channel_name() != wanted.channel || !keys.all(|key| asked.contains(key)) {
            return Err(Failure::failed(
                "the function allowed another channel, or keys that the client did not ask for",
            ));
        }
        let signature = tracked.sign(&self.secret, expiry)?;
        Ok(json!({ "signature": signature, "keys": tracked.key_names() }))
    }
}

service! {
    (F, R,) SharedPollEndpoint<F>,
    F: Fn(Parts, SharedPollRequest) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(TrackedKeys, Expiry), Reject>> + Send + 'static,
}

impl<F> fmt::Debug for SharedPollEndpoint<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SharedPollEndpoint")
    }
}
