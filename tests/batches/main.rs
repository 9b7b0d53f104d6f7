//! Typed batches, and the outcomes of broadcasts, alone and within them.
#![cfg(any(feature = "grpc", feature = "http"))]

#[path = "../support/fake_http.rs"]
mod fake_http;
#[path = "../support/fake_server.rs"]
mod fake_server;
#[path = "../support/server.rs"]
mod server;

/// Makes the tests of behaviours on a real server: `BEHAVIOUR::TRANSPORT`.
macro_rules! over_each_transport {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(feature = "http")]
            #[tokio::test]
            async fn http() -> crate::Outcome {
                let server = crate::server::Server::start(crate::server::Version::V6).await;
                super::$name(server.client(crate::server::Transport::Http)).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            async fn grpc() -> crate::Outcome {
                let server = crate::server::Server::start(crate::server::Version::V6).await;
                super::$name(server.client(crate::server::Transport::Grpc)).await
            }
        }
    )+};
}

mod forms;
mod invalid;
mod outcomes;

use centrifugo_api::{ApiError, Error};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> u32 {
    result.expect_err("the command fails").code
}

#[track_caller]
fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    result.expect_err("the call fails")
}
