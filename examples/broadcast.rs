//! Publishes the same message to several channels, and shows the outcome in each.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example broadcast
//! ```

mod support;

use centrifugo_api::{BroadcastRequest, Error};
use serde_json::json;
use support::Report;

#[tokio::main]
async fn main() -> Result<(), Report> {
    let client = support::builder()?.build()?;
    let channel = support::channel();

    // With a key the whole call can be repeated for five minutes: no channel gets the message
    // twice.
    let message = json!({"text": "to all"});
    let request =
        BroadcastRequest::new([&channel, "not-configured:1"], message).idempotency_key("release-7");

    // The call succeeds even if a channel fails: each has its own outcome.
    let result = client.broadcast(request.clone()).await?;
    for (channel, outcome) in result.channels().iter().zip(result.outcomes()) {
        match outcome {
            Ok(position) => println!("{channel}: published at offset {}.", position.offset),
            Err(error) => println!("{channel}: not published, code {}.", error.code),
        }
    }

    // Only the failures.
    for (channel, error) in result.failed() {
        println!("Failed: {channel}: {error}.");
    }

    // The results of all channels, or one error if any channel failed.
    match client.broadcast(request).await?.all_ok() {
        Ok(results) => println!("All {} channels have it.", results.len()),
        Err(Error::Partial { failed, of, .. }) => {
            println!("{} of {of} channels do not have it.", failed.len())
        }
        Err(error) => return Err(error.into()),
    }

    // A fault of the whole call is an error of the call.
    if let Err(error) = client.broadcast(BroadcastRequest::new([""; 0], "{}")).await {
        println!("A broadcast to no channels: {error}.");
    }
    Ok(())
}
