//! Servers that ask a backend, clients, and the rows that are played on them.

mod answer;
mod backend;
mod case;
mod configuration;
mod event;
mod raw;
mod sdk;

use std::sync::LazyLock;
use std::time::Duration;

use centrifugo_api::Client as Api;
use centrifugo_proxy::Secrets;
use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

pub(crate) use answer::{
    Answer, BYE, NO, PAUSE, SOON, garbage, in_a_minute, past, raw, status, unix,
};
pub(crate) use backend::{NEXT_SECRET, OpenStream, SECRET};
pub(crate) use case::{Case, member};
pub(crate) use configuration::{SHARED_POLL_SECRET, TOKEN_SECRET};
pub(crate) use event::{Event, Member};
pub(crate) use raw::RawClient;
pub(crate) use sdk::Client;

use backend::Backend;
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
}

/// Runs the backends, as long as the process lives.
static BACKENDS: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the system has threads")
});
