//! The decisions of proxies about connections: refreshes, and what their streams and polls send.

use std::collections::BTreeSet;

use centrifugo_api::{ClientInfo, Publication};

use super::{CloseReason, Connections, INAPPROPRIATE_PROTOCOL, Subscription, is_overdue};
use crate::event::Event;
use crate::state::polls::PollItem;

impl Connections {
    /// Returns the client's info for a publication to a channel that it is not subscribed to.
    pub(crate) fn client_info(&self, id: &str) -> Option<ClientInfo> {
        let client = self.0.get(id)?;
        Some(client.current_info(id, &Subscription::default()))
    }

    /// Returns whether a subscription gets its publications from the stream that a task forwards.
    pub(crate) fn has_stream(&self, id: &str, channel: &str, task: tokio::task::Id) -> bool {
        let client = self.0.get(id);
        let subscription = client.and_then(|client| client.subscriptions.get(channel));
        let stream = subscription.and_then(|subscription| subscription.stream.as_ref());
        stream.is_some_and(|stream| stream.0.task.id() == task)
    }

    /// Returns the keys of a shared poll that clients track.
    pub(crate) fn tracked(&self, channel: &str) -> BTreeSet<String> {
        let clients = self.0.values();
        let subscriptions = clients.filter_map(|client| client.subscriptions.get(channel));
        let keys = subscriptions.flat_map(|subscription| subscription.tracked.keys());
        keys.cloned().collect()
    }

    /// Ends the subscriptions of clients that track keys of a shared poll.
    pub(crate) fn end_tracking(&mut self, channel: &str, reason: CloseReason<'_>) {
        let mut tracking = Vec::new();
        for (id, client) in &self.0 {
            let subscription = client.subscriptions.get(channel);
            if subscription.is_some_and(|subscription| !subscription.tracked.is_empty()) {
                tracking.push(id.clone());
            }
        }
        for id in tracking {
            self.unsubscribe(&id, channel, Some(reason));
        }
    }

    /// Sends the state of a key to the clients that track it and have an older version.
    pub(crate) fn send_polled(&mut self, channel: &str, item: &PollItem) {
        let event = Event::Polled {
            channel: channel.to_owned(),
            key: item.key.clone(),
            removed: item.removed,
            data: item.data.clone(),
            version: item.version,
        };
        let is_json = event.is_json();
        for client in self.0.values_mut() {
            let Some(subscription) = client.subscriptions.get_mut(channel) else {
                continue;
            };
            let Some(version) = subscription.tracked.get_mut(&item.key) else {
                continue;
            };
            let is_newer = item.removed || item.version > *version;
            *version = (*version).max(item.version);
            if item.removed {
                subscription.tracked.remove(&item.key);
            }
            // A client with JSON never gets other states: Centrifugo sends it nothing.
            if is_newer && (client.protobuf || is_json) {
                client.send(event.clone());
            }
        }
    }

    /// Sends a publication to one subscriber.
    pub(crate) fn send_to(&mut self, id: &str, channel: &str, publication: Publication) {
        let event = Event::Publication {
            channel: channel.to_owned(),
            publication,
        };
        let Some(client) = self.0.get(id) else {
            return;
        };
        if client.protobuf || event.is_json() {
            client.send(event);
        } else {
            self.disconnect(id, INAPPROPRIATE_PROTOCOL);
        }
    }

    /// Returns the connections, and the subscriptions of channels that a proxy refreshes, about which a proxy must be asked at
    /// `now` in seconds: each only once.
    pub(crate) fn take_due(
        &mut self,
        now: i64,
        is_refreshed_by_proxy: impl Fn(&str) -> bool,
    ) -> Vec<(String, Option<String>)> {
        let mut due = Vec::new();
        for (id, client) in &mut self.0 {
            let session = &mut client.session;
            let is_due = session.by_proxy && client.expires > 0 && session.ask_at <= now;
            if is_due && !session.is_asking {
                session.is_asking = true;
                due.push((id.clone(), None));
            }
            for (channel, subscription) in &mut client.subscriptions {
                let is_due =
                    is_overdue(subscription.expires, now) && is_refreshed_by_proxy(channel);
                if is_due && !subscription.is_asking {
                    subscription.is_asking = true;
                    due.push((id.clone(), Some(channel.clone())));
                }
            }
        }
        due
    }
}
