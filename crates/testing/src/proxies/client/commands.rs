//! The commands of a client.

use std::time::Duration;

use bytes::Bytes;
use centrifugo_api::{Error, IntoPayload};

use super::ProxiedConnection;

/// The options that a client sends to subscribe.
#[derive(Clone, Default)]
#[must_use]
pub struct SubscribeOptions {
    pub(crate) token: String,
    pub(crate) data: Bytes,
    pub(crate) kind: SubscriptionKind,
}

/// The kind of a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SubscriptionKind {
    #[default]
    Stream,
    Map,
    SharedPoll,
}

impl SubscribeOptions {
    /// Creates options: no token and no data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the subscription token: no proxy is asked. It needs the feature `token`.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// Subscribes to a map: the client gets its changes from now on, but not its state.
    pub fn map(mut self) -> Self {
        self.kind = SubscriptionKind::Map;
        self
    }

    /// Subscribes to a shared poll, whose keys the client then [tracks](ProxiedConnection::track).
    pub fn shared_poll(mut self) -> Self {
        self.kind = SubscriptionKind::SharedPoll;
        self
    }

    /// Sets the data for the subscribe proxy.
    pub fn data(mut self, data: impl IntoPayload) -> Self {
        self.data = data.into_payload().into_bytes();
        self
    }
}

impl std::fmt::Debug for SubscribeOptions {
    /// Shows no token.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SubscribeOptions")
            .field("data", &self.data)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The facts that a client learns of its subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscribed {
    /// The data of the token, or of the proxy; empty if there is none.
    pub data: Bytes,
    /// True if the client could recover missed publications.
    pub recoverable: bool,
    /// True if the subscription has a position.
    pub positioned: bool,
    /// The offset from which the subscription continues; 0 without a position.
    pub offset: u64,
    /// The epoch of the position; empty without a position.
    pub epoch: String,
    /// The time after which the client must refresh the subscription with a token; `None` if it does not expire, or if a proxy
    /// refreshes it.
    pub expires_in: Option<Duration>,
}

/// # Commands
///
/// An error is [`Error::Api`] with the code that the client gets. From 3000 it is the code with which the connection has ended,
/// and [`Event::Disconnected`](crate::Event::Disconnected) follows in the queue: 3501 for what a client must not send, 3506 for a
/// payload for a client with JSON that is not JSON, or what a proxy chose; 3000 if the connection has ended before.
///
/// A backend's failure, a timeout, or an answer that cannot be read is error 100. [`Error::Config`] says what the server lacks to
/// ask a backend.
impl ProxiedConnection {
    /// Subscribes to a channel.
    ///
    /// # Errors
    ///
    /// 102 for an unknown namespace; 103 without a permission; 105 if the client is subscribed; 106 above 128 channels; 103, 107
    /// or 108 for a channel of another kind than the options say; 107 for a channel that is not ASCII, and in 6.9 for a map which
    /// the subscribe proxy has allowed; 110 if the subscription would have expired; and what the subscribe proxy answers.
    pub async fn subscribe(&self, channel: &str) -> Result<Subscribed, Error> {
        self.subscribe_with(channel, SubscribeOptions::new()).await
    }

    /// Subscribes to a channel with a token, or with data for the subscribe proxy.
    ///
    /// # Errors
    ///
    /// Those of [`subscribe`](Self::subscribe), and with a token those of
    /// [`Connection::subscribe_with_token`](crate::Connection).
    pub async fn subscribe_with(
        &self,
        channel: &str,
        options: SubscribeOptions,
    ) -> Result<Subscribed, Error> {
        let _turn = self.turn().await;
        let subscribed = self.proxied_subscribe(channel, options).await;
        subscribed.map_err(|refusal| self.refused(refusal))
    }

    /// Publishes to a channel, to which the client need not be subscribed.
    ///
    /// # Errors
    ///
    /// 102 for an unknown namespace; 103 without a permission; 107 for data that the namespace does not take; 108 in a namespace
    /// with streams, without a subscription to the channel or if its streams are not bidirectional; and what the publish proxy
    /// answers.
    pub async fn publish(&self, channel: &str, data: impl IntoPayload) -> Result<(), Error> {
        let data = data.into_payload().into_bytes();
        let _turn = self.turn().await;
        let published = self.proxied_publish(channel, data).await;
        published.map_err(|refusal| self.refused(refusal))
    }

    /// Calls a method, and returns the data of the reply.
    ///
    /// # Errors
    ///
    /// 104 for an unknown namespace of methods; 108 if no proxy is asked about the method; and what the rpc proxy answers.
    pub async fn rpc(&self, method: &str, data: impl IntoPayload) -> Result<Bytes, Error> {
        let data = data.into_payload().into_bytes();
        let _turn = self.turn().await;
        let replied = self.proxied_rpc(method, data).await;
        replied.map_err(|refusal| self.refused(refusal))
    }

    /// Sets a key of a map.
    ///
    /// # Errors
    ///
    /// 102 for an unknown namespace; 103 without a permission; and what the map_publish proxy answers.
    pub async fn map_publish(
        &self,
        channel: &str,
        key: &str,
        data: impl IntoPayload,
    ) -> Result<(), Error> {
        let data = data.into_payload().into_bytes();
        let _turn = self.turn().await;
        let published = self.proxied_map_publish(channel, key, data).await;
        published.map_err(|refusal| self.refused(refusal))
    }

    /// Removes a key of a map.
    ///
    /// # Errors
    ///
    /// 102 for an unknown namespace; 103 without a permission; and what the map_remove proxy answers.
    pub async fn map_remove(&self, channel: &str, key: &str) -> Result<(), Error> {
        let _turn = self.turn().await;
        let removed = self.proxied_map_remove(channel, key).await;
        removed.map_err(|refusal| self.refused(refusal))
    }
}

/// # Tokens
#[cfg(feature = "_token")]
impl ProxiedConnection {
    /// Refreshes the connection with another token: see [`Connection::refresh`](crate::Connection::refresh).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn refresh(&self, token: &str) -> Result<(), Error> {
        self.connection.refresh(token)
    }

    /// Refreshes a subscription with another token: see
    /// [`Connection::refresh_subscription`](crate::Connection::refresh_subscription).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn refresh_subscription(&self, channel: &str, token: &str) -> Result<(), Error> {
        self.connection.refresh_subscription(channel, token)
    }
}
