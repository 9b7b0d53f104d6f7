//! Many streams at once, and a client that does not read.

use std::collections::HashMap;

use centrifugo_proxy::StreamPublication;
use serde_json::json;

use crate::Outcome;
use crate::harness::{Case, Client, Column, Environment, Event, OpenStream};

const CLIENTS: usize = 10;
const STREAMS_OF_CLIENT: usize = 100;

#[tokio::test]
#[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
async fn thousand_streams_are_open_at_once() -> Outcome {
    let case = Environment::of(Column::Grpc).await?.case();
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        clients.push(subscribed(&case, client).await);
    }
    let mut streams = HashMap::new();
    while streams.len() < CLIENTS * STREAMS_OF_CLIENT {
        let stream = case.opened().await;
        streams.insert(stream.channel.clone(), stream);
    }
    for (channel, stream) in &streams {
        let data = json!(channel).to_string();
        stream.send(Ok(StreamPublication::new(data))).await;
    }
    for client in &mut clients {
        let mut channels = Vec::new();
        while channels.len() < STREAMS_OF_CLIENT {
            if let Event::Publication(publication) = client.next().await {
                channels.push(publication.data);
            }
        }
        channels.sort();
        channels.dedup();
        assert_eq!(channels.len(), STREAMS_OF_CLIENT);
    }
    drop(clients);
    for stream in streams.values() {
        OpenStream::closed(stream).await;
    }
    Ok(())
}

/// Connects a client that subscribes to streams.
async fn subscribed(case: &Case, client: usize) -> Client {
    let mut connected = case.connected().await;
    for stream in 0..STREAMS_OF_CLIENT {
        let channel = format!("{}-{client}-{stream}", case.channel("stream"));
        connected.subscribe(&channel);
    }
    connected
}

/// More than the server keeps for a client, and the system for its connection.
const PAYLOADS: usize = 200;
const PAYLOAD: usize = 100_000;

#[tokio::test]
#[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
async fn client_that_does_not_read_is_disconnected() -> Outcome {
    let case = Environment::of(Column::Grpc).await?.case();
    let (mut client, _) = case.raw().await;
    let channel = case.channel("stream");
    client
        .expect("subscribe", json!({"channel": channel}))
        .await;
    let stream = case.opened().await;
    let data = json!("a".repeat(PAYLOAD)).to_string();
    // The server takes all of them, whatever the client does.
    for _ in 0..PAYLOADS {
        stream.send(Ok(StreamPublication::new(data.clone()))).await;
    }
    let end = loop {
        if let Err(end) = client.push().await {
            break end;
        }
    };
    assert_eq!(end.to_string(), "disconnected: 3008 slow");
    drop(client);
    stream.closed().await;
    Ok(())
}
