//! A tour: publishes to a channel, reads its history and its presence, and says what it did.
//!
//! `cargo run --example quickstart` needs nothing. To use your own server, set
//! `CENTRIFUGO_URL=http://localhost:8000/api` (or `grpc://localhost:10000`), `CENTRIFUGO_API_KEY`, and
//! `CENTRIFUGO_CHANNEL` for a channel with history and presence.

mod support;

use centrifugo_api::{HistoryRequest, InfoRequest, PayloadExt as _, PresenceRequest};
use centrifugo_api::{PublishRequest, json};
use serde::{Deserialize, Serialize};
use support::{Report, Viewer};

#[derive(Debug, Deserialize, Serialize)]
struct Message {
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    // In your program: `Client::new("http://localhost:8000/api", "the API key")?`.
    let (client, server) = support::start()?;
    let channel = support::channel("news");
    let mut alice = Viewer::new("alice", &server, &channel)?;

    for node in client.info(InfoRequest::new()).await?.nodes {
        println!("Connected to {}, Centrifugo {}.", node.name, node.version);
    }

    let text = "hello from Rust".to_owned();
    let message = Message { text };
    let request = PublishRequest::new(&channel, json(&message)?);
    let result = client.publish(request).await?;
    println!("Published to {channel:?}, at offset {}.", result.offset);
    alice.print_received();

    // A server can have history and presence disabled. Then the error says so.
    println!("The newest publications of {channel:?}:");
    let request = HistoryRequest::new(&channel).limit(3).reverse(true);
    match client.history(request).await {
        Ok(history) => {
            for publication in history.publications {
                let message: Message = publication.data.decode()?;
                println!("  {}: {message:?}", publication.offset);
            }
        }
        Err(error) => println!("  {error}"),
    }
    println!("The clients that are subscribed to {channel:?}:");
    match client.presence(PresenceRequest::new(&channel)).await {
        Ok(result) => {
            for info in result.presence.values() {
                println!("  user {:?}, client {}", info.user, info.client);
            }
        }
        Err(error) => println!("  {error}"),
    }
    Ok(())
}
