//! Sends several requests as one: of several types, of one type, in parallel, and of types that
//! depend on the data.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example batch
//! ```

mod support;

use centrifugo_api::{
    Command, HistoryRequest, Parallel, PresenceStatsRequest, PublishRequest, SubscribeRequest,
    UnsubscribeRequest,
};
use support::Report;

#[tokio::main]
async fn main() -> Result<(), Report> {
    let client = support::builder()?.build()?;
    let channel = support::channel();

    // A tuple: each outcome has the type of its request's result.
    let publish = PublishRequest::new(&channel, r#"{"text":"hello"}"#);
    let history = HistoryRequest::new(&channel).limit(1).reverse(true);
    let (published, read) = client.batch((publish, history)).await?;
    println!("A tuple: published at offset {}.", published?.offset);
    match read {
        Ok(history) => println!(
            "  In the same batch, {} publication was read.",
            history.publications.len()
        ),
        Err(error) => println!("  The history alone failed: {error}."),
    }

    // A `Vec` of one type. A failure does not stop the requests after it.
    let texts = ["one", "", "three"];
    let requests: Vec<_> = texts
        .into_iter()
        .map(|text| PublishRequest::new(&channel, quoted(text)))
        .collect();
    println!("A Vec, in which the second request has no data:");
    for (text, outcome) in texts.iter().zip(client.batch(requests).await?) {
        match outcome {
            Ok(result) => println!("  {text:?} is at offset {}.", result.offset),
            Err(error) => println!("  {text:?} was refused: {error}."),
        }
    }

    // An array returns an array. In parallel, because the order does not matter.
    let channels = [channel.as_str(), "not-configured:1"];
    let outcomes = client
        .batch(Parallel(channels.map(PresenceStatsRequest::new)))
        .await?;
    println!("In parallel:");
    for (channel, outcome) in channels.iter().zip(outcomes) {
        match outcome {
            Ok(stats) => println!("  {channel} has {} client(s).", stats.num_clients),
            Err(error) => println!("  {channel}: {error}."),
        }
    }

    // Commands of several kinds, chosen by the data.
    let members = [("alice", true), ("mallory", false)];
    let commands: Vec<Command> = members
        .into_iter()
        .map(|(user, welcome)| {
            if welcome {
                SubscribeRequest::new(&channel).user(user).into()
            } else {
                UnsubscribeRequest::new(&channel).user(user).into()
            }
        })
        .collect();
    let outcomes = client.batch(commands).await?;
    let succeeded = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    println!(
        "Commands of several kinds: {succeeded} of {} succeeded.",
        outcomes.len()
    );
    Ok(())
}

/// Returns a text as JSON, and nothing for an empty text, which Centrifugo refuses.
fn quoted(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("{text:?}"),
    }
}
