//! A connected client and its subscriptions.

use std::collections::BTreeMap;
#[cfg(feature = "_token")]
use std::collections::BTreeSet;

use bytes::Bytes;
use centrifugo_api::ClientInfo;
use tokio::sync::mpsc::UnboundedSender;

use crate::event::Event;
use crate::state::connections::session::{Session, StreamHandle};
use crate::state::connections::{CloseReason, EXPIRED_CLOSE_DELAY};
use crate::state::stream::Position;

/// A connected client.
#[derive(Debug)]
pub(crate) struct ConnectedClient {
    pub(crate) user: String,
    pub(crate) info: Bytes,
    /// True if the client uses the protobuf protocol, false for JSON.
    pub(crate) protobuf: bool,
    /// When `info` last changed, in milliseconds.
    pub(super) info_changed: u64,
    /// The Unix time in seconds at which the connection expires; 0 for never.
    pub(super) expires: i64,
    /// The subscriptions, by channel.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) session: Session,
    events: UnboundedSender<Event>,
}

/// A subscription of a client to a channel.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscription {
    pub(crate) channel_info: Bytes,
    /// The info of the connection at the time of the subscription.
    pub(crate) connection_info: Bytes,
    pub(crate) presence: bool,
    /// True if other subscribers receive join and leave events of this one.
    pub(crate) emits_join_leave: bool,
    /// True if this subscriber receives join and leave events.
    pub(crate) gets_join_leave: bool,
    pub(crate) source: Source,
    /// The position up to which the client has received publications, if the subscription is
    /// positioned.
    pub(crate) position: Option<Position>,
    /// The Unix time in seconds at which the subscription expires; 0 for never.
    pub(crate) expires: i64,
    /// True while a proxy is asked whether the subscription goes on.
    pub(crate) is_asking: bool,
    pub(crate) stream: Option<StreamHandle>,
    /// The keys of a shared poll that the client tracks, with the versions that it has.
    pub(crate) tracked: BTreeMap<String, u64>,
}

/// Who has made a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    /// The client.
    #[default]
    Client,
    /// The server, by a call of `subscribe`.
    Call,
    /// The server, by the token of the connection.
    #[cfg_attr(not(feature = "_token"), allow(dead_code))]
    Token,
    /// The server, when the client connected: because of the answer of a proxy, or because the client asked for it.
    #[cfg_attr(not(feature = "proxy"), allow(dead_code))]
    Connect,
}

impl Subscription {
    /// Returns whether the subscription has expired at `now` in seconds.
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.expires > 0 && self.expires <= now
    }
}

impl ConnectedClient {
    pub(crate) fn new(
        user: &str,
        info: Bytes,
        protobuf: bool,
        events: UnboundedSender<Event>,
    ) -> Self {
        Self {
            user: user.to_owned(),
            info,
            protobuf,
            info_changed: 0,
            expires: 0,
            subscriptions: BTreeMap::new(),
            session: Session::default(),
            events,
        }
    }

    /// Sends an event to the client.
    pub(crate) fn send(&self, event: Event) {
        // The receiver may be dropped.
        let _ = self.events.send(event);
    }

    /// Sends the last event of a connection.
    pub(super) fn send_disconnected(&self, reason: CloseReason<'_>) {
        self.send(Event::Disconnected {
            code: reason.code,
            reason: reason.text.to_owned(),
        });
    }

    pub(crate) fn is_subscribed(&self, channel: &str) -> bool {
        self.subscriptions.contains_key(channel)
    }

    pub(crate) fn subscription_count(&self) -> usize {
        self.subscriptions.len()
    }

    /// Applies a refresh at `now` in milliseconds.
    pub(crate) fn refresh(&mut self, expires: i64, info: Bytes, now: u64) {
        self.expires = expires;
        self.session.ask_at = expires.saturating_add(EXPIRED_CLOSE_DELAY);
        if expires > 0 && !info.is_empty() {
            self.info = info;
            self.info_changed = now;
        }
    }

    /// Returns the client's info as it was when the client subscribed.
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    pub(super) fn info_at_subscription(&self, id: &str, subscription: &Subscription) -> ClientInfo {
        let mut info = ClientInfo::default();
        info.user = self.user.clone();
        info.client = id.to_owned();
        info.conn_info = subscription.connection_info.clone();
        info.chan_info = subscription.channel_info.clone();
        info
    }

    /// Returns the client's info with the current info of the connection; used for leave events and
    /// publications.
    pub(super) fn current_info(&self, id: &str, subscription: &Subscription) -> ClientInfo {
        let mut info = self.info_at_subscription(id, subscription);
        info.conn_info = self.info.clone();
        info
    }
}

/// Clients that the server has let in because of a token or of a proxy's answer.
#[cfg(any(feature = "_token", feature = "proxy"))]
impl ConnectedClient {
    /// Sets the Unix time in seconds at which the connection expires; 0 for never.
    pub(crate) fn expire_at(&mut self, seconds: i64) {
        self.expires = seconds;
        self.session.ask_at = seconds;
    }
}

/// Clients that proxies refresh.
#[cfg(feature = "proxy")]
impl ConnectedClient {
    /// Returns the Unix time in seconds at which the connection expires; 0 for never.
    pub(crate) fn expires(&self) -> i64 {
        self.expires
    }

    pub(crate) fn subscription_mut(&mut self, channel: &str) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(channel)
    }
}

/// Clients with tokens.
#[cfg(feature = "_token")]
impl ConnectedClient {
    /// Returns whether the channels of a token are others than those that the former token has subscribed the client to.
    pub(crate) fn has_other_channels(&self, channels: &BTreeSet<&str>) -> bool {
        let is_new = |channel: &&str| !self.is_subscribed(channel);
        let mut by_token = self.subscriptions.iter();
        channels.iter().any(is_new)
            || by_token.any(|(channel, subscription)| {
                subscription.source == Source::Token && !channels.contains(channel.as_str())
            })
    }

    /// Applies a refresh to a subscription, if it exists.
    pub(crate) fn refresh_subscription(&mut self, channel: &str, expires: i64, info: Bytes) {
        let Some(subscription) = self.subscriptions.get_mut(channel) else {
            return;
        };
        subscription.expires = expires;
        // Unlike that of a connection, the info goes if the token has none.
        subscription.channel_info = info;
    }
}
