//! Servers that ask a backend, clients, and the rows that are played on them.

mod answer;
mod backend;
mod case;
mod client;
mod configuration;
mod embedded;
mod event;
mod raw;
mod sdk;
mod server;

use std::sync::LazyLock;
use std::time::Duration;

use centrifugo_proxy::Secrets;
use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

pub(crate) use answer::{
    Answer, BYE, NO, PAUSE, SOON, garbage, in_a_minute, past, raw, status, unix,
};
pub(crate) use backend::{NEXT_SECRET, OpenStream, SECRET};
pub(crate) use case::{Case, member};
pub(crate) use client::{Client, Connecting, Headers, Subscribing};
pub(crate) use configuration::{SHARED_POLL_SECRET, TOKEN_SECRET};
pub(crate) use event::{Event, Member};
pub(crate) use raw::RawClient;

use backend::Backend;
use server::{Embedded, Real};

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
    /// A real server that asks handlers of Rust `cent` over HTTP.
    Cent,
    /// The embedded server, which asks in process. It asks over the network where an answer is one that no handler can give.
    Embedded,
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
    servers: Servers,
    backend: Backend,
}

enum Servers {
    Real(Box<Real>),
    /// The parts that each case needs to start a server of its own, whose time it moves.
    Embedded(Embedded),
}

/// Makes the test of a function in a column.
macro_rules! test_in {
    ($name:ident, embedded) => {
        #[tokio::test]
        async fn embedded() -> crate::Outcome {
            super::$name(crate::harness::Column::Embedded).await
        }
    };
    ($name:ident, http) => {
        #[tokio::test]
        #[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
        async fn http() -> crate::Outcome {
            super::$name(crate::harness::Column::Http).await
        }
    };
    ($name:ident, grpc) => {
        #[tokio::test]
        #[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
        async fn grpc() -> crate::Outcome {
            super::$name(crate::harness::Column::Grpc).await
        }
    };
    ($name:ident, cent) => {
        #[tokio::test]
        #[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
        async fn cent() -> crate::Outcome {
            super::$name(crate::harness::Column::Cent).await
        }
    };
}

/// Makes tests of each function that takes a [`Column`]: `FUNCTION::COLUMN`.
macro_rules! in_each_column {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            test_in!($name, http);
            test_in!($name, grpc);
            test_in!($name, cent);
            test_in!($name, embedded);
        }
    )+};
}

/// Makes such tests for the columns of `centrifugo-proxy`.
macro_rules! in_own_columns {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            test_in!($name, http);
            test_in!($name, grpc);
            test_in!($name, embedded);
        }
    )+};
}

/// Makes such tests for the columns of real servers.
macro_rules! on_real_servers {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            test_in!($name, http);
            test_in!($name, grpc);
            test_in!($name, cent);
        }
    )+};
}

/// Makes such tests for the columns that know statuses of HTTP.
macro_rules! in_columns_with_statuses {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            test_in!($name, http);
            test_in!($name, embedded);
        }
    )+};
}

/// Makes such tests for the columns that have streams.
macro_rules! in_columns_with_streams {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            test_in!($name, grpc);
            test_in!($name, embedded);
        }
    )+};
}

/// The rows whose answers `cent` lacks, in some of the tables.
const LACKING: &[&str] = &[
    "disconnect",
    "disconnect beats error",
    "error",
    "error beats result",
    "error beside a result",
    "garbage",
    "no credentials, where anonymous clients are allowed",
    "nothing",
];

/// Plays all rows at once, and compares what the clients saw, except where `cent` lacks the answer.
pub(crate) async fn play<A>(
    column: Column,
    rows: &[Row<A>],
    scene: impl AsyncFn(&Case, &A) -> Vec<String>,
) -> crate::Outcome {
    let environment = Environment::of(column).await?;
    let differences = rows.iter().map(async |row| {
        let case = environment.case();
        let seen = scene(&case, &row.answer).await;
        if case.is_lacking() {
            assert!(LACKING.contains(&row.name), "cent lacks {}", row.name);
            return None;
        }
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
    /// Returns the servers of a column, which all tests share.
    pub(crate) async fn of(column: Column) -> Result<&'static Self, String> {
        static HTTP: OnceCell<Environment> = OnceCell::const_new();
        static GRPC: OnceCell<Environment> = OnceCell::const_new();
        static CENT: OnceCell<Environment> = OnceCell::const_new();
        static EMBEDDED: OnceCell<Environment> = OnceCell::const_new();
        let shared = match column {
            Column::Http => &HTTP,
            Column::Grpc => &GRPC,
            Column::Cent => &CENT,
            Column::Embedded => &EMBEDDED,
        };
        let started = shared.get_or_try_init(|| Self::start(column, &[])).await;
        started.map_err(|error| error.to_string())
    }

    /// Starts servers of a test's own, with further options. They live as long as the process.
    pub(crate) async fn of_own(
        column: Column,
        further: server::Options,
    ) -> std::io::Result<&'static Self> {
        let environment = Self::start(column, further).await?;
        Ok(Box::leak(Box::new(environment)))
    }

    /// Starts the backend, and servers with further options.
    async fn start(column: Column, further: server::Options) -> std::io::Result<Self> {
        let backend = Backend::new(column == Column::Cent);
        let serving = backend.clone();
        // Each test has a runtime of its own, which ends with the test.
        let serving = BACKENDS.spawn(async move {
            let http = serving.serve_http().await?;
            std::io::Result::Ok((http, serving.serve_grpc().await?))
        });
        let (http, grpc) = serving.await??;
        let servers = match column {
            Column::Http | Column::Cent => {
                Servers::Real(Box::new(Real::start(&http, further).await))
            }
            Column::Grpc => Servers::Real(Box::new(Real::start(&grpc, further).await)),
            Column::Embedded => Servers::Embedded(Embedded {
                http,
                grpc,
                further,
            }),
        };
        Ok(Self { servers, backend })
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
