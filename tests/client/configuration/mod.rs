//! Mistakes in the configuration: `build` finds all of them, before anything is sent, and names the
//! fix.

mod environment;
mod own_connections;
#[cfg(feature = "tls")]
mod tls;
mod url;
mod values;

use std::time::Duration;

use centrifugo_api::{Client, ClientBuilder, Error};

const HTTP: &str = "http://localhost:8000/api";
const GRPC: &str = "grpc://localhost:10000";

/// Returns the URLs of the transports that are compiled in, without TLS.
fn urls() -> Vec<&'static str> {
    let urls = [
        (HTTP, cfg!(feature = "_http")),
        (GRPC, cfg!(feature = "grpc")),
    ];
    urls.into_iter()
        .filter_map(|(url, compiled)| compiled.then_some(url))
        .collect()
}

/// Returns a URL for tests that apply to all transports.
fn url() -> &'static str {
    urls()[0]
}

#[track_caller]
fn assert_config(builder: ClientBuilder, expected: &[&str]) {
    let described = format!("{builder:?}");
    let error = builder
        .build()
        .map(|client| panic!("{described} builds {client:?}"))
        .unwrap_or_else(|e| e);
    assert!(matches!(error, Error::Config(_)), "{described}: {error:?}");
    assert!(error.is_unsent() && !error.is_retryable(), "{error:?}");
    let message = error.to_string();
    for part in expected {
        assert!(
            message.contains(part),
            "{described}: `{message}` does not say `{part}`"
        );
    }
    assert!(!message.ends_with('.'), "{message}");
}

#[test]
fn first_mistake_is_reported_whatever_else_is_wrong() {
    let builder = Client::builder("localhost")
        .api_key("")
        .timeout(Duration::ZERO)
        .header("", "\n");
    assert_config(builder, &["url", "no scheme"]);
    assert_config(
        Client::builder(url()).api_key("").timeout(Duration::ZERO),
        &["timeout is zero"],
    );
}
