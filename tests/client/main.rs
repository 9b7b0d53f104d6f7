//! The client with embedded and fake servers: what it sends, and what it makes of the replies.
#![cfg(any(feature = "grpc", feature = "_http"))]

#[cfg(feature = "tls")]
#[path = "../support/authority.rs"]
mod authority;
#[path = "../support/fake_grpc.rs"]
mod fake_grpc;
#[path = "../support/fake_http.rs"]
mod fake_http;
#[path = "../support/fake_server.rs"]
mod fake_server;
#[path = "../support/keeper.rs"]
mod keeper;
#[cfg(feature = "http")]
#[path = "../support/own_client.rs"]
mod own_client;
#[path = "../support/server/mod.rs"]
mod server;

#[macro_use]
mod macros;

mod batches;
#[cfg(all(feature = "blocking", feature = "grpc", feature = "_http"))]
mod blocking;
mod channels;
#[cfg(all(feature = "grpc", feature = "_http"))]
mod coalescing;
mod configuration;
mod futures;
#[cfg(feature = "_http")]
mod legacy;
mod pages;
mod required;
mod runtimes;
mod start_up;

use centrifugo_api::{ApiError, Client, Error};
use fake_http::FakeHttp;
use server::{Backend, Server, Transport};
use tokio::runtime::{Builder, Runtime};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A server for one test, and a client over one of the transports.
struct Env {
    server: Server,
    client: Client,
}

async fn start(backend: Backend, transport: Transport) -> Env {
    let server = Server::start(backend).await;
    let client = server.client(transport);
    Env { server, client }
}

/// Starts a runtime with one thread.
fn one_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}

/// Returns a server that must not be called, and a client over each transport that is compiled in.
fn unused() -> Result<(FakeHttp, Vec<Client>), Error> {
    let fake = FakeHttp::script([]);
    let mut clients = Vec::new();
    if cfg!(feature = "_http") {
        clients.push(Client::new(fake.url(), "key")?);
    }
    if cfg!(feature = "grpc") {
        clients.push(Client::new(format!("grpc://{}", fake.address()), "key")?);
    }
    Ok((fake, clients))
}

/// Returns the code of a command's error.
#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> u32 {
    result.expect_err("the command fails").code
}

/// Returns the error of a call.
#[track_caller]
fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    result.expect_err("the call fails")
}
