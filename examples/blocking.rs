//! The same calls without async: each call blocks its thread.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --features blocking --example blocking
//! ```

mod support;

use std::thread;

use centrifugo_api::{HistoryRequest, InfoRequest, Page, PublishRequest, json};
use support::Report;

fn main() -> Result<(), Report> {
    let client = support::builder()?.build_blocking()?;
    let channel = support::channel();

    let nodes = client.info(InfoRequest::new())?.nodes;
    println!(
        "Connected to {} node(s), without an async runtime of your own.",
        nodes.len()
    );

    // Clones share their connections, across threads too.
    let publishers = ["one", "two", "three"].map(|text| {
        let client = client.clone();
        let channel = channel.clone();
        thread::spawn(move || client.publish(PublishRequest::new(channel, json(text)?)))
    });
    for publisher in publishers {
        let result = publisher.join().map_err(|_| "a publisher panicked")??;
        println!("A thread published at offset {}.", result.offset);
    }

    // Pages are an iterator.
    for page in client.history_pages(HistoryRequest::new(&channel).limit(2)) {
        match page? {
            Page::Page(history) => {
                println!("A page of {} publication(s).", history.publications.len())
            }
            Page::Gap { first, last } => println!("{first} to {last} are missing."),
            Page::Lost(error) => println!("The stream was lost: {error}"),
        }
    }
    Ok(())
}
