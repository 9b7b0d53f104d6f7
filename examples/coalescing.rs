//! Lets the calls of many tasks share requests, without a change to the calls.
//!
//! `cargo run --example coalescing` prints the requests and the time that 1,000 concurrent
//! publications take, first each on its own, then coalesced.

mod support;

use std::time::Instant;

use centrifugo_api::{BatchRequest, Client, Coalescing, PublishRequest};
use support::Report;

const TASKS: usize = 1000;

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, server) = support::start()?;
    let channel = support::channel("numbers");

    // Both clients share their connections. The calls of this one share requests too.
    let coalescing = client.coalescing(Coalescing::default());
    for (manner, client) in [("Each alone", client), ("Coalesced", coalescing)] {
        let started = Instant::now();
        publish_all(&client, &channel).await?;
        let time = started.elapsed();
        println!("{manner}, {TASKS} publications take {time:.0?}.");

        let Some(server) = &server else { continue };
        let requests = server.take_requests();
        let batches = requests.iter().filter_map(|r| r.request::<BatchRequest>());
        println!("  There were {} requests.", requests.len());
        if let Some(largest) = batches.map(|batch| batch.commands.len()).max() {
            println!("  The largest was a batch of {largest}.");
        }
    }
    Ok(())
}

async fn publish_all(client: &Client, channel: &str) -> Result<(), Report> {
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let client = client.clone();
            let request = PublishRequest::new(channel, number.to_string());
            // No call waits for a batch to fill: it waits only while two batches are in flight.
            tokio::spawn(async move { client.publish(request).await })
        })
        .collect();
    for task in tasks {
        // Each call has its own result, error, deadline and retries.
        task.await??;
    }
    Ok(())
}
