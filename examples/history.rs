//! Reads a channel's history page by page, and continues later where it has stopped.
//!
//! `cargo run --example history` prints the pages. The channel needs `history_size` and `history_ttl`
//! in the configuration of a real server.

mod support;

use centrifugo_api::{Client, HistoryRequest, Page, PayloadExt as _, StreamPosition};
use support::Report;

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, _server) = support::start()?;
    let channel = support::channel("letters");
    let letters = client.channel::<&str>(&channel);

    for text in ["a", "b", "c", "d", "e"] {
        letters.publish(&text).await?;
    }
    println!("Published a to e. Pages of two, from the oldest:");
    let request = HistoryRequest::new(&channel).limit(2);
    let position = print_pages(&client, request.clone()).await?;
    println!("From the newest:");
    print_pages(&client, request.clone().reverse(true)).await?;

    letters.publish(&"f").await?;
    println!("Published f. Since the position of e, {position:?}:");
    print_pages(&client, request.clone().since(position)).await?;

    println!("Since a position before a restart, which a server with history in memory forgets:");
    print_pages(&client, request.since((1, "another epoch"))).await?;
    Ok(())
}

/// Returns the position of the last publication.
async fn print_pages(client: &Client, request: HistoryRequest) -> Result<StreamPosition, Report> {
    let mut position = StreamPosition::default();
    let mut pages = client.history_pages(request);
    while let Some(page) = pages.next().await.transpose()? {
        match page {
            Page::Page(history) => {
                for publication in &history.publications {
                    let text: String = publication.data.decode()?;
                    print!("  {}: {text}", publication.offset);
                    position = StreamPosition::new(publication.offset, &history.epoch);
                }
                println!();
            }
            Page::Gap { first, last } => println!("  {first} to {last} were removed meanwhile"),
            Page::Lost(error) => println!("  read it from the start: {error}"),
        }
    }
    Ok(position)
}
