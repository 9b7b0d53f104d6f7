//! Connections and subscriptions by tokens.

use std::collections::BTreeSet;

use bytes::Bytes;
use centrifugo_api::{ApiError, Error};
use centrifugo_token::{
    ConnectionToken, Refusal, RefusalCode, Subscriber as TokenSubscriber, TokenSubscription,
};
use prost::Message as _;

use super::{refused, time};
use crate::connection::{Connection, User};
use crate::engine::{Admission, Engine, Offer};
use crate::messages::SubscribeOptionOverride;
use crate::server::Server;
use crate::state::connections::{BAD_REQUEST, CloseReason, EXPIRED, SUBSCRIPTION_EXPIRED, Source};
use crate::state::random;

const INVALID_TOKEN: CloseReason<'static> = CloseReason::new(3500, "invalid token");
const INSUFFICIENT_STATE: CloseReason<'static> = CloseReason::new(3010, "insufficient state");

/// # Tokens
impl Server {
    /// Connects a client with a connection token, which is verified as Centrifugo does.
    ///
    /// The user, the info and the expiry of the connection are those of the token, and the client is subscribed to its
    /// `subs` or `channels`, each with an [`Event::Subscribed`](crate::Event::Subscribed). An expired connection ends with code 3005 after 25 s more, unless
    /// it is [refreshed](Connection::refresh); [`advance`](Server::advance) moves the time. The client uses JSON.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use centrifugo_api_testing::Server;
    /// use centrifugo_token::{ConnectionClaims, Expiry, Key};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = Key::hs256("the secret of this test")?;
    /// let server = Server::builder().token_key(&key).start()?;
    ///
    /// let token = ConnectionClaims::new("alice", Expiry::after(Duration::from_secs(60))).sign(&key)?;
    /// let alice = server.connect_with_token(&token)?;
    /// assert_eq!(alice.user(), "alice");
    ///
    /// server.advance(Duration::from_secs(61));
    /// let error = server.connect_with_token(&token).unwrap_err();
    /// assert_eq!(error.api_code(), Some(109)); // the client asks for another token
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code that the client gets: 109 for a token that has expired or is not valid yet, 102 for a channel
    /// of an unknown namespace, 110 if `expire_at` has passed, 3505 for more than 128 channels, 3500 if the server would end the connection for good because the
    /// token is invalid. The text says why, which a real server writes into its log only. [`Error::Config`] if the server has no
    /// key for tokens.
    pub fn connect_with_token(&self, token: &str) -> Result<Connection, Error> {
        let admission = self.engine.admission(token)?;
        Ok(self.engine.admit(admission)?)
    }
}

impl Engine {
    /// Returns how the server lets in a client with a connection token.
    pub(crate) fn admission(&self, token: &str) -> Result<Admission, Error> {
        let verifier = self.tokens.of_connections()?;
        let verified = verifier.connection_at(token, time(self));
        let verified = verified.map_err(|refusal| refused(&refusal))?;
        let subscriptions = subscriptions(&verified);
        let meta = verified.meta.map(|meta| meta.get().to_owned());
        let mut user = User::new(verified.user);
        if let Some(info) = verified.info {
            user = user.info(info);
        }
        Ok(Admission {
            user,
            id: random::uuid(),
            expires: verified.expires_at.unwrap_or_default(),
            subscriptions,
            meta: meta.unwrap_or_default().into(),
            ..Admission::default()
        })
    }
}

/// Returns the subscriptions of a connection token.
fn subscriptions(token: &ConnectionToken) -> Vec<(String, Offer)> {
    // The last one of a channel counts, as in Go's maps.
    let subscriptions = token.subscriptions.iter().enumerate();
    let last = subscriptions.filter(|(index, (channel, _))| {
        let mut later = token.subscriptions[index + 1..].iter();
        !later.any(|(other, _)| other == channel)
    });
    last.map(|(_, (channel, options))| (channel.clone(), offer(options, Source::Token)))
        .collect()
}

/// Returns the parts of a subscription that a token decides.
fn offer(options: &TokenSubscription, source: Source) -> Offer {
    Offer {
        info: options.info.clone().unwrap_or_default(),
        data: options.data.clone().unwrap_or_default(),
        overrides: options
            .r#override
            .as_ref()
            .map(overrides)
            .unwrap_or_default(),
        source,
        ..Offer::default()
    }
}

/// Returns overrides as the server's own schema has them.
fn overrides(overrides: &centrifugo_api::SubscribeOptionOverride) -> SubscribeOptionOverride {
    let encoded = Bytes::from(overrides.encode_to_vec());
    SubscribeOptionOverride::decode(encoded).unwrap_or_default()
}

/// # Tokens
impl Connection {
    /// Subscribes to a channel with a subscription token, which is verified as Centrifugo does. Returns the token's `data`.
    ///
    /// A subscription that expires ends with code 2501 after 25 s more, unless it is
    /// [refreshed](Self::refresh_subscription); a client SDK subscribes again.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code that the client gets: 103 for an invalid token, 109 for one that has expired or is not
    /// valid yet, 110 if `expire_at` has passed, those of [`subscribe`](Self::subscribe), and 3500 for a token of another user,
    /// channel or client, which ends the connection.
    pub fn subscribe_with_token(&self, channel: &str, token: &str) -> Result<Bytes, Error> {
        self.engine().channel_options(channel)?;
        let offer = self.offer_of_token(channel, token)?;
        let data = offer.data.clone();
        self.subscribe_by(channel, offer)?;
        Ok(data)
    }

    /// Returns what a subscription token offers for a channel.
    pub(crate) fn offer_of_token(&self, channel: &str, token: &str) -> Result<Offer, Error> {
        let engine = self.engine();
        let verifier = engine.tokens.of_subscriptions()?;
        let verified = verifier.subscription_at(token, time(engine));
        let verified = verified.map_err(|refusal| refused(&refusal))?;
        engine.channel_options(&verified.channel)?;
        let checked = verified.check(&self.subscriber(channel));
        checked.map_err(|refusal| self.end(INVALID_TOKEN, &refusal))?;
        Ok(Offer {
            expires: verified.expires_at.unwrap_or_default(),
            ..offer(&verified.options, Source::Client)
        })
    }

    /// Refreshes the connection with another token, as the SDK of a client does before the former one expires.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code with which the connection ends: 3005 for a token that has expired or is not valid yet; 3500 for
    /// an invalid token and for one of another user; 3010 for one with other channels, after which the client connects again.
    /// The server leaves the connection open after 102, for a channel of an unknown namespace, and after 110, if `expire_at` has
    /// passed. 3501, if a proxy refreshes connections.
    pub fn refresh(&self, token: &str) -> Result<(), Error> {
        let engine = self.engine();
        if engine.has_refresh_proxy() {
            return Err(self.end_with(BAD_REQUEST, "a proxy refreshes the connection"));
        }
        let verifier = engine.tokens.of_connections()?;
        let verified = verifier
            .connection_at(token, time(engine))
            .map_err(|refusal| self.end(close_reason(&refusal, EXPIRED), &refusal))?;
        for (channel, _) in &verified.subscriptions {
            engine.channel_options(channel)?;
        }
        if verified.user != self.user() {
            return Err(self.end_with(INVALID_TOKEN, "the token is for another user"));
        }
        let channels: BTreeSet<&str> = verified
            .subscriptions
            .iter()
            .map(|(channel, _)| channel.as_str())
            .collect();
        let mut data = engine.state.lock();
        let client = data.connections.get_mut(self.id()).ok_or_else(denied)?;
        if client.has_other_channels(&channels) {
            drop(data);
            return Err(self.end_with(INSUFFICIENT_STATE, "the token has other channels"));
        }
        // As in Centrifugo, a token without an end leaves the end of the connection as it is.
        if let Some(expires) = verified.expires_at {
            if expires <= engine.clock.seconds() {
                return Err(expired().into());
            }
            let info = verified.info.unwrap_or_default();
            client.refresh(expires, info, engine.clock.now());
        }
        Ok(())
    }

    /// Refreshes a subscription with another token, as the SDK of a client does before the former one expires.
    ///
    /// # Errors
    ///
    /// [`Error::Api`]: 103 without a subscription; else the code with which the connection ends: 3006 for a token that has expired
    /// or is not valid yet, 3500 for an invalid token and for one of another user, channel or client. The server
    /// leaves the connection open after 102, for a token of a channel whose namespace is unknown.
    pub fn refresh_subscription(&self, channel: &str, token: &str) -> Result<(), Error> {
        let engine = self.engine();
        if !self.is_subscribed(channel) {
            return Err(denied().into());
        }
        if engine.has_sub_refresh_proxy(channel) {
            return Err(self.end_with(BAD_REQUEST, "a proxy refreshes the subscription"));
        }
        let verifier = engine.tokens.of_subscriptions()?;
        let verified = verifier
            .subscription_at(token, time(engine))
            .map_err(|refusal| self.end(close_reason(&refusal, SUBSCRIPTION_EXPIRED), &refusal))?;
        engine.channel_options(&verified.channel)?;
        let checked = verified.check(&self.subscriber(channel));
        checked.map_err(|refusal| self.end(INVALID_TOKEN, &refusal))?;
        if is_past(engine, verified.expires_at) {
            return Err(self.end_with(SUBSCRIPTION_EXPIRED, "`expire_at` has passed"));
        }
        let expires = verified.expires_at.unwrap_or_default();
        let info = verified.options.info.unwrap_or_default();
        let mut data = engine.state.lock();
        if let Some(client) = data.connections.get_mut(self.id()) {
            client.refresh_subscription(channel, expires, info);
        }
        Ok(())
    }

    fn is_subscribed(&self, channel: &str) -> bool {
        let mut data = self.engine().state.lock();
        let client = data.connections.get_mut(self.id());
        client.is_some_and(|client| client.is_subscribed(channel))
    }

    fn subscriber<'a>(&'a self, channel: &'a str) -> TokenSubscriber<'a> {
        TokenSubscriber {
            user: self.user(),
            channel,
            client: self.id(),
        }
    }

    /// Ends the connection because of a refused token, and returns the error.
    fn end(&self, close: CloseReason<'_>, refusal: &Refusal) -> Error {
        self.end_with(close, refusal.reason())
    }

    fn end_with(&self, close: CloseReason<'_>, reason: &str) -> Error {
        let mut data = self.engine().state.lock();
        data.connections.disconnect(self.id(), close);
        ApiError::new(close.code, format!("{}: {reason}", close.text)).into()
    }
}

/// Returns the reason with which a connection ends whose token is refused: `expired`, if that is why.
fn close_reason(refusal: &Refusal, expired: CloseReason<'static>) -> CloseReason<'static> {
    match refusal.code() {
        RefusalCode::TokenExpired => expired,
        _ => INVALID_TOKEN,
    }
}

/// Returns whether the end of a connection or subscription has passed, which a token may allow.
fn is_past(engine: &Engine, expires: Option<i64>) -> bool {
    expires.is_some_and(|expires| expires < engine.clock.seconds())
}

/// Returns the error of a client whose connection would have expired already.
fn expired() -> ApiError {
    ApiError::new(110, "expired")
}

/// Returns the error of a client without a connection or subscription.
fn denied() -> ApiError {
    ApiError::new(103, "permission denied")
}
