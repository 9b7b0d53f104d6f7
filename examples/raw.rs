//! Calls a method by name with any JSON: for a method, or a field, that the schema lacks.
//!
//! `cargo run --example raw` prints the replies. It works over HTTP; the example `custom_method` does
//! the same over both transports.

mod support;

use std::collections::BTreeMap;

use centrifugo_api::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use support::{Report, Viewer};

/// The part of a reply that is needed.
#[derive(Deserialize)]
struct Info {
    nodes: Vec<BTreeMap<String, Value>>,
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, server) = support::start()?;
    let channel = support::channel("raw");
    let mut alice = Viewer::new("alice", &server, &channel)?;

    // Any JSON can be sent, and any type can be read: a `Value`, or one of yours.
    let params = json!({"channel": channel, "data": {"text": "hello"}, "a_new_field": true});
    let result: Value = match client.call_raw("publish", &params).await {
        Err(Error::InvalidRequest(problem)) => {
            println!("Over gRPC: {problem}.");
            return Ok(());
        }
        result => result?,
    };
    println!("Published with a field that the schema lacks: {result}");
    alice.print_received();

    let info: Info = client.call_raw("info", &json!({})).await?;
    for node in info.nodes {
        let names: Vec<&str> = node.keys().map(String::as_str).collect();
        println!("A node tells its {}.", names.join(", "));
    }

    // Errors are those of other calls.
    let nothing = json!({});
    if let Err(error) = client
        .call_raw::<_, Value>("no_such_method", &nothing)
        .await
    {
        println!("As expected: {error}");
    }
    Ok(())
}
