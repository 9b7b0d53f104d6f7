//! The embedded server itself: what tests can do with it.
#![cfg(all(feature = "blocking", feature = "http", feature = "grpc"))]

#[path = "../support/own_client.rs"]
mod own_client;

mod api_faults;
mod configuration;
mod connections;
mod invalid_configuration;
mod lifecycle;
mod malformed_grpc;
mod malformed_http;
mod mutations;
mod namespaces;
mod options;
mod peers;
mod proxies;
mod recorder;
mod release;
mod runtimes;
mod scripts;
mod server_events;
mod sources;
mod time;
mod tokens;
mod wire_faults;

use std::future::Future;
use std::time::Duration;

use centrifugo_api::{Client, Error, HistoryRequest, HistoryResult, PublishRequest, Retry};
use centrifugo_api_testing::{Event, Server, ServerBuilder};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The time that a test waits for an event that must happen. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

fn start() -> Server {
    Server::start().expect("the server starts")
}

/// Returns the address at which the server listens.
fn address(server: &Server) -> String {
    server.grpc_url().replace("grpc://", "")
}

/// Returns clients over HTTP, gRPC and command lines.
fn clients(server: &Server) -> [(&'static str, Client); 3] {
    let lines = server
        .client_builder()
        .legacy_commands()
        .build()
        .expect("the client is built");
    let clients = [
        ("http", server.client()),
        ("grpc", server.grpc_client()),
        ("lines", lines),
    ];
    // Retries would hide planned faults.
    clients.map(|(transport, client)| (transport, client.with_retry(Retry::none())))
}

/// Returns the error of a server that cannot be configured this way.
#[track_caller]
fn refusal(builder: ServerBuilder) -> String {
    match builder.start() {
        Err(Error::Config(message)) => message,
        other => panic!("expected a configuration error, not {other:?}"),
    }
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{message}` does not say `{part}`");
    }
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing within {PATIENCE:?}"),
    }
}

async fn publish(client: &Client, channel: &str, data: &str) -> Result<u64, Error> {
    Ok(client
        .publish(PublishRequest::new(channel, data))
        .await?
        .offset)
}

async fn history(client: &Client, channel: &str) -> Result<HistoryResult, Error> {
    client.history(HistoryRequest::new(channel).limit(-1)).await
}

/// Returns the publications of a channel.
async fn published(client: &Client, channel: &str) -> Result<Vec<String>, Error> {
    let history = history(client, channel).await?;
    Ok(history
        .publications
        .iter()
        .map(|publication| String::from_utf8_lossy(&publication.data).into_owned())
        .collect())
}

/// Describes an event in a few words.
fn describe(event: &Event) -> String {
    match event {
        Event::Publication {
            channel,
            publication,
            ..
        } => {
            format!(
                "{channel}: {} {}",
                publication.offset,
                String::from_utf8_lossy(&publication.data)
            )
        }
        Event::Joined { channel, info, .. } => format!("{channel}: {} joined", info.user),
        Event::Left { channel, info, .. } => format!("{channel}: {} left", info.user),
        Event::Subscribed {
            channel, offset, ..
        } => format!("{channel}: subscribed at {offset}"),
        Event::Changed {
            channel,
            key,
            removed,
            ..
        } => {
            format!(
                "{channel}: {key} {}",
                if *removed { "removed" } else { "set" }
            )
        }
        Event::Unsubscribed {
            channel,
            code,
            reason,
            ..
        } => format!("{channel}: {code} {reason}"),
        Event::Refreshed { expires, .. } => format!("refreshed until {expires:?}"),
        Event::Disconnected { code, reason, .. } => format!("disconnected: {code} {reason}"),
        other => format!("{other:?}"),
    }
}

/// Returns all events of a connection so far.
fn events_so_far(connection: &mut centrifugo_api_testing::Connection) -> Vec<String> {
    std::iter::from_fn(|| connection.try_next())
        .map(|event| describe(&event))
        .collect()
}

#[tokio::test]
async fn publications_over_one_transport_are_read_over_the_others() -> Outcome {
    let server = start();
    let [(_, http), (_, grpc), (_, lines)] = clients(&server);
    for (index, client) in [&http, &grpc, &lines].into_iter().enumerate() {
        assert_eq!(
            publish(client, "news", &format!(r#"{{"n": {index}}}"#)).await?,
            index as u64 + 1
        );
    }
    for (client, expected) in [
        (&http, r#"{"n":0}"#),
        (&grpc, r#"{"n": 0}"#),
        (&lines, r#"{"n":0}"#),
    ] {
        let data = published(client, "news").await?;
        assert_eq!((data.len(), data[0].as_str()), (3, expected));
    }
    Ok(())
}
