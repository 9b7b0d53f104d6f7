//! A client of a real server, by its SDK.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use centrifuge::{
    Bytes, ClientEvent, ClientInfo, EventStream, Protocol, Subscription, SubscriptionEvent,
};
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::DEADLINE;
use super::client::{Connecting, Headers, Subscribing};
use super::event::{Ended, Event, Member, Publication, Subscribed};

/// The time in which something would have happened.
const MOMENT: Duration = Duration::from_millis(500);

/// Codes below are the SDK's own: the client began to connect, or the connection of a subscription was lost.
const FIRST_CODE_OF_SERVER: u32 = 100;

pub(crate) struct Client {
    client: centrifuge::Client,
    subscriptions: HashMap<String, Subscription>,
    events: UnboundedReceiver<Event>,
    sender: UnboundedSender<Event>,
}

impl Client {
    /// Begins to connect as the client of a case.
    pub(super) fn connect(url: &str, case: &str, options: Connecting) -> Self {
        let protocol = if options.is_protobuf {
            Protocol::Protobuf
        } else {
            Protocol::Json
        };
        let client = centrifuge::Client::builder(url)
            .name(case)
            .protocol(protocol)
            .min_reconnect_delay(Duration::from_millis(10))
            .timeout(DEADLINE)
            .token(options.token)
            .version(options.version)
            .data(options.data)
            .http_headers(request_headers(options.headers))
            .emulated_headers(emulated_headers(options.emulated_headers))
            .build()
            .expect("the client is valid");
        let (sender, events) = unbounded_channel();
        forward(client.events(), sender.clone(), of_client);
        client.connect().expect("the client connects");
        Self {
            client,
            subscriptions: HashMap::new(),
            events,
            sender,
        }
    }

    /// Begins to subscribe, perhaps again.
    pub(super) fn subscribe(&mut self, channel: &str, options: Subscribing) {
        if let Some(subscription) = self.subscriptions.get(channel) {
            subscription.subscribe();
            return;
        }
        let subscription = self
            .client
            .new_subscription(channel)
            .min_resubscribe_delay(Duration::from_millis(10))
            .token(options.token)
            .data(options.data)
            .build()
            .expect("the client has one subscription to the channel");
        let name = channel.to_owned();
        let read = move |event| of_subscription(&name, event);
        forward(subscription.events(), self.sender.clone(), read);
        subscription.subscribe();
        self.subscriptions.insert(channel.to_owned(), subscription);
    }

    pub(super) fn unsubscribe(&self, channel: &str) {
        self.subscriptions[channel].unsubscribe();
    }

    pub(super) async fn publish(&self, channel: &str, data: Bytes) -> Event {
        let published = self.client.publish(channel, data).await;
        of_call(published.map(|()| String::new()))
    }

    pub(super) async fn rpc(&self, method: &str, data: Bytes) -> Event {
        let replied = self.client.rpc(method, data).await;
        of_call(replied.map(|reply| text(&reply.data)))
    }

    pub(super) async fn members(&self, channel: &str) -> Vec<Member> {
        let presence = self.client.presence(channel).await;
        let presence = presence.expect("the client may see presence");
        presence.clients.into_values().map(member).collect()
    }

    pub(super) async fn soon(&mut self) -> Option<Event> {
        let event = tokio::time::timeout(MOMENT, self.events.recv()).await;
        event.ok().flatten()
    }

    pub(super) async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(DEADLINE, self.events.recv()).await;
        event
            .expect("an event comes in time")
            .expect("the client lives")
    }
}

fn request_headers(headers: Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_static(value));
    }
    map
}

fn emulated_headers(headers: Headers) -> HashMap<String, String> {
    let headers = headers.iter();
    let owned = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

/// Takes events from a stream at once, because a full stream blocks the client.
fn forward<T: Debug + Send + 'static>(
    mut stream: EventStream<T>,
    sender: UnboundedSender<Event>,
    read: impl Fn(T) -> Option<Event> + Send + 'static,
) {
    tokio::spawn(async move {
        while let Some(event) = stream.next().await {
            if let Some(event) = read(event) {
                // The test may have ended.
                let _ = sender.send(event);
            }
        }
    });
}

fn of_client(event: ClientEvent) -> Option<Event> {
    Some(match event {
        ClientEvent::Connected(event) => Event::Connected(text(&event.data.unwrap_or_default())),
        ClientEvent::Connecting(event) if event.code >= FIRST_CODE_OF_SERVER => {
            Event::Lost(ended(event.code, event.reason))
        }
        ClientEvent::Disconnected(event) => Event::Disconnected(ended(event.code, event.reason)),
        ClientEvent::Error(event) => Event::ConnectFailed(event.error.message),
        ClientEvent::ServerSubscribed(event) => {
            Event::Subscribed(subscribed(event.channel, event.info))
        }
        ClientEvent::ServerPublication(event) => Event::Publication(publication(event.publication)),
        ClientEvent::ServerJoin(event) => Event::Joined(member(event.info)),
        ClientEvent::ServerLeave(event) => Event::Left(member(event.info)),
        _ => return None,
    })
}

fn of_subscription(channel: &str, event: SubscriptionEvent) -> Option<Event> {
    Some(match event {
        SubscriptionEvent::Subscribed(event) => {
            Event::Subscribed(subscribed(channel.to_owned(), event))
        }
        SubscriptionEvent::Subscribing(event) if event.code >= FIRST_CODE_OF_SERVER => {
            Event::SubscriptionLost(ended(event.code, event.reason))
        }
        SubscriptionEvent::Unsubscribed(event) => {
            Event::Unsubscribed(ended(event.code, event.reason))
        }
        SubscriptionEvent::Error(event) => Event::SubscribeFailed(event.error.message),
        SubscriptionEvent::Publication(event) => Event::Publication(publication(event.publication)),
        SubscriptionEvent::Join(event) => Event::Joined(member(event.info)),
        SubscriptionEvent::Leave(event) => Event::Left(member(event.info)),
        _ => return None,
    })
}

fn of_call(called: Result<String, centrifuge::Error>) -> Event {
    match called {
        Ok(data) => Event::Replied(data),
        Err(centrifuge::Error::Server(error)) => Event::Refused {
            code: error.code,
            message: error.message,
            temporary: error.temporary,
        },
        Err(other) => Event::Failed(other.to_string()),
    }
}

fn ended(code: u32, reason: String) -> Ended {
    Ended { code, reason }
}

fn subscribed(channel: String, event: centrifuge::SubscribedEvent) -> Subscribed {
    Subscribed {
        channel,
        data: text(&event.data.unwrap_or_default()),
        recoverable: event.recoverable,
        positioned: event.positioned,
    }
}

fn publication(publication: centrifuge::Publication) -> Publication {
    Publication {
        data: text(&publication.data),
        offset: publication.offset,
        tags: publication.tags.into_iter().collect(),
        publisher: publication.info.map(member),
    }
}

fn member(info: ClientInfo) -> Member {
    Member {
        user: info.user,
        conn_info: text(&info.conn_info.unwrap_or_default()),
        chan_info: text(&info.chan_info.unwrap_or_default()),
    }
}

/// Returns a payload as text, with the bytes that are none escaped.
pub(super) fn text(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) => text.to_owned(),
        Err(_) => payload.escape_ascii().to_string(),
    }
}
