//! A client that is real or played on the embedded server.

use centrifuge::Bytes;

use super::event::{Event, Member};
use super::{END, embedded, sdk};

pub(crate) type Headers = &'static [(&'static str, &'static str)];

/// The options that a client sends to connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connecting {
    pub(crate) token: String,
    pub(crate) data: &'static str,
    pub(crate) version: &'static str,
    pub(crate) is_protobuf: bool,
    /// Those of its request.
    pub(crate) headers: Headers,
    /// Those that its SDK emulates.
    pub(crate) emulated_headers: Headers,
}

/// The options that a client sends to subscribe.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscribing {
    pub(crate) token: String,
    pub(crate) data: &'static [u8],
}

pub(crate) enum Client {
    Real(sdk::Client),
    Embedded(Box<embedded::Client>),
}

impl Client {
    /// Begins to subscribe.
    pub(crate) fn subscribe(&mut self, channel: &str) {
        self.subscribe_with(channel, Subscribing::default());
    }

    /// Begins to subscribe with further options.
    pub(crate) fn subscribe_with(&mut self, channel: &str, options: Subscribing) {
        match self {
            Self::Real(client) => client.subscribe(channel, options),
            Self::Embedded(client) => client.subscribe(channel, options),
        }
    }

    /// Subscribes, and waits until the client is subscribed.
    pub(crate) async fn subscribed(&mut self, channel: &str) {
        self.subscribe(channel);
        let event = self.next().await;
        assert!(matches!(event, Event::Subscribed(_)), "{event}");
    }

    /// Ends a subscription.
    pub(crate) fn unsubscribe(&mut self, channel: &str) {
        match self {
            Self::Real(client) => client.unsubscribe(channel),
            Self::Embedded(client) => client.unsubscribe(channel),
        }
    }

    pub(crate) async fn publish(&self, channel: &str, data: impl Into<Bytes>) -> Event {
        match self {
            Self::Real(client) => client.publish(channel, data.into()).await,
            Self::Embedded(client) => client.publish(channel, data.into()).await,
        }
    }

    pub(crate) async fn rpc(&self, method: &str, data: impl Into<Bytes>) -> Event {
        match self {
            Self::Real(client) => client.rpc(method, data.into()).await,
            Self::Embedded(client) => client.rpc(method, data.into()).await,
        }
    }

    /// Returns who is in a channel, by the presence that clients see.
    pub(crate) async fn members(&self, channel: &str) -> Vec<Member> {
        match self {
            Self::Real(client) => client.members(channel).await,
            Self::Embedded(client) => client.members(channel).await,
        }
    }

    /// Writes down how the connection ends, and its new beginning if it has one.
    pub(crate) async fn end(&mut self, seen: &mut Vec<String>) {
        loop {
            let event = self.next().await;
            seen.push(event.to_string());
            if let Event::Connected(_) | Event::Disconnected(_) = event {
                return;
            }
        }
    }

    /// Writes down what comes until the client is subscribed, or does not try any more. Returns whether it is.
    pub(crate) async fn until_subscribed(&mut self, seen: &mut Vec<String>) -> bool {
        loop {
            let event = self.next().await;
            seen.push(event.to_string());
            match event {
                Event::Subscribed(_) => return true,
                Event::Unsubscribed(_) | Event::Disconnected(_) => return false,
                _ => {}
            }
        }
    }

    /// Writes down what comes until the publication that ends a scene.
    pub(crate) async fn until_end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Event::Publication(publication) if publication.data == END => return events,
                event => events.push(event),
            }
        }
    }

    /// Waits a moment for the next event, which may not come.
    pub(crate) async fn soon(&mut self) -> Option<Event> {
        match self {
            Self::Real(client) => client.soon().await,
            Self::Embedded(client) => client.soon().await,
        }
    }

    /// Waits for the next event.
    pub(crate) async fn next(&mut self) -> Event {
        match self {
            Self::Real(client) => client.next().await,
            Self::Embedded(client) => client.next().await,
        }
    }
}
