//! A client of the embedded server, with what an SDK adds: it connects and subscribes again where the codes ask for it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use centrifugo_api::{ApiError, Error, PresenceRequest, binary};
use centrifugo_api_testing::{
    ConnectingClient, Event as Received, ProxiedConnection, Server, SubscribeOptions,
};

use super::DEADLINE;
use super::case::member;
use super::client::{Connecting, Subscribing};
use super::event::{Ended, Event, Member, Publication, Subscribed};
use super::sdk::text;

/// Errors have codes below this, and ends of connections from here on.
pub(super) const FIRST_END: u32 = 3000;

/// Subscriptions that end with a code from here on are to be made again.
const FIRST_LOSS: u32 = 2500;

pub(crate) struct Client {
    server: Arc<Server>,
    connecting: ConnectingClient,
    /// `None` while it is not connected.
    connection: Option<ProxiedConnection>,
    /// True if it does not connect any more.
    is_over: bool,
    subscriptions: Vec<Subscription>,
    events: VecDeque<Event>,
}

/// A subscription that the client wants.
struct Subscription {
    channel: String,
    options: SubscribeOptions,
    is_pending: bool,
}

impl Client {
    /// Begins to connect as the client of a case.
    pub(super) fn connect(server: Arc<Server>, case: &str, options: Connecting) -> Self {
        let mut connecting = ConnectingClient::new()
            .name(case)
            .version(options.version)
            .token(options.token)
            .data(binary(options.data));
        for (name, value) in options.headers {
            connecting = connecting.header(*name, *value);
        }
        for (name, value) in options.emulated_headers {
            connecting = connecting.emulated_header(*name, *value);
        }
        if options.is_protobuf {
            connecting = connecting.protobuf();
        }
        Self {
            server,
            connecting,
            connection: None,
            is_over: false,
            subscriptions: Vec::new(),
            events: VecDeque::new(),
        }
    }

    pub(super) fn subscribe(&mut self, channel: &str, options: Subscribing) {
        let options = SubscribeOptions::new()
            .token(options.token)
            .data(binary(options.data));
        self.subscriptions.push(Subscription {
            channel: channel.to_owned(),
            options,
            is_pending: true,
        });
    }

    pub(super) fn unsubscribe(&mut self, channel: &str) {
        self.forget(channel);
        self.connected().unsubscribe(channel);
    }

    fn forget(&mut self, channel: &str) {
        let subscriptions = &mut self.subscriptions;
        subscriptions.retain(|subscription| subscription.channel != channel);
    }

    pub(super) async fn publish(&self, channel: &str, data: Bytes) -> Event {
        let published = self.connected().publish(channel, binary(data)).await;
        of_call(published.map(|()| Bytes::new()))
    }

    pub(super) async fn rpc(&self, method: &str, data: Bytes) -> Event {
        of_call(self.connected().rpc(method, binary(data)).await)
    }

    fn connected(&self) -> &ProxiedConnection {
        let connection = self.connection.as_ref();
        connection.expect("the client is connected")
    }

    /// Returns who is in a channel. The embedded server tells clients no presence, so it is that of the server API.
    pub(super) async fn members(&self, channel: &str) -> Vec<Member> {
        let presence = PresenceRequest::new(channel);
        let presence = self.server.client().presence(presence).await;
        let presence = presence.expect("the namespace has presence").presence;
        presence.into_values().map(member).collect()
    }

    /// Returns the next event, or nothing if the client has only to wait.
    pub(super) async fn soon(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let Some(connection) = &mut self.connection else {
                if self.is_over {
                    return None;
                }
                self.try_to_connect().await;
                continue;
            };
            if let Some(received) = connection.try_next() {
                self.receive(received);
                continue;
            }
            let mut subscriptions = self.subscriptions.iter();
            let pending = subscriptions.position(|subscription| subscription.is_pending)?;
            self.try_to_subscribe(pending).await;
        }
    }

    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.soon().await {
                return event;
            }
            let connection = self.connection.as_mut();
            let next = connection.expect("the client is connected").next();
            let received = tokio::time::timeout(DEADLINE, next).await;
            let received = received.expect("an event comes in time");
            self.receive(received.expect("the connection has not ended"));
        }
    }

    async fn try_to_connect(&mut self) {
        let connected = self.server.connect_client(self.connecting.clone()).await;
        let error = match connected {
            Ok(connection) => {
                self.events
                    .push_back(Event::Connected(text(connection.data())));
                self.connection = Some(connection);
                return;
            }
            Err(error) => api_error(error),
        };
        let ended = ended(&error);
        if error.code >= FIRST_END {
            self.is_over = !lets_reconnect(error.code);
        } else {
            let failed = Event::ConnectFailed(problem(&error));
            self.events.push_back(failed);
            self.is_over = !error.temporary;
        }
        if self.is_over {
            self.events.push_back(Event::Disconnected(ended));
        }
    }

    async fn try_to_subscribe(&mut self, pending: usize) {
        let subscription = &self.subscriptions[pending];
        let channel = subscription.channel.clone();
        let options = subscription.options.clone();
        let subscribed = self.connected().subscribe_with(&channel, options).await;
        let error = match subscribed {
            Ok(subscribed) => {
                self.subscriptions[pending].is_pending = false;
                self.events.push_back(Event::Subscribed(Subscribed {
                    channel,
                    data: text(&subscribed.data),
                    recoverable: subscribed.recoverable,
                    positioned: subscribed.positioned,
                }));
                return;
            }
            Err(error) => api_error(error),
        };
        if error.code >= FIRST_END {
            // The end of the connection follows.
        } else if error.temporary {
            let failed = Event::SubscribeFailed(problem(&error));
            self.events.push_back(failed);
        } else {
            self.forget(&channel);
            self.events.push_back(Event::Unsubscribed(ended(&error)));
        }
    }

    fn receive(&mut self, received: Received) {
        let event = match received {
            Received::Publication { publication, .. } => {
                Event::Publication(as_publication(publication))
            }
            Received::Joined { info, .. } => Event::Joined(member(info)),
            Received::Left { info, .. } => Event::Left(member(info)),
            Received::Subscribed {
                channel,
                data,
                recoverable,
                positioned,
                ..
            } => Event::Subscribed(Subscribed {
                channel,
                data: text(&data),
                recoverable,
                positioned,
            }),
            Received::Unsubscribed {
                channel,
                code,
                reason,
                ..
            } => self.lose_subscription(&channel, Ended { code, reason }),
            Received::Disconnected { code, reason, .. } => {
                self.lose_connection(Ended { code, reason })
            }
            other => panic!("no scene knows {other:?}"),
        };
        self.events.push_back(event);
    }

    fn lose_subscription(&mut self, channel: &str, ended: Ended) -> Event {
        if ended.code < FIRST_LOSS {
            self.forget(channel);
            return Event::Unsubscribed(ended);
        }
        for subscription in &mut self.subscriptions {
            subscription.is_pending |= subscription.channel == channel;
        }
        Event::SubscriptionLost(ended)
    }

    fn lose_connection(&mut self, ended: Ended) -> Event {
        self.connection = None;
        self.is_over = !lets_reconnect(ended.code);
        if self.is_over {
            return Event::Disconnected(ended);
        }
        for subscription in &mut self.subscriptions {
            subscription.is_pending = true;
        }
        Event::Lost(ended)
    }
}

/// Returns a payload as SDKs do, to which null in JSON is nothing.
fn payload(payload: &[u8]) -> String {
    if payload == b"null" {
        return String::new();
    }
    text(payload)
}

/// Returns whether a client connects again after its connection has ended with a code.
fn lets_reconnect(code: u32) -> bool {
    code < 3500 || (4000..4500).contains(&code)
}

fn of_call(called: Result<Bytes, Error>) -> Event {
    match called.map_err(api_error) {
        Ok(data) => Event::Replied(payload(&data)),
        // As an SDK says it, which answers no call of a connection that has ended.
        Err(error) if error.code >= FIRST_END => Event::Failed("client disconnected".to_owned()),
        Err(error) => refused(error),
    }
}

pub(super) fn refused(error: ApiError) -> Event {
    Event::Refused {
        code: error.code,
        message: error.message,
        temporary: error.temporary,
    }
}

/// Returns the error that the client got.
#[track_caller]
pub(super) fn api_error(error: Error) -> ApiError {
    match error {
        Error::Api(error) => error,
        other => panic!("the server lacks something: {other}"),
    }
}

fn ended(error: &ApiError) -> Ended {
    Ended {
        code: error.code,
        reason: error.message.clone(),
    }
}

/// Returns an error as SDKs show it.
fn problem(error: &ApiError) -> String {
    format!("{} ({})", error.message, error.code)
}

fn as_publication(publication: centrifugo_api::Publication) -> Publication {
    Publication {
        data: payload(&publication.data),
        offset: publication.offset,
        tags: publication.tags.into_iter().collect(),
        publisher: publication.info.map(member),
    }
}
