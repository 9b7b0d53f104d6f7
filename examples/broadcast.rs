//! Publishes one message to several channels, and shows the outcome in each.
//!
//! `cargo run --example broadcast` prints which channels have the message, and which have not.

mod support;

use centrifugo_api::{BroadcastRequest, Error};
use support::{Report, Viewer};

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, server) = support::start()?;
    let channels = ["alice", "bob"].map(support::channel);
    let mut alice = Viewer::new("alice", &server, &channels[0])?;
    let mut bob = Viewer::new("bob", &server, &channels[1])?;

    // The message is sent once, for all channels.
    let message = serde_json::json!({"text": "to all"});
    let request = BroadcastRequest::new(&channels, message.clone());
    for result in client.broadcast(request).await?.all_ok()? {
        println!("Published at offset {}.", result.offset);
    }
    alice.print_received();
    bob.print_received();

    // The call succeeds even if a channel fails: each channel has its own outcome.
    let [alice_channel, _] = &channels;
    let request = BroadcastRequest::new([alice_channel, "not-configured:1"], message)
        // With a key the call can be repeated for five minutes: no channel gets the message twice.
        .idempotency_key("release-7");
    let result = client.broadcast(request.clone()).await?;
    for (channel, outcome) in result.channels().iter().zip(result.outcomes()) {
        match outcome {
            Ok(position) => println!("{channel:?}: published at offset {}.", position.offset),
            Err(error) => println!("{channel:?}: {error}."),
        }
    }
    alice.print_received();

    // Or one error, if any channel failed. Alice gets nothing, because the key is the same.
    if let Err(error) = client.broadcast(request).await?.all_ok() {
        if let Error::Partial { failed, of, .. } = &error {
            println!("Again: {} of {of} channels failed.", failed.len());
        }
        println!("As an error: {error}");
    }
    alice.print_received();
    Ok(())
}
