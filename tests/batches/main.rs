//! Typed batches, and the outcomes of broadcasts, alone and within them.
#![cfg(any(feature = "grpc", feature = "http"))]

#[path = "../support/fake_http.rs"]
mod fake_http;
#[path = "../support/fake_server.rs"]
mod fake_server;
#[path = "../support/server.rs"]
mod server;

/// Makes the tests of behaviours on a server: `BEHAVIOUR::TRANSPORT_SERVER`.
macro_rules! over_each_transport {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(feature = "http")]
            #[tokio::test]
            async fn http_embedded() -> crate::Outcome {
                use crate::server::{Backend, Transport};
                crate::run(Backend::Embedded, Transport::Http, super::$name).await
            }

            #[cfg(feature = "http")]
            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn http_6_9_1() -> crate::Outcome {
                use crate::server::{Backend, Transport, Version};
                crate::run(Backend::Real(Version::V6), Transport::Http, super::$name).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            async fn grpc_embedded() -> crate::Outcome {
                use crate::server::{Backend, Transport};
                crate::run(Backend::Embedded, Transport::Grpc, super::$name).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn grpc_6_9_1() -> crate::Outcome {
                use crate::server::{Backend, Transport, Version};
                crate::run(Backend::Real(Version::V6), Transport::Grpc, super::$name).await
            }
        }
    )+};
}

#[cfg(all(feature = "grpc", feature = "http"))]
mod divided;
mod forms;
mod invalid;
mod outcomes;

use centrifugo_api::{ApiError, Client, Error};
use server::{Backend, Server, Transport};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Shows a behaviour over one transport to one server.
async fn run(
    backend: Backend,
    transport: Transport,
    behaviour: impl AsyncFnOnce(Client) -> Outcome,
) -> Outcome {
    let server = Server::start(backend).await;
    behaviour(server.client(transport)).await
}

#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> u32 {
    result.expect_err("the command fails").code
}

#[track_caller]
fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    result.expect_err("the call fails")
}
