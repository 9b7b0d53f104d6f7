//! Tokens that were verified.

use bytes::Bytes;
use centrifugo_api::SubscribeOptionOverride;
use serde_json::value::RawValue;

use super::claims::ReadClaims;
use super::refusal::{Refusal, RefusalCode, shown};

/// A connection token that was verified, as Centrifugo understands it.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectionToken {
    /// The user; empty for an anonymous one.
    pub user: String,
    /// The seconds since 1970 at which the connection expires: `expire_at`, or else `exp`.
    pub expires_at: Option<i64>,
    /// The data of the connection that other clients see.
    pub info: Option<Bytes>,
    /// The subscriptions that the connection begins with, in their order: `subs`, or else `channels`.
    pub subscriptions: Vec<(String, TokenSubscription)>,
    /// The data that proxies see, in JSON.
    pub meta: Option<Box<RawValue>>,
    /// The token's ID (`jti`), empty if it has none.
    pub id: String,
}

/// A subscription token that was verified, as Centrifugo understands it.
#[derive(Clone)]
#[non_exhaustive]
pub struct SubscriptionToken {
    /// The user; empty for an anonymous one.
    pub user: String,
    /// The channel.
    pub channel: String,
    /// The ID of the connection that alone may use the token, or empty.
    pub client: String,
    /// The seconds since 1970 at which the subscription expires: `expire_at`, or else `exp`.
    pub expires_at: Option<i64>,
    /// The options of the subscription.
    pub options: TokenSubscription,
    /// The token's ID (`jti`), empty if it has none.
    pub id: String,
}

/// The options of a subscription in a token.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct TokenSubscription {
    /// The data of the subscription that other clients see.
    pub info: Option<Bytes>,
    /// The data that the client gets when it is subscribed.
    pub data: Option<Bytes>,
    /// The options of the channel's namespace that have other values.
    pub r#override: Option<SubscribeOptionOverride>,
}

/// Who subscribes to what, for [`SubscriptionToken::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriber<'a> {
    /// The user of the connection.
    pub user: &'a str,
    /// The channel of the request.
    pub channel: &'a str,
    /// The client ID of the connection.
    pub client: &'a str,
}

impl SubscriptionToken {
    /// Checks that the token is for this subscriber.
    ///
    /// # Errors
    ///
    /// The answer of Centrifugo: the end of the connection with code 3500.
    pub fn check(&self, subscriber: &Subscriber<'_>) -> Result<(), Refusal> {
        let refused = |reason| Err(Refusal::new(RefusalCode::InvalidToken, reason));
        if self.channel != subscriber.channel {
            return refused(format!(
                "the token is for the channel {}",
                shown(&self.channel)
            ));
        }
        if self.user != subscriber.user {
            return refused(format!("the token is for the user {}", shown(&self.user)));
        }
        if !self.client.is_empty() && self.client != subscriber.client {
            return refused(format!(
                "the token is for the connection {}",
                shown(&self.client)
            ));
        }
        Ok(())
    }
}

impl TokenSubscription {
    pub(super) fn read(claims: &ReadClaims) -> Result<Self, String> {
        Ok(Self {
            info: claims.payload("info")?,
            data: claims.payload("data")?,
            r#override: claims.message("override")?,
        })
    }
}

/// Shows no payload.
impl std::fmt::Debug for ConnectionToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ConnectionToken")
            .field("user", &self.user)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Shows no payload.
impl std::fmt::Debug for SubscriptionToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SubscriptionToken")
            .field("user", &self.user)
            .field("channel", &self.channel)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Shows no payload.
impl std::fmt::Debug for TokenSubscription {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TokenSubscription")
            .field("override", &self.r#override)
            .finish_non_exhaustive()
    }
}
