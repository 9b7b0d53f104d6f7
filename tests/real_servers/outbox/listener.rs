//! Real-time clients, whose events tell what Centrifugo has executed.

use centrifuge::Bytes;
use centrifugo_api::{PayloadExt as _, SubscribeRequest};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{DEADLINE, Outbox};
use crate::server::Server;

#[derive(Debug, PartialEq)]
pub(super) enum Event {
    Connected,
    Lost(u32),
    Subscribed(String),
    Unsubscribed(String),
    Publication(Bytes),
}

/// A connected real-time client and its events.
pub(super) struct Listener {
    _client: centrifuge::Client,
    events: UnboundedReceiver<Event>,
}

impl Listener {
    pub(super) async fn connect(
        server: &Server,
        token: &str,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let (sender, events) = unbounded_channel();
        let record = move |event| {
            // The receiver is gone when the test has ended.
            let _ = sender.send(event);
        };
        let [
            connected,
            connecting,
            lost,
            subscribed,
            unsubscribed,
            publication,
        ] = [(); 6].map(|()| record.clone());
        let client = centrifuge::Client::builder(server.websocket_url())
            .token(token)
            .on_connected(move |_, _| connected(Event::Connected))
            .on_connecting(move |_, event| match event.code {
                0 => {}
                code => connecting(Event::Lost(code)),
            })
            .on_disconnected(move |_, event| lost(Event::Lost(event.code)))
            .on_subscribed(move |_, event| subscribed(Event::Subscribed(event.channel)))
            .on_unsubscribed(move |_, event| unsubscribed(Event::Unsubscribed(event.channel)))
            .on_publication(move |_, event| publication(Event::Publication(event.publication.data)))
            .build()?;
        client.connect()?;
        let mut listener = Self {
            _client: client,
            events,
        };
        assert_eq!(listener.next().await, Event::Connected);
        Ok(listener)
    }

    /// Connects a client, and subscribes it by a command in the outbox.
    pub(super) async fn subscribed(
        outbox: &Outbox,
        user: &str,
        token: &str,
        channel: &str,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut listener = Self::connect(&outbox.server, token).await?;
        outbox
            .insert_command(SubscribeRequest::new(channel).user(user))
            .await?;
        assert_eq!(listener.next().await, Event::Subscribed(channel.to_owned()));
        Ok(listener)
    }

    pub(super) async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(DEADLINE, self.events.recv()).await;
        event
            .expect("an event comes in time")
            .expect("the client lives")
    }

    pub(super) async fn publication(&mut self) -> Bytes {
        match self.next().await {
            Event::Publication(data) => data,
            other => panic!("expected a publication, not {other:?}"),
        }
    }

    pub(super) async fn json(&mut self) -> Value {
        self.publication()
            .await
            .decode()
            .expect("the publication is JSON")
    }
}
