//! How publications reach subscribers, and what becomes of those that have missed some.

use super::{Connections, Ending, Subscription};
use crate::connection::Event;
use crate::state::map::MapPublication;
use crate::state::stream::Position;
use centrifugo_api::Publication;

/// What subscribers hear whose position a publication does not follow: those that the server has subscribed lose the
/// connection, others the subscription.
const DISCONNECTED: Ending<'static> = (3010, "insufficient state");
const UNSUBSCRIBED: Ending<'static> = (2500, "insufficient state");

/// What a publication is to a subscription.
#[derive(Clone, Copy)]
enum Place {
    Next,
    Past,
    /// Another stream's, or one after a gap.
    Elsewhere,
}

impl Connections {
    /// Tells the subscribers of a channel of a publication, after which the stream is at `position`.
    pub(crate) fn publish(
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

    /// Tells the subscribers of a map of a key that was set or removed.
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    pub(crate) fn change(&mut self, channel: &str, change: &MapPublication) {
        let mut publication = Publication::default();
        publication.data = change.data.clone();
        publication.tags = change.tags.clone();
        publication.offset = change.offset;
        let (channel, key) = (channel.to_owned(), change.key.clone());
        let event = Event::Changed {
            channel: channel.clone(),
            key,
            removed: change.removed,
            publication,
        };
        // Positions are of streams, with which maps share no epoch.
        self.deliver(&channel, change.offset, "", &event);
    }

    fn deliver(&mut self, channel: &str, offset: u64, epoch: &str, event: &Event) {
        let mut lost = Vec::new();
        for (id, peer) in &mut self.0 {
            let Some(subscription) = peer.subscriptions.get_mut(channel) else {
                continue;
            };
            let by_server = subscription.by_server;
            match subscription.advance(offset, epoch) {
                Place::Next => peer.tell(event.clone()),
                Place::Past => {}
                Place::Elsewhere => lost.push((id.clone(), by_server)),
            }
        }
        for (id, by_server) in lost {
            match by_server {
                true => self.disconnect(&id, DISCONNECTED),
                false => self.unsubscribe(&id, channel, Some(UNSUBSCRIBED)),
            }
        }
    }
}

impl Subscription {
    /// Moves the position, if there is one, to a publication that follows it; one without an offset always does.
    fn advance(&mut self, offset: u64, epoch: &str) -> Place {
        let Some(position) = self.position.as_mut().filter(|_| offset > 0) else {
            return Place::Next;
        };
        let next = position.offset.wrapping_add(1);
        if position.epoch != epoch || offset > next {
            return Place::Elsewhere;
        }
        if offset < next {
            return Place::Past;
        }
        position.offset = offset;
        Place::Next
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    fn at(offset: u64, epoch: &str) -> Position {
        Position {
            offset,
            epoch: epoch.to_owned(),
        }
    }

    fn subscribed(position: Position, by_server: bool) -> (Connections, UnboundedReceiver<Event>) {
        let mut connections = Connections::default();
        let (sender, events) = unbounded_channel();
        connections.add("id", "alice", bytes::Bytes::new(), sender);
        let subscription = Subscription {
            position: Some(position),
            by_server,
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
        connections.publish("news", &publication, &at(offset, epoch));
    }

    #[test]
    fn publications_are_told_in_order_and_once() {
        let (mut connections, mut events) = subscribed(at(2, "e"), true);
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
    fn gaps_and_other_epochs_end_what_cannot_follow() {
        for (offset, epoch) in [(4, "e"), (3, "f")] {
            let (mut connections, mut events) = subscribed(at(2, "e"), true);
            publish(&mut connections, offset, epoch);
            assert!(matches!(
                events.try_recv(),
                Ok(Event::Disconnected { code: 3010, .. })
            ));
            let (mut connections, mut events) = subscribed(at(2, "e"), false);
            publish(&mut connections, offset, epoch);
            assert!(matches!(
                events.try_recv(),
                Ok(Event::Unsubscribed { code: 2500, .. })
            ));
        }
    }
}
