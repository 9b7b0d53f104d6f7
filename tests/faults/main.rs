//! Faults that a real server does not show on demand: bad replies, slow ones, lost connections,
//! replies of other
//! servers; and the exact bytes on the wire.

#![cfg(any(feature = "grpc", feature = "_http"))]

#[cfg(all(feature = "_http", feature = "_tls"))]
#[path = "../support/authority.rs"]
mod authority;
#[cfg(target_os = "linux")]
#[path = "../support/blackhole.rs"]
mod blackhole;
#[path = "../support/closed_port.rs"]
mod closed_port;
#[path = "../support/fake_grpc.rs"]
mod fake_grpc;
#[path = "../support/fake_http.rs"]
mod fake_http;
#[path = "../support/fake_server.rs"]
mod fake_server;
#[cfg(all(feature = "_http", feature = "_tls"))]
#[path = "../support/front.rs"]
mod front;
#[cfg(feature = "http")]
#[path = "../support/own_client.rs"]
mod own_client;
#[cfg(all(feature = "_http", any(feature = "_tls", feature = "socks")))]
#[path = "../support/passing_proxy.rs"]
mod passing_proxy;

mod api_errors;
mod connections;
mod errors;
mod fakes;
#[cfg(feature = "grpc")]
mod foreign_errors_grpc;
#[cfg(feature = "_http")]
mod foreign_errors_http;
#[cfg(feature = "_http")]
mod invalid_requests;
#[cfg(feature = "_http")]
mod lenient_replies;
mod over_both_transports;
mod parts;
#[cfg(feature = "_http")]
mod proxies;
mod redirects;
#[cfg(feature = "grpc")]
mod reflections_grpc;
#[cfg(feature = "_http")]
mod reflections_http;
#[cfg(feature = "grpc")]
mod replies_grpc;
#[cfg(feature = "_http")]
mod replies_http;
mod response_size;
mod retried;
mod secrets;
#[cfg(feature = "grpc")]
mod statuses_grpc;
#[cfg(feature = "_http")]
mod statuses_http;
mod timeouts;
#[cfg(feature = "grpc")]
mod wire_grpc;
#[cfg(feature = "_http")]
mod wire_http;

use centrifugo_api::{Client, Error, PublishRequest, PublishResult, Retry};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const KEY: &str = "hunter2-is-the-key";

fn client(url: &str) -> Client {
    // One reply of the fake per call. Retries are tested in tests/reliability.
    Client::builder(url)
        .api_key(KEY)
        .retry(Retry::none())
        .build()
        .expect("the client is built")
}

fn publication() -> PublishRequest {
    PublishRequest::new("news", r#"{"text":"hello"}"#)
}

async fn publish(client: &Client) -> Result<PublishResult, Error> {
    client.publish(publication()).await
}

/// Publishes, which must fail.
async fn failure(client: &Client, case: &str) -> Error {
    publish(client)
        .await
        .map(|result| panic!("{case}: expected an error, not {result:?}"))
        .unwrap_or_else(|error| error)
}

#[track_caller]
fn assert_says(error: &Error, expected: &str, case: &str) {
    assert!(
        error.to_string().contains(expected),
        "{case}: `{error}` does not say `{expected}`; {error:?}"
    );
}

/// Checks the error for a reply that cannot be read: the fault is the server's, and a retry does
/// not help.
#[track_caller]
fn assert_decode(error: &Error, case: &str) {
    assert!(
        matches!(
            error,
            Error::Decode {
                method: Some("publish"),
                ..
            }
        ),
        "{case}: {error:?}"
    );
    assert_eq!(predicates(error), Predicates::default(), "{case}");
    assert_says(error, "publish: ", case);
}

/// Checks the error for a connection that was lost when the call may have run.
#[track_caller]
fn assert_lost(error: &Error, case: &str) {
    assert!(
        matches!(
            error,
            Error::Network {
                method: "publish",
                ..
            }
        ),
        "{case}: {error:?}"
    );
    assert_eq!(
        predicates(error),
        Predicates {
            retryable: true,
            network: true,
            ..Predicates::default()
        }
    );
    assert_says(error, "the call may have run", case);
}

#[derive(Debug, Default, PartialEq)]
struct Predicates {
    retryable: bool,
    timeout: bool,
    unauthorized: bool,
    network: bool,
    unsent: bool,
    api_code: Option<u32>,
}

fn predicates(error: &Error) -> Predicates {
    Predicates {
        retryable: error.is_retryable(),
        timeout: error.is_timeout(),
        unauthorized: error.is_unauthorized(),
        network: error.is_network(),
        unsent: error.is_unsent(),
        api_code: error.api_code(),
    }
}

/// Returns all texts of an error and its causes, and the error's JSON.
fn all_texts(error: &Error) -> String {
    let json = serde_json::to_string(error).expect("an error has a JSON form");
    let mut texts = format!("{error}\n{error:?}\n{json}\n");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        texts.push_str(&format!("{error}\n{error:?}\n"));
        cause = error.source();
    }
    texts
}
