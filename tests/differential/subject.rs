//! One of the two compared servers and its connected clients: everything that depends on the kind
//! of server.

use serde_json::Value;
use tokio::sync::watch;

use crate::configuration;
use crate::embedded::EmbeddedConnection;
use crate::observed_events::Events;
use crate::realtime::RealConnection;
use crate::server::{Backend, Running, Server, Transport, Version};

pub(crate) struct Subject(Server);

impl Subject {
    /// Starts a real server.
    pub(crate) async fn real(namespaces: &Value) -> Self {
        let namespaces = namespaces.to_string();
        let options = [
            configuration::options(&namespaces),
            configuration::REAL.to_vec(),
        ]
        .concat();
        Self(Server::start_with(Backend::Real(Version::V6), &options).await)
    }

    /// Starts an embedded server.
    pub(crate) async fn embedded(namespaces: &Value) -> Self {
        let namespaces = namespaces.to_string();
        Self(Server::start_with(Backend::Embedded, &configuration::options(&namespaces)).await)
    }

    /// Returns host and port of the HTTP API.
    pub(crate) fn http_address(&self) -> String {
        self.0.origin().trim_start_matches("http://").to_owned()
    }

    /// Returns host and port of the gRPC API.
    pub(crate) fn grpc_address(&self) -> String {
        self.0
            .url(Transport::Grpc)
            .trim_start_matches("grpc://")
            .to_owned()
    }

    /// Connects a user, the anonymous user if the name is empty. `changes` is notified of each
    /// event.
    pub(crate) async fn connect(
        &self,
        user: &str,
        info: Option<&str>,
        changes: watch::Sender<()>,
    ) -> Result<Connection, String> {
        let events = Events::new(changes);
        let line = match &self.0.running {
            Running::Process(_) => {
                let opened =
                    RealConnection::open(&self.http_address(), user, info, events.clone()).await;
                Line::Real(opened.map_err(|error| error.to_string())?)
            }
            Running::Embedded(embedded) => Line::Embedded(EmbeddedConnection::open(
                embedded.server(),
                user,
                info,
                events.clone(),
            )),
        };
        Ok(Connection {
            user: user.to_owned(),
            events,
            line,
        })
    }
}

/// A connected client.
pub(crate) struct Connection {
    pub(crate) user: String,
    pub(crate) events: Events,
    line: Line,
}

enum Line {
    Real(RealConnection),
    Embedded(EmbeddedConnection),
}

impl Connection {
    pub(crate) fn id(&self) -> &str {
        match &self.line {
            Line::Real(line) => &line.id,
            Line::Embedded(line) => line.id(),
        }
    }

    /// Subscribes from the client's side. The error is one of the client protocol: `103: permission
    /// denied`.
    pub(crate) async fn subscribe(&mut self, channel: &str) -> Result<(), String> {
        let outcome = match &mut self.line {
            Line::Real(line) => line.subscribe(channel).await,
            Line::Embedded(line) => line.subscribe(channel),
        };
        if outcome.is_ok() {
            self.events.note(channel, true);
        }
        outcome
    }

    pub(crate) async fn unsubscribe(&mut self, channel: &str) -> Result<(), String> {
        let outcome = match &mut self.line {
            Line::Real(line) => line.unsubscribe(channel).await,
            Line::Embedded(line) => line.unsubscribe(channel),
        };
        if outcome.is_ok() {
            self.events.note(channel, false);
        }
        outcome
    }

    /// Waits until everything that the server has sent so far is among the events.
    pub(crate) async fn catch_up(&mut self) {
        match &mut self.line {
            Line::Real(line) => line.catch_up().await,
            Line::Embedded(line) => line.catch_up(),
        }
    }

    /// Closes the connection, which the server may remove a little later. Returns the number of
    /// events.
    pub(crate) async fn close(self) -> usize {
        match self.line {
            Line::Real(line) => line.close().await,
            Line::Embedded(mut line) => line.catch_up(),
        }
        self.events.count()
    }
}
