//! The endpoint of subscription tokens.

use std::fmt;
use std::time::SystemTime;

use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body::Body;
use serde::Deserialize;
use serde_json::{Value, json};

use super::keys::TokenKeys;
use super::response::{self, Failure};
use super::{BoxError, Reject, Response, request, service};
use crate::claims::SubscriptionClaims;

/// The endpoint of subscription tokens: `POST` with `{"channel":"…"}`, or `GET` with `?channel=…`.
///
/// The function gets the channel that the client names, and must decide whether the user may subscribe to it. Claims for another
/// channel are a failure, status 500. See the [module](super).
#[derive(Clone)]
pub struct SubscriptionTokenEndpoint<K, F> {
    keys: K,
    function: F,
}

#[derive(Deserialize)]
struct ChannelRequest {
    channel: String,
}

impl<K, F, R> SubscriptionTokenEndpoint<K, F>
where
    K: TokenKeys,
    F: Fn(Parts, String) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<SubscriptionClaims, Reject>> + Send,
{
    /// Creates the endpoint. The function returns the claims of the user who asks, for that channel, or refuses.
    #[must_use]
    pub fn new(keys: K, function: F) -> Self {
        Self { keys, function }
    }

    async fn respond<B>(self, request: Request<B>) -> Response
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        response::private(self.token(head, body).await)
    }

    async fn token<B>(&self, head: Parts, body: B) -> Result<Value, Failure>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        Failure::method(&head.method, &[Method::GET, Method::POST])?;
        let channel = if head.method == Method::GET {
            in_query(head.uri.query().unwrap_or_default())
        } else {
            request::json::<ChannelRequest, B>(body).await?.channel
        };
        if channel.is_empty() {
            return Err(StatusCode::BAD_REQUEST.into());
        }
        let claims = (self.function)(head, channel.clone()).await?;
        if claims.channel_name() != channel {
            return Err(Failure::failed(
                "the claims are for another channel than the one of the request",
            ));
        }
        let token = self.keys.sign(claims.unsigned(SystemTime::now())?).await?;
        Ok(json!({ "token": token }))
    }
}

/// Returns the channel in a query, or nothing if there is none or more than one, or if it is not UTF-8.
fn in_query(query: &str) -> String {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut channels = pairs.filter(|(name, _)| name == "channel");
    match (channels.next(), channels.next()) {
        (Some((_, channel)), None) if !channel.contains(char::REPLACEMENT_CHARACTER) => {
            channel.into_owned()
        }
        _ => String::new(),
    }
}

service! {
    (K, F, R,) SubscriptionTokenEndpoint<K, F>,
    K: TokenKeys,
    F: Fn(Parts, String) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<SubscriptionClaims, Reject>> + Send + 'static,
}

impl<K, F> fmt::Debug for SubscriptionTokenEndpoint<K, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SubscriptionTokenEndpoint")
    }
}
