//! Transports of the user's own, and layers around transports.
#![cfg(any(feature = "grpc", feature = "service"))]

#[cfg(any(feature = "grpc", feature = "_http"))]
#[path = "../support/closed_port.rs"]
mod closed_port;
#[cfg(any(feature = "grpc", feature = "_http"))]
#[path = "../support/fake_grpc.rs"]
mod fake_grpc;
#[cfg(any(feature = "grpc", feature = "_http"))]
#[path = "../support/fake_http.rs"]
mod fake_http;
#[cfg(any(feature = "grpc", feature = "_http"))]
#[path = "../support/fake_server.rs"]
mod fake_server;
#[cfg(feature = "http")]
#[path = "../support/own_client.rs"]
mod own_client;

mod bodies;
mod calls;
#[cfg(feature = "service")]
mod credentials;
mod double;
mod failures;
#[cfg(any(feature = "grpc", feature = "_http"))]
mod layers;
mod nodes;
mod panics;
mod replies;

use centrifugo_api::{Client, Error, PublishRequest, PublishResult};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const KEY: &str = "hunter2-is-the-key";

/// A publication without an idempotency key: it must not be sent twice.
fn publication() -> PublishRequest {
    PublishRequest::new("news", r#"{"text":"hello"}"#)
}

async fn publish(client: &Client) -> Result<PublishResult, Error> {
    client.publish(publication()).await
}

/// Publishes, which must fail.
async fn failure(client: &Client) -> Error {
    publish(client).await.expect_err("the call fails")
}

#[track_caller]
fn assert_says(error: &Error, expected: &str) {
    let text = error.to_string();
    assert!(
        text.contains(expected),
        "`{text}` does not say `{expected}`"
    );
}
