//! Reads a channel's history in pages, forwards and backwards, and continues later from a saved
//! position.
//!
//! The channel needs `history_size` and `history_ttl` in the server's configuration.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example history
//! ```

mod support;

use centrifugo_api::{
    Client, HistoryRequest, Page, PayloadExt as _, PublishRequest, StreamPosition, json,
};
use support::Report;

#[tokio::main]
async fn main() -> Result<(), Report> {
    let client = support::builder()?.build()?;
    let channel = support::channel();

    publish(&client, &channel, ["a", "b", "c", "d", "e"]).await?;
    println!("Published a to e. The pages, of two publications each, from the oldest:");
    let request = HistoryRequest::new(&channel).limit(2);
    let position = read(&client, request.clone()).await?;

    println!("From the newest:");
    read(&client, request.clone().reverse(true)).await?;

    publish(&client, &channel, ["f"]).await?;
    println!("Published f. The publications after the saved position:");
    if let Some(position) = position {
        read(&client, request.clone().since(position)).await?;
    }

    println!(
        "Since a position of another epoch, as after a restart of a server that keeps history in memory:"
    );
    read(&client, request.since((1, "another epoch"))).await?;
    Ok(())
}

async fn publish<const N: usize>(
    client: &Client,
    channel: &str,
    texts: [&str; N],
) -> Result<(), Report> {
    for text in texts {
        client
            .publish(PublishRequest::new(channel, json(text)?))
            .await?;
    }
    Ok(())
}

/// Shows all pages, and returns the position of the last publication.
async fn read(client: &Client, request: HistoryRequest) -> Result<Option<StreamPosition>, Report> {
    let mut position = request.since.clone();
    let mut pages = client.history_pages(request);
    while let Some(page) = pages.next().await {
        match page? {
            Page::Page(history) => {
                let texts: Result<Vec<String>, _> = history
                    .publications
                    .iter()
                    .map(|publication| publication.data.decode())
                    .collect();
                println!("  {}", texts?.join(" "));
                if let Some(last) = history.publications.last() {
                    position = Some(StreamPosition::new(last.offset, history.epoch));
                }
            }
            Page::Gap { first, last } => {
                println!("  {first} to {last} were removed before they were read.");
                position = pages.request().since.clone();
            }
            Page::Lost(error) => {
                println!("  The stream was lost, read it from the start: {error}");
                position = None;
            }
        }
    }
    Ok(position)
}
