//! The connected clients, their subscriptions, and the events that they receive.

mod client;
mod delivery;
#[cfg(feature = "proxy")]
mod proxied;
pub(crate) mod session;

use std::cell::LazyCell;
use std::collections::BTreeMap;

use centrifugo_api::ClientInfo;

use crate::event::Event;

pub(crate) use self::client::{ConnectedClient, Source, Subscription};

/// The interval at which presence reflects changes of a connection, in milliseconds.
const PRESENCE_UPDATE_INTERVAL: u64 = 25_000;

/// The time for which an expired connection or subscription can still be refreshed, in seconds.
const EXPIRED_CLOSE_DELAY: i64 = 25;

/// The number of channels that a connection can be subscribed to.
pub(crate) const CHANNEL_LIMIT: usize = 128;

pub(crate) const EXPIRED: CloseReason<'static> = CloseReason::new(3005, "connection expired");
pub(crate) const SUBSCRIPTION_EXPIRED: CloseReason<'static> =
    CloseReason::new(3006, "subscription expired");
/// The reason for which a client's own subscription ends.
pub(crate) const OWN_SUBSCRIPTION_EXPIRED: CloseReason<'static> =
    CloseReason::new(2501, "subscription expired");
/// The reason for which a client is disconnected that does what it must not.
#[cfg_attr(not(any(feature = "_token", feature = "proxy")), allow(dead_code))]
pub(crate) const BAD_REQUEST: CloseReason<'static> = CloseReason::new(3501, "bad request");
/// The reason for which a client that uses JSON is disconnected when it would receive a payload that is not JSON.
pub(crate) const INAPPROPRIATE_PROTOCOL: CloseReason<'static> =
    CloseReason::new(3506, "inappropriate protocol");
pub(crate) const TOO_MANY_CHANNELS: CloseReason<'static> = CloseReason::new(3505, "channel limit");

/// The connected clients, by id.
#[derive(Debug, Default)]
pub(crate) struct Connections(BTreeMap<String, ConnectedClient>);

/// The code and the text with which a connection or a subscription ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloseReason<'a> {
    pub(crate) code: u32,
    pub(crate) text: &'a str,
}

impl<'a> CloseReason<'a> {
    pub(crate) const fn new(code: u32, text: &'a str) -> Self {
        Self { code, text }
    }
}

/// A selection of the connections that a call applies to.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    /// The user; empty for the anonymous user.
    pub(crate) user: &'a str,
    /// The client's id; empty for any.
    pub(crate) client: &'a str,
    /// The session; empty for any.
    pub(crate) session: &'a str,
    /// The ids of clients that are not selected.
    pub(crate) except: &'a [String],
}

impl Selection<'_> {
    fn includes(&self, id: &str, client: &ConnectedClient) -> bool {
        // The connections here have no session.
        client.user == self.user
            && (self.client.is_empty() || self.client == id)
            && self.session.is_empty()
            && !self.except.iter().any(|excepted| excepted == id)
    }
}

impl Connections {
    pub(crate) fn add(&mut self, id: &str, client: ConnectedClient) {
        self.0.insert(id.to_owned(), client);
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut ConnectedClient> {
        self.0.get_mut(id)
    }

    pub(crate) fn clients(&self) -> impl ExactSizeIterator<Item = &ConnectedClient> {
        self.0.values()
    }

    /// Returns the ids of the selected connections.
    pub(crate) fn select(&self, selection: &Selection<'_>) -> Vec<String> {
        self.0
            .iter()
            .filter(|(id, client)| selection.includes(id, client))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Returns the client's info for a publication to a channel, or `None` if the client is not
    /// subscribed to the channel.
    pub(crate) fn publisher(&self, id: &str, channel: &str) -> Option<ClientInfo> {
        let client = self.0.get(id)?;
        let subscription = client.subscriptions.get(channel)?;
        Some(client.current_info(id, subscription))
    }

    /// Ends a connection, if it exists.
    pub(crate) fn disconnect(&mut self, id: &str, reason: CloseReason<'_>) {
        let Some(client) = self.0.remove(id) else {
            return;
        };
        client.send_disconnected(reason);
        for (channel, subscription) in &client.subscriptions {
            let info = client.current_info(id, subscription);
            self.send_left(channel, subscription, info);
        }
    }

    /// Ends all connections, without leave events.
    pub(crate) fn disconnect_all(&mut self, reason: CloseReason<'_>) {
        for client in std::mem::take(&mut self.0).into_values() {
            client.send_disconnected(reason);
        }
    }

    /// Subscribes a client to a channel. The client receives `events`, and subscribers that want
    /// join events receive one.
    pub(crate) fn subscribe(
        &mut self,
        id: &str,
        channel: &str,
        subscription: Subscription,
        events: Vec<Event>,
    ) {
        let Some(client) = self.0.get_mut(id) else {
            return;
        };
        for event in events {
            client.send(event);
        }
        let info = client.info_at_subscription(id, &subscription);
        let emits_join = subscription.emits_join_leave;
        client
            .subscriptions
            .insert(channel.to_owned(), subscription);
        if emits_join {
            let joined = Event::Joined {
                channel: channel.to_owned(),
                info,
            };
            self.send_join_leave(channel, &joined);
        }
    }

    /// Ends a subscription, if it exists. The client receives an event if there is a reason.
    pub(crate) fn unsubscribe(&mut self, id: &str, channel: &str, reason: Option<CloseReason<'_>>) {
        let Some(client) = self.0.get_mut(id) else {
            return;
        };
        let Some(subscription) = client.subscriptions.remove(channel) else {
            return;
        };
        if let Some(reason) = reason {
            client.send(Event::Unsubscribed {
                channel: channel.to_owned(),
                code: reason.code,
                reason: reason.text.to_owned(),
            });
        }
        let info = client.current_info(id, &subscription);
        self.send_left(channel, &subscription, info);
    }

    fn send_left(&mut self, channel: &str, subscription: &Subscription, info: ClientInfo) {
        if subscription.emits_join_leave {
            let left = Event::Left {
                channel: channel.to_owned(),
                info,
            };
            self.send_join_leave(channel, &left);
        }
    }

    fn send_join_leave(&mut self, channel: &str, event: &Event) {
        let is_json = LazyCell::new(|| event.is_json());
        let mut inappropriate = Vec::new();
        for (id, client) in &self.0 {
            let subscription = client.subscriptions.get(channel);
            if !subscription.is_some_and(|subscription| subscription.gets_join_leave) {
                continue;
            }
            if client.protobuf || *is_json {
                client.send(event.clone());
            } else {
                inappropriate.push(id.clone());
            }
        }
        for id in inappropriate {
            self.disconnect(&id, INAPPROPRIATE_PROTOCOL);
        }
    }

    /// Returns the clients that are present in a channel, at `now` in milliseconds.
    pub(crate) fn presence(&self, channel: &str, now: u64) -> BTreeMap<String, ClientInfo> {
        let mut present = BTreeMap::new();
        for (id, client) in &self.0 {
            if let Some(subscription) = client.subscriptions.get(channel)
                && subscription.presence
            {
                let is_updated = now >= client.info_changed + PRESENCE_UPDATE_INTERVAL;
                let info = if is_updated {
                    client.current_info(id, subscription)
                } else {
                    client.info_at_subscription(id, subscription)
                };
                present.insert(id.clone(), info);
            }
        }
        present
    }

    /// Returns the number of subscribers of each channel that has any.
    pub(crate) fn channels(&self) -> BTreeMap<&str, u32> {
        let mut channels = BTreeMap::new();
        for channel in self
            .0
            .values()
            .flat_map(|client| client.subscriptions.keys())
        {
            *channels.entry(channel.as_str()).or_default() += 1;
        }
        channels
    }

    /// Disconnects the clients whose connection was not refreshed in time, at `now` in seconds. Ends the clients' own
    /// subscriptions that were not; one that the server has made ends the connection, as in Centrifugo. Those that a proxy
    /// refreshes do not end here.
    pub(crate) fn expire(&mut self, now: i64, is_refreshed_by_proxy: impl Fn(&str) -> bool) {
        let mut disconnected = Vec::new();
        let mut unsubscribed = Vec::new();
        for (id, client) in &self.0 {
            let overdue = client
                .subscriptions
                .iter()
                .filter(|(channel, subscription)| {
                    is_overdue(subscription.expires, now) && !is_refreshed_by_proxy(channel)
                });
            let (own, made): (Vec<_>, Vec<_>) =
                overdue.partition(|(_, subscription)| subscription.source == Source::Client);
            if is_overdue(client.expires, now) && !client.session.by_proxy {
                disconnected.push((id.clone(), EXPIRED));
            } else if !made.is_empty() {
                disconnected.push((id.clone(), SUBSCRIPTION_EXPIRED));
            }
            let own = own.into_iter().map(|(channel, _)| channel.clone());
            unsubscribed.extend(own.map(|channel| (id.clone(), channel)));
        }
        for (id, reason) in disconnected {
            self.disconnect(&id, reason);
        }
        for (id, channel) in unsubscribed {
            self.unsubscribe(&id, &channel, Some(OWN_SUBSCRIPTION_EXPIRED));
        }
    }
}

/// Checks whether something that expires has not been refreshed in time.
fn is_overdue(expires: i64, now: i64) -> bool {
    expires > 0 && now > expires.saturating_add(EXPIRED_CLOSE_DELAY)
}
