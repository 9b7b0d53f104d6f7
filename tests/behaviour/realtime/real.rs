//! Clients of a real server, which wait for its events.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use centrifuge::{ClientEvent, ClientInfo, EventStream, State, SubscriptionEvent};
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Event, Member, Protocol, Publication, Subscribed, User};
use crate::harness::Failure;

const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Client(centrifuge::Client);

/// Events, taken from the stream at once because a full stream blocks the client.
pub(super) struct Events(UnboundedReceiver<Event>);

pub(super) fn open(
    url: &str,
    user: Option<&User>,
    protocol: Protocol,
) -> Result<(super::Client, super::Events), Failure> {
    let protocol = match protocol {
        Protocol::Json => centrifuge::Protocol::Json,
        Protocol::Protobuf => centrifuge::Protocol::Protobuf,
    };
    let client = centrifuge::Client::builder(url)
        .protocol(protocol)
        .token(user.map(token).unwrap_or_default())
        .build()?;
    let events = Events::of(client.events(), of_client);
    client.connect()?;
    Ok((
        super::Client::Real(Client(client)),
        super::Events::Real(events),
    ))
}

fn token(user: &User) -> String {
    let User {
        name,
        info,
        signature,
    } = user;
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let claims = format!(r#"{{"sub":"{name}","info":{info}}}"#);
    format!(
        "{}.{}.{signature}",
        part(r#"{"alg":"HS256"}"#),
        part(&claims)
    )
}

impl Client {
    pub(super) async fn subscribe(&self, channel: &str) -> Result<super::Events, Failure> {
        let subscription = self.0.new_subscription(channel).build()?;
        let mut events = subscription.events();
        subscription.subscribe();
        let subscribed = async {
            while let Some(event) = events.next().await {
                if matches!(event, SubscriptionEvent::Subscribed(_)) {
                    return Ok(());
                }
            }
            Err("the subscription has ended")
        };
        tokio::time::timeout(DEADLINE, subscribed).await??;
        let events = Events::of(events, of_subscription);
        Ok(super::Events::Real(events))
    }

    pub(super) async fn publish(&self, channel: &str, data: &'static str) -> Result<(), Failure> {
        self.0.publish(channel, data).await?;
        Ok(())
    }

    pub(super) fn is_connected(&self) -> bool {
        self.0.state() == State::Connected
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

impl Events {
    fn of<T: Send + 'static>(mut stream: EventStream<T>, read: fn(T) -> Option<Event>) -> Self {
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                if let Some(event) = read(event) {
                    // The receiver may be gone.
                    let _ = sender.send(event);
                }
            }
        });
        Self(receiver)
    }

    pub(super) async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(DEADLINE, self.0.recv())
            .await
            .ok()
            .flatten()
    }
}

fn of_client(event: ClientEvent) -> Option<Event> {
    match event {
        ClientEvent::Connected(connected) => Some(Event::Connected {
            client: connected.client_id,
        }),
        ClientEvent::Connecting(event) => Some(Event::Reconnecting {
            code: event.code,
            reason: event.reason,
        }),
        ClientEvent::Disconnected(event) => Some(Event::Disconnected {
            code: event.code,
            reason: event.reason,
        }),
        ClientEvent::ServerSubscribed(event) => Some(Event::Subscribed(Subscribed {
            channel: event.channel,
            data: event.info.data.unwrap_or_default(),
            recoverable: event.info.recoverable,
            positioned: event.info.positioned,
        })),
        ClientEvent::ServerUnsubscribed(event) => Some(Event::Unsubscribed {
            channel: event.channel,
        }),
        ClientEvent::ServerPublication(event) => {
            Some(Event::Publication(publication(event.publication)))
        }
        ClientEvent::ServerJoin(event) => Some(Event::Joined(member(event.info))),
        ClientEvent::ServerLeave(event) => Some(Event::Left(member(event.info))),
        _ => None,
    }
}

fn of_subscription(event: SubscriptionEvent) -> Option<Event> {
    match event {
        SubscriptionEvent::Unsubscribed(event) => Some(Event::Ended {
            code: event.code,
            reason: event.reason,
        }),
        SubscriptionEvent::Publication(event) => {
            Some(Event::Publication(publication(event.publication)))
        }
        SubscriptionEvent::Join(event) => Some(Event::Joined(member(event.info))),
        SubscriptionEvent::Leave(event) => Some(Event::Left(member(event.info))),
        _ => None,
    }
}

fn publication(publication: centrifuge::Publication) -> Publication {
    Publication {
        offset: publication.offset,
        data: publication.data,
        tags: publication.tags.into_iter().collect(),
        info: publication.info.map(member),
    }
}

fn member(info: ClientInfo) -> Member {
    Member {
        client: info.client,
        chan_info: info.chan_info.unwrap_or_default(),
    }
}
