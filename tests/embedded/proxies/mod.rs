//! Proxies: handlers that the embedded server asks about its clients.

mod calls;
mod configuration;
mod connections;
mod maps;
mod network;
mod polls;
mod publications;
mod refreshes;
mod requests;
mod scenario;
mod streams;
mod sub_refreshes;
mod subscriptions;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use centrifugo_api::Error;
use centrifugo_api_testing::{ConnectingClient, ProxiedConnection, Server};
use centrifugo_proxy::{Caller, ClientError, ConnectReply, Disconnect, Handlers};

const NO: ClientError = ClientError::constant(403, "no");
const LATER: ClientError = ClientError::constant(429, "later").temporary();
const BYE: Disconnect = Disconnect::constant(4500, "bye");
const MINUTE: Duration = Duration::from_secs(60);

/// Returns handlers that let every client in as the user whose name it gives.
fn handlers() -> Handlers {
    Handlers::new(Caller::anyone()).connect(|event| {
        let name = event.name().to_owned();
        async move { Ok(ConnectReply::user(name)) }
    })
}

async fn connect(server: &Server, user: &str) -> Result<ProxiedConnection, Error> {
    let client = ConnectingClient::new().name(user);
    server.connect_client(client).await
}

/// Returns the code and the message of an error that the client gets.
#[track_caller]
fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (u32, String) {
    match outcome {
        Err(Error::Api(error)) => (error.code, error.message),
        other => panic!("expected an error of the server, not {other:?}"),
    }
}

/// Returns the text of an error that the client does not get.
#[track_caller]
fn misconfigured<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::Config(problem)) => problem,
        other => panic!("expected an error of the configuration, not {other:?}"),
    }
}

/// The events that handlers have seen.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn add(&self, line: impl Into<String>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.into());
    }

    fn take(&self) -> Vec<String> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *lines)
    }
}

/// An error that is none of Centrifugo's.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("broken")
    }
}

impl std::error::Error for Broken {}

fn text(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload).into_owned()
}
