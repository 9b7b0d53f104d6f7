//! Servers start fast, can be started often, and leave nothing behind.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

use centrifugo_api::{Client, InfoRequest, PublishRequest};
use centrifugo_api_testing::{Fault, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{
    Outcome, PATIENCE, address, assert_says, clients, describe, publish, refusal, soon, start,
};

fn port(server: &Server) -> u16 {
    let address = address(server);
    address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("the URL ends with the port")
}

/// Waits until the server has read this many requests.
async fn read(server: &Server, requests: usize) {
    soon("the requests", async {
        while server.requests().len() < requests {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn urls_and_keys_are_what_a_client_needs() -> Outcome {
    let server = Server::builder().api_key("a key").start()?;
    let port = port(&server);
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}/api"));
    assert_eq!(server.grpc_url(), format!("grpc://127.0.0.1:{port}"));
    assert_eq!(
        (server.api_key(), server.grpc_api_key()),
        ("a key", "a key")
    );
    for url in [server.url(), server.grpc_url()] {
        publish(&Client::new(&url, "a key")?, "news", "1").await?;
        assert!(
            publish(&Client::new(&url, "another")?, "news", "1")
                .await
                .unwrap_err()
                .is_unauthorized()
        );
    }
    Ok(())
}

#[tokio::test]
async fn insecure_server_asks_for_no_key() -> Outcome {
    let server = Server::builder().insecure().start()?;
    assert_eq!((server.api_key(), server.grpc_api_key()), ("", ""));
    for (transport, client) in clients(&server) {
        publish(&client, "news", "1")
            .await
            .map_err(|error| format!("{transport}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn port_is_free_again_when_the_server_is_dropped() -> Outcome {
    let server = start();
    let port = port(&server);
    let client = server.client();
    publish(&client, "news", "1").await?;
    drop(server);
    assert!(
        publish(&server_less(port)?, "news", "1")
            .await
            .unwrap_err()
            .is_unsent()
    );
    let server = Server::builder().port(port).start()?;
    assert_eq!(self::port(&server), port);
    assert_eq!(publish(&server.client(), "news", "1").await?, 1);
    Ok(())
}

/// Returns a new client, without an open connection.
fn server_less(port: u16) -> Result<Client, centrifugo_api::Error> {
    Client::new(format!("http://127.0.0.1:{port}/api"), "secret")
}

#[test]
fn port_in_use_is_named_with_the_fix() {
    let server = start();
    let port = port(&server);
    let message = refusal(Server::builder().port(port));
    assert_says(
        &message,
        &[
            &port.to_string(),
            "in use",
            "leave the port out for a free one",
        ],
    );
}

#[tokio::test]
async fn drop_ends_connections_that_are_open() -> Outcome {
    let server = start();
    let mut idle = TcpStream::connect(address(&server)).await?;
    let mut busy = TcpStream::connect(address(&server)).await?;
    busy.write_all(b"POST /api/publish HTTP/1.1\r\nHost: a\r\n")
        .await?;
    publish(&server.client(), "news", "1").await?;
    drop(server);
    for connection in [&mut idle, &mut busy] {
        let end = soon("the end", connection.read(&mut [0; 100])).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    Ok(())
}

#[tokio::test]
async fn drop_ends_calls_that_wait_for_an_answer() -> Outcome {
    for index in 0..3 {
        let server = start();
        server.fail_always(Fault::delay(Duration::from_secs(3600)))?;
        let (transport, client) = clients(&server)[index].clone();
        let call = tokio::spawn(async move { publish(&client, "news", "1").await });
        read(&server, 1).await;
        drop(server);
        let error = soon("the end of the call", call).await?.unwrap_err();
        assert!(
            error.is_network() && !error.is_unsent(),
            "{transport}: {error:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn drop_disconnects_clients() {
    let server = start();
    let mut alice = server.connect("alice");
    drop(server);
    let event = soon("an event", alice.next()).await.expect("a last event");
    assert_eq!(describe(&event), "disconnected: 3001 shutdown");
    assert!(soon("the end", alice.next()).await.is_none());
    assert_eq!(alice.subscribe("news").unwrap_err().api_code(), Some(103));
}

#[test]
fn thousand_servers_run_one_after_another() -> Outcome {
    for _ in 0..1000 {
        drop(Server::start()?);
    }
    Ok(())
}

#[tokio::test]
async fn hundred_servers_run_at_once_and_share_nothing() -> Outcome {
    let servers: Vec<Server> = (0..100).map(|_| start()).collect();
    let ports: HashSet<u16> = servers.iter().map(port).collect();
    assert_eq!(ports.len(), servers.len());
    let mut calls = tokio::task::JoinSet::new();
    let mut epochs = HashSet::new();
    for server in &servers {
        let client = server.client();
        calls.spawn(async move { client.publish(PublishRequest::new("news", "1")).await });
    }
    while let Some(result) = calls.join_next().await {
        let result = result??;
        assert_eq!(result.offset, 1);
        epochs.insert(result.epoch);
    }
    assert_eq!(epochs.len(), servers.len());
    Ok(())
}

static SHARED: LazyLock<Server> = LazyLock::new(start);

#[tokio::test]
async fn server_in_a_static_serves_one_test() -> Outcome {
    publish(&SHARED.client(), "one", "1").await?;
    Ok(())
}

#[tokio::test]
async fn server_in_a_static_serves_another_test() -> Outcome {
    let nodes = SHARED
        .client()
        .with_timeout(PATIENCE)
        .info(InfoRequest::new())
        .await?
        .nodes;
    assert_eq!(nodes.len(), 1);
    Ok(())
}

#[test]
fn debug_shows_the_url_and_no_key() -> Outcome {
    let builder = Server::builder().api_key("hunter2-is-the-key");
    let text = format!("{builder:?} {builder:#?}");
    assert!(!text.contains("hunter2") && text.contains("port"), "{text}");
    let server = builder.start()?;
    let text = format!("{server:?} {server:#?}");
    assert!(
        !text.contains("hunter2") && text.contains(&server.url()),
        "{text}"
    );
    Ok(())
}
