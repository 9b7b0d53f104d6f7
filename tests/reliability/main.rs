//! The client under faults. Each row of the tables in `docs/reliability.md` is a test here or
//! elsewhere.
#![cfg(all(feature = "_http", feature = "grpc"))]

#[cfg(feature = "tls")]
#[path = "../support/authority.rs"]
mod authority;
#[cfg(target_os = "linux")]
#[path = "../support/blackhole.rs"]
mod blackhole;
#[path = "../support/closed_port.rs"]
mod closed_port;
#[path = "../support/fake_grpc.rs"]
mod fake_grpc;
#[path = "../support/fake_server.rs"]
mod fake_server;
#[cfg(feature = "tls")]
#[path = "../support/front.rs"]
mod front;
#[path = "../support/relay.rs"]
mod relay;
#[path = "../support/sniffer.rs"]
mod sniffer;

mod background;
#[cfg(feature = "blocking")]
mod blocking;
mod cancelled;
mod changing_nodes;
mod closing;
mod connections;
mod credentials;
#[cfg(feature = "tls")]
mod dead_connections;
mod deadlines;
mod detailed;
mod limits;
mod nodes;
mod parts;
#[cfg(feature = "tls")]
mod refused_streams;
mod repeated;
mod resets;
mod retries;
mod retries_of_parts;
mod slow_nodes;
#[cfg(feature = "tls")]
mod start_up;
mod table;
mod told_keys;
#[cfg(unix)]
mod unix_sockets;
#[cfg(feature = "tls")]
mod wires;

use std::time::Duration;

use centrifugo_api::{
    Client, ClientBuilder, Error, HistoryRequest, InfoRequest, PublishRequest, Retry,
};
use centrifugo_api_testing::Server;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The time that a test waits for an event that must happen. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Retries as by default, but almost without waiting.
fn quickly() -> Retry {
    Retry::default().first_wait(Duration::from_millis(1))
}

/// Returns a server and the builder of a client for each transport.
fn both_transports() -> Result<[(Server, ClientBuilder); 2], Error> {
    let http = Server::start()?;
    let grpc = Server::start()?;
    let builders = [http.client_builder(), grpc.grpc_client_builder()];
    let [first, second] = builders.map(|builder| builder.retry(quickly()));
    Ok([(http, first), (grpc, second)])
}

fn keyed(data: &str) -> PublishRequest {
    PublishRequest::new("news", data).idempotency_key("key")
}

/// Returns the number of publications in a channel.
async fn published(client: &Client, channel: &str) -> Result<usize, Error> {
    let history = client
        .with_retry(Retry::none())
        .history(HistoryRequest::new(channel).limit(-1))
        .await?;
    Ok(history.publications.len())
}

/// Returns the address at which a server listens.
fn address(server: &Server) -> String {
    server.grpc_url().replace("grpc://", "")
}

/// Returns the methods that were called.
fn called(server: &Server) -> Vec<&'static str> {
    server
        .take_requests()
        .iter()
        .map(|request| request.method)
        .collect()
}

/// Makes calls at once, none of which may fail.
async fn call_at_once(client: &Client, calls: usize) -> Outcome {
    let call = |_| {
        let client = client.clone();
        tokio::spawn(async move { client.info(InfoRequest::new()).await })
    };
    for call in (0..calls).map(call).collect::<Vec<_>>() {
        call.await??;
    }
    Ok(())
}

/// Asserts that calls use a connection that is there, given a function that counts those that were made so far.
///
/// How many there are says little: on a busy machine a dial takes so long that others are begun beside it. The first
/// call here outlasts them.
async fn assert_reused(client: &Client, connections: impl Fn() -> usize) -> Outcome {
    client.info(InfoRequest::new()).await?;
    let made = connections();
    for _ in 0..5 {
        client.info(InfoRequest::new()).await?;
    }
    assert_eq!(connections(), made, "calls make connections of their own");
    Ok(())
}
