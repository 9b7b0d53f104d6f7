//! A row that is played.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use centrifugo_api::{Client as Api, PresenceRequest, PublishRequest};
use centrifugo_proxy::EventKind;
use serde_json::{Value, json};

use super::backend::{Call, Heard, OpenStream};
use super::client::Connecting;
use super::raw::{Speaking, Translating};
use super::server::{EmbeddedServer, RealServer, Wants};
use super::{
    Answer, Client, DEADLINE, END, Environment, Event, Member, RawClient, Servers, embedded, sdk,
};

/// A row that is played: a client, with channels and answers of its own.
pub(crate) struct Case {
    name: String,
    environment: &'static Environment,
    wants: Mutex<Wants>,
    /// Its own server, in the column of the embedded one.
    embedded: OnceLock<EmbeddedServer>,
    heard: tokio::sync::Mutex<Heard>,
}

/// The server of a case.
enum OfCase<'a> {
    Real(&'a RealServer),
    Embedded(&'a EmbeddedServer),
}

impl Environment {
    pub(crate) fn case(&'static self) -> Case {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("case{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let heard = tokio::sync::Mutex::new(self.backend.add(&name));
        Case {
            name,
            environment: self,
            wants: Mutex::default(),
            embedded: OnceLock::new(),
            heard,
        }
    }
}

impl Case {
    /// Sets the answers to an event, the last of which is given again and again.
    pub(crate) fn answer<const N: usize>(&self, kind: EventKind, answers: [Answer; N]) {
        let mut wants = self.wants.lock().unwrap_or_else(PoisonError::into_inner);
        for answer in &answers {
            wants.note(kind, answer);
        }
        let backend = &self.environment.backend;
        backend.set(&self.name, kind, answers.into());
    }

    fn server(&self) -> OfCase<'_> {
        let wants = *self.wants.lock().unwrap_or_else(PoisonError::into_inner);
        let environment = self.environment;
        match &environment.servers {
            Servers::Real(real) => OfCase::Real(real.server(wants)),
            Servers::Embedded(parts) => {
                let start = || parts.start(wants, &environment.backend);
                OfCase::Embedded(self.embedded.get_or_init(start))
            }
        }
    }

    /// Lets the embedded server ask over the network, as real ones do.
    pub(crate) fn ask_over_network(&self) {
        let mut wants = self.wants.lock().unwrap_or_else(PoisonError::into_inner);
        wants.asks_over_network = true;
    }

    /// Lets the server ask about all keys of a shared poll. A real one does so by itself.
    pub(crate) async fn poll(&self, channel: &str) {
        if let OfCase::Embedded(embedded) = self.server() {
            let polled = embedded.server.poll(channel).await;
            polled.expect("the channel is a shared poll");
        }
    }

    /// Lets time pass until the backend was asked about what has expired by then. That of a real server passes by itself.
    pub(crate) async fn pass(&self, duration: Duration) {
        if let OfCase::Embedded(embedded) = self.server() {
            embedded.server.advance(duration);
            embedded.server.refreshed().await;
        }
    }

    /// Returns whether `cent` lacked an answer.
    pub(super) fn is_lacking(&self) -> bool {
        self.environment.backend.is_lacking(&self.name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns a channel of its own in a namespace, which the tables write as `NAMESPACE:CASE`.
    pub(crate) fn channel(&self, namespace: &str) -> String {
        format!("{namespace}:{}", self.name)
    }

    /// Begins to connect.
    pub(crate) fn connect(&self) -> Client {
        self.connect_with(Connecting::default())
    }

    /// Begins to connect with further options.
    pub(crate) fn connect_with(&self, options: Connecting) -> Client {
        match self.server() {
            OfCase::Real(real) => {
                let url = real.server.websocket_url();
                Client::Real(sdk::Client::connect(&url, &self.name, options))
            }
            OfCase::Embedded(embedded) => {
                let server = Arc::clone(&embedded.server);
                let client = embedded::Client::connect(server, &self.name, options);
                Client::Embedded(Box::new(client))
            }
        }
    }

    /// Connects, and waits until the client is connected.
    pub(crate) async fn connected(&self) -> Client {
        self.connected_with(Connecting::default()).await
    }

    /// Connects with further options, and waits until the client is connected.
    pub(crate) async fn connected_with(&self, options: Connecting) -> Client {
        let mut client = self.connect_with(options);
        let event = client.next().await;
        assert!(matches!(event, Event::Connected(_)), "{event}");
        client
    }

    /// Waits until the next question about an event is answered, or the server has given up.
    pub(crate) async fn call(&self, kind: EventKind) -> Call {
        let call = tokio::time::timeout(DEADLINE, self.next_call(kind)).await;
        call.expect("the server asks in time")
    }

    /// Lets time pass, and returns whether the server asks about an event by then.
    pub(crate) async fn is_asked_within(&self, duration: Duration, kind: EventKind) -> bool {
        self.pass(duration).await;
        let left = match self.server() {
            OfCase::Real(_) => duration,
            OfCase::Embedded(_) => Duration::ZERO,
        };
        let call = tokio::time::timeout(left, self.next_call(kind)).await;
        call.is_ok()
    }

    async fn next_call(&self, kind: EventKind) -> Call {
        let mut heard = self.heard.lock().await;
        loop {
            let call = heard.calls.recv().await.expect("the backend lives");
            if call.kind == kind {
                return call;
            }
        }
    }

    /// Waits for the next stream that the backend opens.
    pub(crate) async fn opened(&self) -> OpenStream {
        let mut heard = self.heard.lock().await;
        let stream = tokio::time::timeout(DEADLINE, heard.streams.recv()).await;
        stream
            .expect("a stream opens in time")
            .expect("the backend lives")
    }

    /// Connects a client that speaks the protocol itself, and returns the reply.
    pub(crate) async fn raw(&self) -> (RawClient, Value) {
        self.raw_with(json!({"name": self.name})).await
    }

    /// Connects such a client with other parameters.
    pub(crate) async fn raw_with(&self, connect: Value) -> (RawClient, Value) {
        match self.server() {
            OfCase::Real(real) => {
                let address = format!("127.0.0.1:{}", real.server.http_port);
                let mut client = RawClient::Real(Box::new(Speaking::open(&address).await));
                let connected = client.expect("connect", connect).await;
                (client, connected)
            }
            OfCase::Embedded(embedded) => {
                let server = Arc::clone(&embedded.server);
                let (client, connected) = Translating::open(server, &connect).await;
                (RawClient::Embedded(Box::new(client)), connected)
            }
        }
    }

    /// Publishes what ends a scene.
    pub(crate) async fn publish_end(&self, channel: &str) {
        let end = PublishRequest::new(channel, END);
        let published = self.api().publish(end).await;
        published.expect("the server publishes");
    }

    /// Writes down who is in a channel, as the server API shows it.
    pub(crate) async fn members(&self, channel: &str) -> Vec<String> {
        let presence = self.api().presence(PresenceRequest::new(channel)).await;
        let members = presence.expect("the namespace has presence").presence;
        let members = members.into_values().map(member);
        members.map(|member| format!("is {member}")).collect()
    }

    /// Returns a client of the server API.
    pub(crate) fn api(&self) -> &Api {
        match self.server() {
            OfCase::Real(real) => &real.api,
            OfCase::Embedded(embedded) => &embedded.api,
        }
    }

    /// Writes `CASE` in place of what is the case's own.
    pub(super) fn anonymous(&self, line: &str) -> String {
        line.replace(&self.name, "CASE")
    }
}

/// Returns a member as the server API shows it.
pub(crate) fn member(info: centrifugo_api::ClientInfo) -> Member {
    Member {
        conn_info: sdk::text(&info.conn_info),
        chan_info: sdk::text(&info.chan_info),
        user: info.user,
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        self.environment.backend.remove(&self.name);
    }
}
