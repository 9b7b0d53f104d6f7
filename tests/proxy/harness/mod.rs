//! Servers that ask a backend, clients, and the rows that are played on them.

mod answer;
mod backend;
mod configuration;
mod event;
mod raw;
mod sdk;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use centrifuge::ClientBuilder;
use centrifugo_api::{Client as Api, PresenceRequest, PublishRequest};
use centrifugo_proxy::{EventKind, Secrets};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

pub(crate) use answer::{
    Answer, BYE, NO, PAUSE, SOON, garbage, in_a_minute, past, raw, status, unix,
};
pub(crate) use backend::{Call, NEXT_SECRET, OpenStream, SECRET};
pub(crate) use configuration::{SHARED_POLL_SECRET, TOKEN_SECRET};
pub(crate) use event::{Event, Member, Publication};
pub(crate) use raw::RawClient;
pub(crate) use sdk::Client;

use backend::{Backend, Heard};
use configuration::Endpoints;

use crate::server::{self, Transport, Version};

/// The time in which an event must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// The publication that ends a scene.
const END: &str = r#""end""#;

/// The servers that the rows are played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// A real server that asks over HTTP.
    Http,
    /// A real server that asks over gRPC.
    Grpc,
}

/// A row of a table: an answer, and what the client experiences.
pub(crate) struct Row<A = Make> {
    pub(crate) name: &'static str,
    pub(crate) answer: A,
    pub(crate) seen: &'static [&'static str],
}

/// Makes the answer for a case.
pub(crate) type Make = fn(&Case) -> Answer;

/// A backend and the servers that ask it.
pub(crate) struct Environment {
    /// Waits long for answers, so that none is late on a busy machine.
    patient: Server,
    /// Waits a moment.
    impatient: Server,
    backend: Backend,
}

struct Server {
    server: server::Server,
    api: Api,
}

/// A row that is played: a client, with channels and answers of its own.
pub(crate) struct Case {
    name: String,
    environment: &'static Environment,
    /// Whether an answer will be late.
    is_late: AtomicBool,
    heard: tokio::sync::Mutex<Heard>,
}

/// Makes tests of each function that takes a [`Column`]: `FUNCTION::COLUMN`.
macro_rules! in_each_column {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            #[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
            async fn http() -> crate::Outcome {
                super::$name(crate::harness::Column::Http).await
            }

            #[tokio::test]
            #[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
            async fn grpc() -> crate::Outcome {
                super::$name(crate::harness::Column::Grpc).await
            }
        }
    )+};
}

/// Plays all rows at once, and compares what the clients saw.
pub(crate) async fn play<A>(
    column: Column,
    rows: &[Row<A>],
    scene: impl AsyncFn(&Case, &A) -> Vec<String>,
) -> crate::Outcome {
    let environment = Environment::of(column).await?;
    let differences = rows.iter().map(async |row| {
        let case = environment.case();
        let seen = scene(&case, &row.answer).await;
        let seen: Vec<_> = seen.iter().map(|line| case.anonymous(line)).collect();
        (seen != row.seen).then(|| {
            let expected = row.seen;
            format!(
                "{}:\n  seen     {seen:#?}\n  expected {expected:#?}",
                row.name
            )
        })
    });
    let differences: Vec<_> = join_all(differences).await.into_iter().flatten().collect();
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n").into())
    }
}

impl Environment {
    /// Returns the server of a column, which all tests share.
    pub(crate) async fn of(column: Column) -> Result<&'static Self, String> {
        static HTTP: OnceCell<Environment> = OnceCell::const_new();
        static GRPC: OnceCell<Environment> = OnceCell::const_new();
        let shared = match column {
            Column::Http => &HTTP,
            Column::Grpc => &GRPC,
        };
        let started = shared.get_or_try_init(|| Self::start(column, &[])).await;
        started.map_err(|error| error.to_string())
    }

    /// Starts a server of a test's own, with further options. It lives as long as the process.
    pub(crate) async fn of_own(
        column: Column,
        further: &[(&str, &str)],
    ) -> std::io::Result<&'static Self> {
        let environment = Self::start(column, further).await?;
        Ok(Box::leak(Box::new(environment)))
    }

    /// Starts a server with further options.
    async fn start(column: Column, further: &[(&str, &str)]) -> std::io::Result<Self> {
        let backend = Backend::new();
        let serving = backend.clone();
        // Each test has a runtime of its own, which ends with the test.
        let serving = BACKENDS.spawn(async move {
            match column {
                Column::Http => serving.serve_http().await,
                Column::Grpc => serving.serve_grpc().await,
            }
        });
        let url = serving.await??;
        let endpoints = Endpoints { column, url };
        let start = async |timeout| {
            let options = endpoints.options(timeout);
            let mut all: Vec<_> = options.iter().map(|(k, v)| (&**k, &**v)).collect();
            all.extend(further);
            let real = server::Backend::Real(Version::V6);
            let server = server::Server::start_bare(real, &all).await;
            let api = server.client(Transport::Http);
            Server { server, api }
        };
        let (patient, impatient) = tokio::join!(start("10s"), start("500ms"));
        Ok(Self {
            patient,
            impatient,
            backend,
        })
    }

    /// Returns the secrets that the backend accepts.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.backend.secrets
    }

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

/// Runs the backends, as long as the process lives.
static BACKENDS: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the system has threads")
});

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
    fn anonymous(&self, line: &str) -> String {
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
