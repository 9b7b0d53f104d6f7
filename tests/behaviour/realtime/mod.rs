//! The real-time clients that the calls affect: of a real server over a websocket, of the embedded
//! one in memory.

mod embedded;
mod real;

use std::collections::BTreeMap;
use std::fmt::Debug;

use centrifugo_api::bytes::Bytes;

use crate::harness::{Env, Failure};
use crate::server::{Running, Server};

/// A connecting user. The signature of the claims is by HS256 with the configured key,
/// `token-secret`.
pub(crate) struct User {
    name: &'static str,
    info: &'static str,
    signature: &'static str,
}

pub(crate) const ALICE: User = User {
    name: "alice",
    info: r#"{"name":"Alice"}"#,
    signature: "A_hVdxFuhXxTWmyvEcE44AASwkqdNQOY6e28qnWk2ZA",
};
pub(crate) const BOB: User = User {
    name: "bob",
    info: r#"{"name":"Bob"}"#,
    signature: "lsZtMGxTBbM-8ZJWEEShYCEJfXJ0nz0Q3AhPb7vD7lw",
};

/// The encoding of a client's messages. Payloads are embedded in JSON as they are.
#[derive(Clone, Copy)]
pub(crate) enum Protocol {
    Json,
    Protobuf,
}

/// An event of a client, or of a subscription that it made itself.
#[derive(Clone, Debug)]
enum Event {
    Connected {
        client: String,
    },
    /// The server has subscribed the client to a channel.
    Subscribed(Subscribed),
    /// The server has ended one of its own subscriptions.
    Unsubscribed {
        channel: String,
    },
    /// The server has ended a subscription that the client made.
    Ended {
        code: u32,
        reason: String,
    },
    Publication(Publication),
    Joined(Member),
    Left(Member),
    /// The connection is closed, and the client reconnects.
    Reconnecting {
        code: u32,
        reason: String,
    },
    /// The connection is closed for good.
    Disconnected {
        code: u32,
        reason: String,
    },
}

/// A subscription that the server made.
#[derive(Clone, Debug)]
pub(crate) struct Subscribed {
    pub(crate) channel: String,
    pub(crate) data: Bytes,
    pub(crate) recoverable: bool,
    pub(crate) positioned: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) offset: u64,
    pub(crate) data: Bytes,
    pub(crate) tags: BTreeMap<String, String>,
    /// The client that published it.
    pub(crate) info: Option<Member>,
}

/// A client in a channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) client: String,
    pub(crate) chan_info: Bytes,
}

/// A connected client.
pub(crate) struct Connection {
    pub(crate) id: String,
    client: Client,
    events: Events,
}

/// A subscription that the client made itself, which lasts until it is dropped.
pub(crate) struct Subscription {
    _client: Client,
    events: Events,
}

#[derive(Clone)]
enum Client {
    Real(real::Client),
    Embedded(embedded::Client),
}

/// Events in the order of their arrival.
enum Events {
    Real(real::Events),
    Embedded(embedded::Events),
}

impl Env {
    /// Connects an anonymous client.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(&self.server, None).await
    }

    /// Connects an anonymous client that uses JSON, as clients in browsers do.
    pub(crate) async fn connect_json(&self) -> Result<Connection, Failure> {
        Connection::open_with(&self.server, None, Protocol::Json).await
    }

    pub(crate) async fn connect_as(&self, user: &User) -> Result<Connection, Failure> {
        Connection::open(&self.server, Some(user)).await
    }
}

/// Waits for an event that matches the pattern.
macro_rules! wait_for {
    ($events:expr, $pattern:pat $(if $condition:expr)? => $value:expr) => {
        $events.until(|event| match event {
            $pattern $(if $condition)? => Some($value),
            _ => None,
        })
        .await
    };
}

impl Connection {
    /// Connects a client that uses protobuf.
    pub(crate) async fn open(server: &Server, user: Option<&User>) -> Result<Self, Failure> {
        Self::open_with(server, user, Protocol::Protobuf).await
    }

    pub(crate) async fn open_with(
        server: &Server,
        user: Option<&User>,
        protocol: Protocol,
    ) -> Result<Self, Failure> {
        let (client, mut events) = match &server.running {
            Running::Process(_) => real::open(&server.websocket_url(), user, protocol)?,
            Running::Embedded(embedded) => embedded::open(embedded.server(), user, protocol),
        };
        let id = wait_for!(events, Event::Connected { client } => client)?;
        Ok(Self { id, client, events })
    }

    /// Subscribes, and waits until the server has confirmed it.
    pub(crate) async fn subscribe(&self, channel: &str) -> Result<Subscription, Failure> {
        let events = match &self.client {
            Client::Real(client) => client.subscribe(channel).await?,
            Client::Embedded(client) => client.subscribe(channel)?,
        };
        Ok(Subscription {
            _client: self.client.clone(),
            events,
        })
    }

    pub(crate) async fn publish(&self, channel: &str, data: &'static str) -> Result<(), Failure> {
        match &self.client {
            Client::Real(client) => client.publish(channel, data).await,
            Client::Embedded(client) => client.publish(channel, data),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        match &self.client {
            Client::Real(client) => client.is_connected(),
            Client::Embedded(client) => client.is_connected(),
        }
    }

    /// Disconnects the client from its side.
    pub(crate) async fn close(&self) {
        match &self.client {
            Client::Real(client) => client.close().await,
            Client::Embedded(client) => client.close(),
        }
    }

    /// Waits until the server has subscribed the client to a channel.
    pub(crate) async fn subscribed(&mut self) -> Result<Subscribed, Failure> {
        wait_for!(self.events, Event::Subscribed(subscribed) => subscribed)
    }

    /// Waits until the server has ended one of its own subscriptions, and returns the channel.
    pub(crate) async fn unsubscribed(&mut self) -> Result<String, Failure> {
        wait_for!(self.events, Event::Unsubscribed { channel } => channel)
    }

    /// Waits for a publication in a subscription that the server made.
    pub(crate) async fn publication(&mut self) -> Result<Publication, Failure> {
        wait_for!(self.events, Event::Publication(publication) => publication)
    }

    /// Waits until somebody has joined a channel that the server subscribed the client to.
    pub(crate) async fn joined(&mut self) -> Result<Member, Failure> {
        wait_for!(self.events, Event::Joined(member) => member)
    }

    /// Waits until the server has closed the connection for good, and returns the code and the
    /// reason.
    pub(crate) async fn disconnected(&mut self) -> Result<(u32, String), Failure> {
        wait_for!(self.events, Event::Disconnected { code, reason } => (code, reason))
    }

    /// Waits until the connection is closed and the client reconnects, and returns the code and the
    /// reason.
    pub(crate) async fn reconnecting(&mut self) -> Result<(u32, String), Failure> {
        wait_for!(self.events, Event::Reconnecting { code, reason } => (code, reason))
    }
}

impl Subscription {
    pub(crate) async fn publication(&mut self) -> Result<Publication, Failure> {
        wait_for!(self.events, Event::Publication(publication) => publication)
    }

    /// Waits until the server has ended the subscription, and returns the code and the reason.
    pub(crate) async fn unsubscribed(&mut self) -> Result<(u32, String), Failure> {
        wait_for!(self.events, Event::Ended { code, reason } => (code, reason))
    }

    /// Waits until a client has left the channel.
    pub(crate) async fn left(&mut self, client: &str) -> Result<(), Failure> {
        wait_for!(self.events, Event::Left(member) if member.client == client => ())
    }
}

impl Events {
    async fn until<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> Result<T, Failure> {
        let mut passed = Vec::new();
        while let Some(event) = self.next().await {
            match pick(event.clone()) {
                Some(picked) => return Ok(picked),
                None => passed.push(event),
            }
        }
        Err(format!("the event did not come; others were {passed:#?}").into())
    }

    /// Returns the next event, or `None` after the deadline.
    async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Real(events) => events.next().await,
            Self::Embedded(events) => events.next(),
        }
    }
}
