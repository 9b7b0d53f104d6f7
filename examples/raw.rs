//! Calls a method by name with any JSON, over HTTP: for a method, or a field, that the schema
//! lacks.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example raw
//! ```

mod support;

use std::collections::BTreeMap;

use centrifugo_api::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use support::Report;

/// The part of the reply we need.
#[derive(Deserialize)]
struct Info {
    nodes: Vec<BTreeMap<String, Value>>,
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let client = support::builder()?.build()?;

    // Any JSON can be sent, and any type can be read: a `Value`, or your own type.
    let params =
        json!({"channel": support::channel(), "data": {"text": "hello"}, "a_new_field": true});
    let result: Value = match client.call_raw("publish", &params).await {
        Err(Error::InvalidRequest(problem)) => {
            println!("{problem}.\nThe example custom_method shows that.");
            return Ok(());
        }
        result => result?,
    };
    println!("Published with a field that the schema lacks: {result}.");

    let info: Info = client.call_raw("info", &json!({})).await?;
    for node in info.nodes {
        let names: Vec<&str> = node.keys().map(String::as_str).collect();
        println!("A node reports its {}.", names.join(", "));
    }

    // Errors are the same as those of other calls.
    if let Err(error) = client
        .call_raw::<_, Value>("no_such_method", &json!({}))
        .await
    {
        println!("As expected: {error}");
    }
    Ok(())
}
