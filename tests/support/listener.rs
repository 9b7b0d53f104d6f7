//! Real-time clients, whose events tell what Centrifugo has executed. The server subscribes them.

use std::time::Duration;

use centrifuge::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::server::Server;

/// The signed token of `{"sub":"alice"}`.
pub(crate) const ALICE: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.bMzSqaOyUZPb4Bw2m_9_jUaBRe_aVN5DV8YMN8gDzBs";
/// The signed token of `{"sub":"bob"}`.
pub(crate) const BOB: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.ZiEX1DGNe5qZkdXZtD1Tq0w_ZHcTjjoz6d8eX8C0jY0";

/// The code of the disconnection of a client whose connection has expired.
pub(crate) const EXPIRED: u32 = 3005;

const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Connected,
    Lost(u32),
    Subscribed(String),
    Unsubscribed(String),
    Publication(Bytes),
}

/// A connected real-time client and its events.
pub(crate) struct Listener {
    _client: centrifuge::Client,
    events: UnboundedReceiver<Event>,
}

impl Listener {
    pub(crate) async fn connect(
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

    pub(crate) async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(DEADLINE, self.events.recv()).await;
        event
            .expect("an event comes in time")
            .expect("the client lives")
    }

    pub(crate) async fn publication(&mut self) -> Bytes {
        match self.next().await {
            Event::Publication(data) => data,
            other => panic!("expected a publication, not {other:?}"),
        }
    }
}
