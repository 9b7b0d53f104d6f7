//! Publishes messages: what a publication can carry, and what a connected user receives.
//!
//! `cargo run --example publish` prints where each publication is in the channel's stream, and what
//! Alice sees of it.

mod support;

use centrifugo_api::{PublishRequest, json};
use serde::Serialize;
use support::{Report, Viewer};

#[derive(Serialize)]
struct Message {
    from: &'static str,
    text: &'static str,
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, server) = support::start()?;
    let channel = support::channel("chat");
    let mut alice = Viewer::new("alice", &server, &channel)?;

    // The data is any value that serde can serialize.
    let hello = Message {
        from: "bob",
        text: "hello",
    };
    let result = client
        .publish(PublishRequest::new(&channel, json(&hello)?))
        .await?;
    let (offset, epoch) = (result.offset, result.epoch);
    println!("Published to {channel:?}, at offset {offset} of epoch {epoch:?}.");
    alice.print_received();

    // With a key, the client can retry a publication whose reply was lost, and so can you:
    // Centrifugo publishes it once.
    let request = PublishRequest::new(&channel, r#"{"paid":42}"#).idempotency_key("paid-42");
    let first = client.publish(request.clone()).await?.offset;
    let second = client.publish(request).await?.offset;
    println!("Published twice with one key: the offsets are {first} and {second}.");
    alice.print_received();

    // Users who connect later do not see a publication that is not kept.
    let typing = PublishRequest::new(&channel, r#"{"typing":"bob"}"#).skip_history(true);
    let offset = client.publish(typing).await?.offset;
    println!("Published without history: the offset is {offset}.");
    alice.print_received();

    // The text of an error names the method and the channel.
    let request = PublishRequest::new("not-configured:news", "1");
    if let Err(error) = client.publish(request).await {
        println!("As expected: {error}");
    }
    Ok(())
}
