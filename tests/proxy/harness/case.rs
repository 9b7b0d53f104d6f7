//! A row that is played.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use centrifuge::ClientBuilder;
use centrifugo_api::{Client as Api, PresenceRequest, PublishRequest};
use centrifugo_proxy::EventKind;
use serde_json::{Value, json};

use super::backend::{Call, Heard, OpenStream};
use super::{Answer, Client, DEADLINE, END, Environment, Event, Member, RawClient, Server};

/// A row that is played: a client, with channels and answers of its own.
pub(crate) struct Case {
    name: String,
    environment: &'static Environment,
    /// Whether an answer will be late.
    is_late: AtomicBool,
    heard: tokio::sync::Mutex<Heard>,
}

impl Environment {
    pub(crate) fn case(&'static self) -> Case {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("case{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let heard = tokio::sync::Mutex::new(self.backend.add(&name));
        Case {
            name,
            environment: self,
            is_late: AtomicBool::new(false),
            heard,
        }
    }
}

impl Case {
    /// Sets the answers to an event, the last of which is given again and again.
    pub(crate) fn answer<const N: usize>(&self, kind: EventKind, answers: [Answer; N]) {
        let mut answers_of_case = answers.iter();
        if answers_of_case.any(|answer| matches!(answer, Answer::Late)) {
            self.is_late.store(true, Ordering::Relaxed);
        }
        let backend = &self.environment.backend;
        backend.set(&self.name, kind, answers.into());
    }

    fn server(&self) -> &Server {
        if self.is_late.load(Ordering::Relaxed) {
            &self.environment.impatient
        } else {
            &self.environment.patient
        }
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
        self.connect_with(|builder| builder)
    }

    /// Begins to connect with further options.
    pub(crate) fn connect_with(
        &self,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Client {
        let url = self.server().server.websocket_url();
        Client::connect(&url, &self.name, change)
    }

    /// Connects, and waits until the client is connected.
    pub(crate) async fn connected(&self) -> Client {
        self.connected_with(|builder| builder).await
    }

    /// Connects with further options, and waits until the client is connected.
    pub(crate) async fn connected_with(
        &self,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Client {
        let mut client = self.connect_with(change);
        let event = client.next().await;
        assert!(matches!(event, Event::Connected(_)), "{event}");
        client
    }

    /// Waits until the next question about an event is answered, or the server has given up.
    pub(crate) async fn call(&self, kind: EventKind) -> Call {
        let mut heard = self.heard.lock().await;
        let next = async {
            loop {
                let call = heard.calls.recv().await.expect("the backend lives");
                if call.kind == kind {
                    return call;
                }
            }
        };
        let call = tokio::time::timeout(DEADLINE, next).await;
        call.expect("the server asks in time")
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
        let address = format!("127.0.0.1:{}", self.server().server.http_port);
        let mut client = RawClient::open(&address).await;
        let connected = client.expect("connect", connect).await;
        (client, connected)
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
        &self.server().api
    }

    /// Writes `CASE` in place of what is the case's own.
    pub(super) fn anonymous(&self, line: &str) -> String {
        line.replace(&self.name, "CASE")
    }
}

/// Returns a member as the server API shows it.
pub(crate) fn member(info: centrifugo_api::ClientInfo) -> Member {
    let text = |payload: &[u8]| String::from_utf8_lossy(payload).into_owned();
    Member {
        conn_info: text(&info.conn_info),
        chan_info: text(&info.chan_info),
        user: info.user,
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        self.environment.backend.remove(&self.name);
    }
}
