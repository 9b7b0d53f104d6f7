//! The delivery of publications to subscribers, including those that have missed some.

use std::cell::LazyCell;

use centrifugo_api::Publication;

use crate::event::Event;
use crate::state::connections::{
    CloseReason, Connections, INAPPROPRIATE_PROTOCOL, Source, Subscription,
};
use crate::state::map::MapPublication;
use crate::state::stream::Position;

/// The reason for which a client is disconnected that has missed publications of a subscription
/// made by the server.
const DISCONNECTED: CloseReason<'static> = CloseReason::new(3010, "insufficient state");

/// The reason for which a client loses its own subscription after it has missed publications.
const UNSUBSCRIBED: CloseReason<'static> = CloseReason::new(2500, "insufficient state");

/// The relation of a publication to the position of a subscription.
#[derive(Clone, Copy)]
enum Continuity {
    Next,
    /// The client has received the publication before.
    Duplicate,
    /// Publications before this one are missing, or it belongs to another epoch.
    Gap,
}

impl Connections {
    /// Sends a publication to the subscribers of a channel; `position` is that of the stream after
    /// it.
    pub(crate) fn send_publication(
        &mut self,
        channel: &str,
        publication: &Publication,
        position: &Position,
    ) {
        let event = Event::Publication {
            channel: channel.to_owned(),
            publication: publication.clone(),
        };
        self.deliver(channel, publication.offset, &position.epoch, &event);
    }

    /// Sends a change of a key to the subscribers of a map.
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    pub(crate) fn send_change(&mut self, channel: &str, change: &MapPublication) {
        let mut publication = Publication::default();
        publication.data = change.data.clone();
        publication.tags = change.tags.clone();
        publication.offset = change.offset;
        publication.info.clone_from(&change.info);
        let event = Event::Changed {
            channel: channel.to_owned(),
            key: change.key.clone(),
            removed: change.removed,
            publication,
        };
        // Positions belong to streams, and maps share no epoch with them.
        self.deliver(channel, change.offset, "", &event);
    }

    fn deliver(&mut self, channel: &str, offset: u64, epoch: &str, event: &Event) {
        let is_json = LazyCell::new(|| event.is_json());
        let mut inappropriate = Vec::new();
        let mut behind = Vec::new();
        for (id, client) in &mut self.0 {
            let Some(subscription) = client.subscriptions.get_mut(channel) else {
                continue;
            };
            let by_server = subscription.source != Source::Client;
            if !client.protobuf && !*is_json {
                inappropriate.push(id.clone());
                continue;
            }
            match subscription.advance(offset, epoch) {
                Continuity::Next => client.send(event.clone()),
                Continuity::Duplicate => {}
                Continuity::Gap => behind.push((id.clone(), by_server)),
            }
        }
        for id in inappropriate {
            self.disconnect(&id, INAPPROPRIATE_PROTOCOL);
        }
        for (id, by_server) in behind {
            if by_server {
                self.disconnect(&id, DISCONNECTED);
            } else {
                self.unsubscribe(&id, channel, Some(UNSUBSCRIBED));
            }
        }
    }
}

impl Subscription {
    /// Moves the position to a publication that follows it.
    ///
    /// Without a position, and for a publication without an offset, any publication is the next
    /// one.
    fn advance(&mut self, offset: u64, epoch: &str) -> Continuity {
        let Some(position) = self.position.as_mut().filter(|_| offset > 0) else {
            return Continuity::Next;
        };
        let next = position.offset.wrapping_add(1);
        if position.epoch != epoch || offset > next {
            return Continuity::Gap;
        }
        if offset < next {
            return Continuity::Duplicate;
        }
        position.offset = offset;
        Continuity::Next
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::state::connections::ConnectedClient;

    fn at(offset: u64, epoch: &str) -> Position {
        Position {
            offset,
            epoch: epoch.to_owned(),
        }
    }

    fn subscribed(position: Position, source: Source) -> (Connections, UnboundedReceiver<Event>) {
        let mut connections = Connections::default();
        let (sender, events) = unbounded_channel();
        let client = ConnectedClient::new("alice", bytes::Bytes::new(), false, sender);
        connections.add("id", client);
        let subscription = Subscription {
            position: Some(position),
            source,
            ..Subscription::default()
        };
        connections.subscribe("id", "news", subscription, Vec::new());
        (connections, events)
    }

    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn publish(connections: &mut Connections, offset: u64, epoch: &str) {
        let mut publication = Publication::default();
        publication.offset = offset;
        connections.send_publication("news", &publication, &at(offset, epoch));
    }

    #[test]
    fn publications_are_sent_in_order_and_once() {
        let (mut connections, mut events) = subscribed(at(2, "e"), Source::Call);
        for offset in [2, 3, 3, 0, 4] {
            publish(&mut connections, offset, "e");
        }
        let mut offsets = Vec::new();
        while let Ok(Event::Publication { publication, .. }) = events.try_recv() {
            offsets.push(publication.offset);
        }
        assert_eq!(offsets, [3, 0, 4]);
    }

    #[test]
    fn gaps_and_other_epochs_end_subscription_or_connection() {
        for (offset, epoch) in [(4, "e"), (3, "f")] {
            let (mut connections, mut events) = subscribed(at(2, "e"), Source::Token);
            publish(&mut connections, offset, epoch);
            assert!(matches!(
                events.try_recv(),
                Ok(Event::Disconnected { code: 3010, .. })
            ));
            let (mut connections, mut events) = subscribed(at(2, "e"), Source::Client);
            publish(&mut connections, offset, epoch);
            assert!(matches!(
                events.try_recv(),
                Ok(Event::Unsubscribed { code: 2500, .. })
            ));
        }
    }
}
