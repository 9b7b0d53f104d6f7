//! Makes the same calls without async: each call blocks its thread.
//!
//! `cargo run --example blocking` prints what three threads publish, and the pages of the history.

mod support;

use std::thread;

use centrifugo_api::{HistoryRequest, Item, PayloadExt as _, PublishRequest, json};
use support::{Report, Viewer};

fn main() -> Result<(), Report> {
    let (builder, server) = support::builder()?;
    let client = builder.build_blocking()?;
    let channel = support::channel("threads");
    let mut alice = Viewer::new("alice", &server, &channel)?;

    // Clones share their connections, across threads too. There is no runtime to start.
    let publishers = ["one", "two", "three"].map(|text| {
        let (client, channel) = (client.clone(), channel.clone());
        thread::spawn(move || client.publish(PublishRequest::new(channel, json(text)?)))
    });
    for publisher in publishers {
        let result = publisher.join().map_err(|_| "a publisher panicked")??;
        println!("A thread published at offset {}.", result.offset);
    }
    alice.print_received();

    // What is a stream in async code is an iterator here. It asks for two publications at a time.
    println!("The history:");
    for item in client
        .history_pages(HistoryRequest::new(&channel).limit(2))
        .items()
    {
        match item? {
            Item::Item(publication) => {
                let text: String = publication.data.decode()?;
                println!("  {}: {text}", publication.offset);
            }
            Item::Gap { first, last } => println!("  {first} to {last} were removed meanwhile"),
            Item::Lost(error) => println!("  read it from the start: {error}"),
        }
    }
    Ok(())
}
