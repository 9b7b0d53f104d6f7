//! Observers, spans, traces and metrics, and headers and request ids of single calls, over both transports.
#![cfg(all(feature = "_http", feature = "grpc"))]

mod headers;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod observers;
mod panics;
#[cfg(feature = "opentelemetry")]
mod propagators;
mod slow;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(feature = "opentelemetry")]
mod traces;

use std::time::Duration;

use centrifugo_api::{ClientBuilder, Error, Retry, Status};
use centrifugo_api_testing::{Namespace, Server};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A transport.
struct Transport {
    url: fn(&Server) -> String,
    /// The answer of a node that is overloaded.
    unavailable: Status,
    #[cfg_attr(not(any(feature = "metrics", feature = "tracing")), allow(dead_code))]
    is_http: bool,
}

/// Returns the port in the URL of a server.
#[cfg(any(feature = "metrics", feature = "tracing"))]
fn port(url: &str) -> u16 {
    let uri: centrifugo_api::http::Uri = url.parse().expect("the URL of a server is valid");
    uri.port_u16().expect("the URL of a server has a port")
}

/// Returns a server and the builder of a client for each transport.
fn both_transports() -> Result<[(Server, ClientBuilder, Transport); 2], Error> {
    #[cfg(feature = "tracing")]
    spans::record();
    let http = Transport {
        url: |server| server.url().to_owned(),
        unavailable: Status::Http(503),
        is_http: true,
    };
    let grpc = Transport {
        url: |server| server.grpc_url().to_owned(),
        unavailable: Status::Grpc(14),
        is_http: false,
    };
    let start = || Server::builder().namespace(Namespace::new("chat")).start();
    let servers = [start()?, start()?];
    let [of_http, of_grpc] = [
        servers[0].client_builder(),
        servers[1].grpc_client_builder(),
    ];
    let quickly = Retry::default().first_wait(Duration::from_millis(1));
    let [for_http, for_grpc] = servers;
    Ok([
        (for_http, of_http.retry(quickly.clone()), http),
        (for_grpc, of_grpc.retry(quickly), grpc),
    ])
}
