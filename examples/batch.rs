//! Sends several requests as one: of several types, of one type, and of types that the data decides.
//!
//! `cargo run --example batch` prints the outcome of each request. One that fails does not stop the
//! others.

mod support;

use centrifugo_api::{Command, HistoryRequest, Parallel, PresenceStatsRequest, PublishRequest};
use centrifugo_api::{SubscribeRequest, UnsubscribeRequest};
use support::{Report, Viewer};

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, server) = support::start()?;
    let channel = support::channel("team");
    let mut alice = Viewer::new("alice", &server, &channel)?;

    // A tuple: each outcome has the type of its request's result.
    let publish = PublishRequest::new(&channel, r#"{"text":"hello"}"#);
    let history = HistoryRequest::new(&channel).limit(1).reverse(true);
    let (published, history) = client.batch((publish, history)).await?;
    let offset = published?.offset;
    let count = history?.publications.len();
    println!("A tuple: published at offset {offset}, then read {count} publication:");
    alice.print_received();

    // A `Vec` of one type, run in parallel because the order does not matter.
    let channels = [channel.clone(), "not-configured:1".to_owned()];
    let requests: Vec<_> = channels.iter().map(PresenceStatsRequest::new).collect();
    println!("A Vec, in parallel:");
    for (channel, outcome) in channels.iter().zip(client.batch(Parallel(requests)).await?) {
        match outcome {
            Ok(stats) => println!("  {channel:?} has {} client(s)", stats.num_clients),
            Err(error) => println!("  {channel:?}: {error}"),
        }
    }

    // Commands of several kinds. `all_ok` turns any failure into one error, which names all of them.
    let members = [("alice", false), ("bob", true)];
    let commands: Vec<Command> = members
        .into_iter()
        .map(|(user, is_member)| {
            if is_member {
                SubscribeRequest::new(&channel).user(user).into()
            } else {
                UnsubscribeRequest::new(&channel).user(user).into()
            }
        })
        .collect();
    let results = client.batch(commands).await?.all_ok()?;
    println!("{} commands of two kinds succeeded:", results.len());
    alice.print_received();
    Ok(())
}
