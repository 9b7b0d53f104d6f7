//! Who is connected, what they are subscribed to, and what they are told.

mod delivery;

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::stream::Position;
use crate::connection::Event;
use centrifugo_api::ClientInfo;

/// How often presence takes up what has changed of a connection, in milliseconds.
const PRESENCE_UPDATES: u64 = 25_000;

/// How long an expired connection or subscription may still be refreshed, in seconds.
const EXPIRED_CLOSE_DELAY: i64 = 25;

/// The most channels that a connection may be subscribed to.
pub(crate) const CHANNEL_LIMIT: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Connections(BTreeMap<String, Peer>);

/// A connected client.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) user: String,
    pub(crate) info: Bytes,
    /// When the info was last changed, in milliseconds.
    info_changed: u64,
    /// Unix time in seconds; 0 for never.
    expires: i64,
    subscriptions: BTreeMap<String, Subscription>,
    events: UnboundedSender<Event>,
}

/// What a subscription of a client is like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscription {
    pub(crate) channel_info: Bytes,
    /// The connection's info at the time.
    pub(crate) connection_info: Bytes,
    pub(crate) presence: bool,
    /// Whether others are told, and whether it is told of others.
    pub(crate) emits_join_leave: bool,
    pub(crate) gets_join_leave: bool,
    /// Whether the server has made it.
    pub(crate) by_server: bool,
    /// What the client has got so far, where that matters.
    pub(crate) position: Option<Position>,
    /// Unix time in seconds; 0 for never.
    pub(crate) expires: i64,
}

/// Which connections a call is about.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    /// An empty one means the anonymous.
    pub(crate) user: &'a str,
    pub(crate) client: &'a str,
    pub(crate) session: &'a str,
    pub(crate) except: &'a [String],
}

/// Why and with which code something ended.
pub(crate) type Ending<'a> = (u32, &'a str);

pub(crate) const EXPIRED: Ending<'static> = (3005, "connection expired");
pub(crate) const SUBSCRIPTION_EXPIRED: Ending<'static> = (3006, "subscription expired");
pub(crate) const TOO_MANY_CHANNELS: Ending<'static> = (3505, "channel limit");

impl Connections {
    pub(crate) fn add(
        &mut self,
        id: &str,
        user: &str,
        info: Bytes,
        events: UnboundedSender<Event>,
    ) {
        let peer = Peer {
            user: user.to_owned(),
            info,
            info_changed: 0,
            expires: 0,
            subscriptions: BTreeMap::new(),
            events,
        };
        self.0.insert(id.to_owned(), peer);
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Peer> {
        self.0.get_mut(id)
    }

    /// The ids of the connections that a call is about.
    pub(crate) fn select(&self, selection: &Selection<'_>) -> Vec<String> {
        // Sessions are of transports that these connections do not have.
        let fits = |id: &str, peer: &Peer| {
            peer.user == selection.user
                && (selection.client.is_empty() || selection.client == id)
                && selection.session.is_empty()
                && !selection.except.iter().any(|client| client == id)
        };
        self.0
            .iter()
            .filter(|(id, peer)| fits(id, peer))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Ends a connection.
    pub(crate) fn disconnect(&mut self, id: &str, (code, reason): Ending<'_>) {
        let Some(peer) = self.0.remove(id) else {
            return;
        };
        peer.tell(Event::Disconnected {
            code,
            reason: reason.to_owned(),
        });
        for (channel, subscription) in &peer.subscriptions {
            self.left(channel, subscription, peer.current_info(id, subscription));
        }
    }

    /// Ends all connections, of which nobody is left to be told.
    pub(crate) fn disconnect_all(&mut self, (code, reason): Ending<'_>) {
        for peer in std::mem::take(&mut self.0).into_values() {
            peer.tell(Event::Disconnected {
                code,
                reason: reason.to_owned(),
            });
        }
    }

    /// Subscribes a connection to a channel, and tells those who want to know.
    pub(crate) fn subscribe(
        &mut self,
        id: &str,
        channel: &str,
        subscription: Subscription,
        told: Vec<Event>,
    ) {
        let Some(peer) = self.0.get_mut(id) else {
            return;
        };
        told.into_iter().for_each(|event| peer.tell(event));
        let info = peer.client_info(id, &subscription);
        let emits = subscription.emits_join_leave;
        peer.subscriptions.insert(channel.to_owned(), subscription);
        if emits {
            self.tell_of_others(
                channel,
                &Event::Joined {
                    channel: channel.to_owned(),
                    info,
                },
            );
        }
    }

    /// Ends a subscription, if there is one; `told` is what the client hears of it.
    pub(crate) fn unsubscribe(&mut self, id: &str, channel: &str, told: Option<Ending<'_>>) {
        let Some(peer) = self.0.get_mut(id) else {
            return;
        };
        let Some(subscription) = peer.subscriptions.remove(channel) else {
            return;
        };
        if let Some((code, reason)) = told {
            let (channel, reason) = (channel.to_owned(), reason.to_owned());
            peer.tell(Event::Unsubscribed {
                channel,
                code,
                reason,
            });
        }
        let info = peer.current_info(id, &subscription);
        self.left(channel, &subscription, info);
    }

    fn left(&self, channel: &str, subscription: &Subscription, info: ClientInfo) {
        if subscription.emits_join_leave {
            self.tell_of_others(
                channel,
                &Event::Left {
                    channel: channel.to_owned(),
                    info,
                },
            );
        }
    }

    fn tell_of_others(&self, channel: &str, event: &Event) {
        for (peer, subscription) in self.subscribers(channel) {
            if subscription.gets_join_leave {
                peer.tell(event.clone());
            }
        }
    }

    fn subscribers<'a>(
        &'a self,
        channel: &'a str,
    ) -> impl Iterator<Item = (&'a Peer, &'a Subscription)> {
        self.0
            .values()
            .filter_map(move |peer| Some((peer, peer.subscriptions.get(channel)?)))
    }

    /// The clients that are present in a channel.
    pub(crate) fn presence(&self, channel: &str, now: u64) -> BTreeMap<String, ClientInfo> {
        let present = self.0.iter().filter_map(|(id, peer)| {
            let subscription = peer
                .subscriptions
                .get(channel)
                .filter(|subscription| subscription.presence)?;
            let mut info = peer.client_info(id, subscription);
            if now >= peer.info_changed + PRESENCE_UPDATES {
                info.conn_info = peer.info.clone();
            }
            Some((id.clone(), info))
        });
        present.collect()
    }

    /// The number of subscribers of each channel that has any.
    pub(crate) fn channels(&self) -> BTreeMap<&str, u32> {
        let mut channels = BTreeMap::new();
        for channel in self.0.values().flat_map(|peer| peer.subscriptions.keys()) {
            *channels.entry(channel.as_str()).or_default() += 1;
        }
        channels
    }

    pub(crate) fn peers(&self) -> impl ExactSizeIterator<Item = &Peer> {
        self.0.values()
    }

    /// Ends what expired too long ago, at `now` in seconds.
    pub(crate) fn expire(&mut self, now: i64) {
        let is_over =
            |expires: i64| expires > 0 && now > expires.saturating_add(EXPIRED_CLOSE_DELAY);
        let endings: Vec<(String, Ending<'static>)> = self
            .0
            .iter()
            .filter_map(|(id, peer)| {
                let expired = peer
                    .subscriptions
                    .values()
                    .any(|subscription| is_over(subscription.expires));
                match is_over(peer.expires) {
                    true => Some((id.clone(), EXPIRED)),
                    false => expired.then(|| (id.clone(), SUBSCRIPTION_EXPIRED)),
                }
            })
            .collect();
        for (id, ending) in endings {
            self.disconnect(&id, ending);
        }
    }
}

impl Peer {
    /// Whoever drops a connection's events hears no more.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(crate) fn is_subscribed(&self, channel: &str) -> bool {
        self.subscriptions.contains_key(channel)
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    /// Takes up what a refresh says, at `now` in milliseconds.
    pub(crate) fn refresh(&mut self, expires: i64, info: Bytes, now: u64) {
        self.expires = expires;
        if expires > 0 && !info.is_empty() {
            self.info = info;
            self.info_changed = now;
        }
    }

    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    pub(crate) fn client_info(&self, id: &str, subscription: &Subscription) -> ClientInfo {
        let mut info = ClientInfo::default();
        info.user = self.user.clone();
        info.client = id.to_owned();
        info.conn_info = subscription.connection_info.clone();
        info.chan_info = subscription.channel_info.clone();
        info
    }

    /// The info with what is known of the connection by now: so a client is known when it leaves.
    fn current_info(&self, id: &str, subscription: &Subscription) -> ClientInfo {
        let mut info = self.client_info(id, subscription);
        info.conn_info = self.info.clone();
        info
    }

    /// How the client is known in what it publishes into a channel.
    pub(crate) fn publisher(&self, id: &str, channel: &str) -> Option<ClientInfo> {
        Some(self.current_info(id, self.subscriptions.get(channel)?))
    }
}
