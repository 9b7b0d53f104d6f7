//! Calls two nodes, of which one fails and comes back, without a failed call.
//!
//! `cargo run --example nodes` prints how many requests each node has had, and when the client skips
//! one. Both are embedded servers, since they must fail: `CENTRIFUGO_URL` is not used.

mod support;

use std::time::Duration;

use centrifugo_api::observe::{NodeChange, Observer};
use centrifugo_api::{Client, InfoRequest};
use centrifugo_api_testing::{Fault, Server};
use support::Report;

/// Prints when the client stops calling a node, and when it calls the node again.
struct NodeLog;

impl Observer for NodeLog {
    fn node(&self, change: &NodeChange<'_>) {
        let verb = if change.is_up { "is up" } else { "is skipped" };
        println!("  {} {verb}", change.node);
    }
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let first = Server::builder().api_key("secret").start()?;
    let second = Server::builder().api_key("secret").start()?;
    let client = Client::builder(first.url())
        .endpoint(second.url())
        .api_key("secret")
        .observer(NodeLog)
        .build()?;

    println!("Both nodes are up:");
    call_ten_times(&client, [&first, &second]).await?;

    println!("The first node loses its connections:");
    first.fail_always(Fault::close_before())?;
    call_ten_times(&client, [&first, &second]).await?;

    println!("The first node is repaired:");
    first.clear_faults();
    // A node is skipped for 0.5 s at first. Then one call tries it.
    tokio::time::sleep(Duration::from_millis(600)).await;
    call_ten_times(&client, [&first, &second]).await
}

async fn call_ten_times(client: &Client, nodes: [&Server; 2]) -> Result<(), Report> {
    for _ in 0..10 {
        client.info(InfoRequest::new()).await?;
    }
    let [first, second] = nodes.map(|node| node.take_requests().len());
    println!("  10 calls succeeded: {first} requests to the first, {second} to the second");
    Ok(())
}
