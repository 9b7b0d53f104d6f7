//! What each program does with the SDK.

use centrifugo_api::{Client, InfoRequest};

/// Builds a client, and makes a call. Nobody listens at the URL, so that the call fails in connecting.
pub fn call(url: &str) {
    let client = Client::new(url, "key").expect("the client is built");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime starts");
    let outcome = runtime.block_on(client.info(InfoRequest::new()));
    let error = outcome.expect_err("nobody listens");
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
}
