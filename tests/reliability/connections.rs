//! Connections: how they are made and kept.

use std::net::SocketAddr;
use std::time::Duration;

#[cfg(feature = "gzip")]
use centrifugo_api::PublishRequest;
use centrifugo_api::{Client, ClientBuilder, InfoRequest};
use centrifugo_api_testing::{Fault, Server};
use tokio::time::error::Elapsed;

use crate::sniffer::{Seen, Sniffer};
use crate::{Outcome, PATIENCE, address, assert_reused, call_at_once};

/// Returns a server, and a sniffer in front of it.
async fn relayed() -> Result<(Server, Sniffer), Box<dyn std::error::Error>> {
    let server = Server::start()?;
    let relay = Sniffer::to(&address(&server)).await?;
    Ok((server, relay))
}

/// Returns a builder for each transport, with the sniffer as the server.
fn builders(server: &Server, relay: &Sniffer) -> [ClientBuilder; 2] {
    [
        http(server, relay),
        Client::builder(format!("grpc://{}", relay.address)).api_key(server.grpc_api_key()),
    ]
}

fn http(server: &Server, relay: &Sniffer) -> ClientBuilder {
    Client::builder(format!("http://{}/api", relay.address)).api_key(server.api_key())
}

/// Makes calls that are all in flight together, so that each needs a connection over HTTP.
async fn call_together(server: &Server, client: &Client, count: usize) -> Outcome {
    server.fail_next(count, Fault::delay(Duration::from_secs(1)))?;
    call_at_once(client, count).await
}

/// Waits until that many connections are open: those that are kept. Those that have lost a race are closed.
async fn until_open(relay: &Sniffer, count: usize) -> Result<Seen, Elapsed> {
    tokio::time::timeout(PATIENCE, relay.wait_for(|seen| seen.open == count)).await
}

#[tokio::test]
async fn one_connection_serves_calls_in_turn() -> Outcome {
    let (server, relay) = relayed().await?;
    for builder in builders(&server, &relay) {
        let client = builder.build()?;
        assert_reused(&client, || relay.seen().peers.len()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn one_connection_serves_all_calls_at_once_over_grpc() -> Outcome {
    let (server, relay) = relayed().await?;
    let [_, builder] = builders(&server, &relay);
    let client = builder.build()?;
    assert_reused(&client, || relay.seen().peers.len()).await?;
    let made = relay.seen().peers.len();
    call_together(&server, &client, 20).await?;
    assert_eq!(relay.seen().peers.len(), made);
    until_open(&relay, 1).await?;
    Ok(())
}

#[tokio::test]
async fn another_grpc_connection_is_made_when_all_streams_are_used() -> Outcome {
    for (limit, expected) in [(None, 3), (Some(2), 2), (Some(1), 1)] {
        let (server, relay) = relayed().await?;
        let [_, builder] = builders(&server, &relay);
        let builder = limit
            .into_iter()
            .fold(builder, ClientBuilder::grpc_connections);
        let client = builder.build()?;
        call_together(&server, &client, 250).await?;
        let seen = until_open(&relay, expected).await;
        seen.map_err(|_| format!("{limit:?}: {} are open", relay.seen().open))?;
    }
    Ok(())
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn request_is_compressed() -> Outcome {
    let (server, relay) = relayed().await?;
    let [_, builder] = builders(&server, &relay);
    let client = builder.grpc_gzip().build()?;
    client
        .publish(PublishRequest::new(
            "news",
            format!("\"{}\"", "long".repeat(10_000)),
        ))
        .await?;
    let size = relay.seen().bytes.len();
    assert!(size < 4000, "{size} bytes");
    assert_eq!(server.take_requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn no_more_idle_connections_are_kept_than_allowed() -> Outcome {
    let (server, relay) = relayed().await?;
    let client = http(&server, &relay).max_idle_connections(2).build()?;
    call_together(&server, &client, 6).await?;
    let seen = until_open(&relay, 2).await?;
    assert!(seen.peers.len() >= 6, "{:?}", seen.peers);
    client.info(InfoRequest::new()).await?;
    assert_eq!(relay.seen().peers, seen.peers);
    Ok(())
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() -> Outcome {
    let (server, relay) = relayed().await?;
    let client = http(&server, &relay)
        .idle_timeout(Duration::from_millis(100))
        .build()?;
    client.info(InfoRequest::new()).await?;
    let seen = until_open(&relay, 0).await?;
    client.info(InfoRequest::new()).await?;
    assert!(relay.seen().peers.len() > seen.peers.len());
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn system_probes_connections_with_tcp_keepalive() -> Outcome {
    /// The kernel's code of the timer of keep-alive.
    const KEEP_ALIVE: &str = "02";
    /// Returns the kernel's codes of the timers that run for the sockets connected to an address.
    fn timers(address: &SocketAddr) -> std::io::Result<Vec<String>> {
        let table = std::fs::read_to_string("/proc/net/tcp")?;
        let remote = format!("0100007F:{:04X}", address.port());
        let lines = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words.get(2) == Some(&&*remote));
        Ok(lines.map(|words| words[5][..2].to_owned()).collect())
    }
    let eight_hours = Duration::from_secs(8 * 3600);
    // The default, the longest that is allowed, and one that is shorter than systems count.
    let keepalives = [None, Some(eight_hours), Some(Duration::from_millis(1))];
    for (keepalive, transport) in keepalives.into_iter().flat_map(|one| [(one, 0), (one, 1)]) {
        let (server, relay) = relayed().await?;
        let builder = builders(&server, &relay).into_iter().nth(transport);
        let builder = keepalive.into_iter().fold(
            builder.ok_or("no such transport")?,
            ClientBuilder::tcp_keepalive,
        );
        let client = builder.build()?;
        client.info(InfoRequest::new()).await?;
        // Until the request is acknowledged, the retransmission timer runs instead.
        let probes = async {
            while !timers(&relay.address)?
                .iter()
                .any(|code| code == KEEP_ALIVE)
            {
                tokio::task::yield_now().await;
            }
            std::io::Result::Ok(())
        };
        tokio::time::timeout(PATIENCE, probes).await??;
    }
    Ok(())
}

#[tokio::test]
async fn idle_grpc_connection_pings_with_http2_keep_alive() -> Outcome {
    /// The head of an HTTP/2 frame of 8 bytes: a ping that is not an acknowledgement.
    const PING: [u8; 5] = [0, 0, 8, 6, 0];
    let (server, relay) = relayed().await?;
    let [_, builder] = builders(&server, &relay);
    let client = builder
        .http2_keep_alive(Duration::from_millis(50))
        .build()?;
    client.info(InfoRequest::new()).await?;
    let pings = |bytes: &[u8]| bytes.windows(5).filter(|bytes| *bytes == PING).count();
    let pinged = relay.wait_for(|seen| pings(&seen.bytes) >= 3);
    tokio::time::timeout(PATIENCE, pinged).await?;
    assert_reused(&client, || relay.seen().peers.len()).await?;
    until_open(&relay, 1).await?;
    Ok(())
}
