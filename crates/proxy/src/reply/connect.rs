//! The reply to `connect`.

use std::collections::BTreeMap;
use std::time::Duration;

use centrifugo_api::Payload;

use super::format::{Format, check_always_json};
use super::reply;
use super::setters::{edit, setters, write_expire_in, write_twins};
use crate::failure::Failure;
use crate::messages::{ConnectResult, SubscribeOptions};

/// The reply to [`ConnectEvent`](crate::ConnectEvent): who the client is.
///
/// ```
/// use centrifugo_proxy::ConnectReply;
///
/// let reply = ConnectReply::user("42").info(r#"{"name":"Anna"}"#).channel("news");
/// # let _ = reply;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConnectReply {
    has_credentials: bool,
    info: Option<Payload>,
    data: Option<Payload>,
    meta: Option<Payload>,
    expire_in: Option<Duration>,
    subscriptions: BTreeMap<String, SubscriptionOptions>,
    result: ConnectResult,
}

impl ConnectReply {
    /// Creates the reply that the client is this user. An empty name is the anonymous user.
    pub fn user(user: impl Into<String>) -> Self {
        Self {
            has_credentials: true,
            info: None,
            data: None,
            meta: None,
            expire_in: None,
            subscriptions: BTreeMap::new(),
            result: ConnectResult::default().user(user),
        }
    }

    /// Creates the reply that the client is the anonymous user.
    pub fn anonymous() -> Self {
        Self::user("")
    }

    /// Creates the reply that the backend knows nothing of the client: Centrifugo lets it in as an anonymous user if
    /// `client.allow_anonymous_connect_without_token` is set, and ends its connection otherwise.
    ///
    /// Everything else that is set in this reply is ignored.
    pub fn no_credentials() -> Self {
        Self {
            has_credentials: false,
            ..Self::anonymous()
        }
    }

    /// Subscribes the client to a channel.
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.result.channels.push(channel.into());
        self
    }

    /// Subscribes the client to channels.
    pub fn channels<C: Into<String>>(mut self, channels: impl IntoIterator<Item = C>) -> Self {
        let channels = channels.into_iter().map(Into::into);
        self.result.channels.extend(channels);
        self
    }

    /// Subscribes the client to a channel with options of its own.
    pub fn subscription(
        mut self,
        channel: impl Into<String>,
        options: SubscriptionOptions,
    ) -> Self {
        self.subscriptions.insert(channel.into(), options);
        self
    }

    /// Sets labels of the connection. Centrifugo PRO.
    pub fn labels<K: Into<String>, V: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let labels = labels.into_iter();
        self.result.labels = labels
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        self
    }

    fn result(mut self, format: &Format) -> Result<Option<ConnectResult>, Failure> {
        if !self.has_credentials {
            return Ok(None);
        }
        write_expire_in!(format, self);
        write_twins!(format, self.info, self.result, info, b64info);
        write_twins!(format, self.data, self.result, data, b64data);
        if let Some(meta) = self.meta {
            self.result.meta = meta.into_bytes();
            check_always_json("meta", &self.result.meta)?;
        }
        for (channel, options) in self.subscriptions {
            let options = options.message(format)?;
            self.result.subs.insert(channel, options);
        }
        Ok(Some(self.result))
    }
}

setters!(ConnectReply: info, data, connection_expiry, meta, caps);
edit!(ConnectReply, ConnectResult);
reply!(ConnectReply, ConnectRequest, ConnectResponse, Reject);

/// The options of a subscription that a [`ConnectReply`] makes.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SubscriptionOptions {
    info: Option<Payload>,
    data: Option<Payload>,
    result: SubscribeOptions,
}

impl SubscriptionOptions {
    /// Creates options, all of them as the namespace says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends the newest publication of the channel at once, in namespaces with `force_recovery_mode: cache`.
    pub fn cache_recover(mut self, on: bool) -> Self {
        self.result.cache_recover = on;
        self
    }

    fn message(mut self, format: &Format) -> Result<SubscribeOptions, Failure> {
        write_twins!(format, self.info, self.result, info, b64info);
        write_twins!(format, self.data, self.result, data, b64data);
        Ok(self.result)
    }
}

setters!(SubscriptionOptions: info, data, presence, recovery);
edit!(SubscriptionOptions, SubscribeOptions);
