//! Publishes bytes that are not JSON over either transport, and reads them back over gRPC. HTTP
//! cannot return them.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example binary
//! CENTRIFUGO_URL=grpc://localhost:10000 CENTRIFUGO_API_KEY=… cargo run --features grpc --example binary
//! ```

mod support;

use centrifugo_api::{Error, HistoryRemoveRequest, HistoryRequest, PublishRequest};
use support::Report;

const PIXELS: [u8; 4] = [0xff, 0x00, 0x80, 0xff];

#[tokio::main]
async fn main() -> Result<(), Report> {
    let client = support::builder()?.build()?;
    let channel = support::channel();

    // As `data`, only gRPC carries any bytes. Over HTTP a payload must be JSON, which is checked
    // before it is sent.
    match client.publish(PublishRequest::new(&channel, PIXELS)).await {
        Ok(_) => println!("Published {PIXELS:x?} as data: gRPC carries any bytes."),
        Err(Error::InvalidRequest(problem)) => println!("Not as data over HTTP: {problem}"),
        Err(error) => return Err(error.into()),
    }

    // `binary_data` works over both: real-time clients get the same bytes.
    let request = PublishRequest::default()
        .channel(&channel)
        .binary_data(PIXELS);
    client.publish(request).await?;
    println!("Published {PIXELS:x?} as binary_data.");

    match client
        .history(HistoryRequest::new(&channel).limit(1).reverse(true))
        .await
    {
        Ok(history) => {
            for publication in history.publications {
                println!(
                    "Read back {:x?}, at offset {}.",
                    &publication.data[..],
                    publication.offset
                );
            }
        }
        // The server has no JSON for them, and its reply says no more than that.
        Err(error @ Error::Transport { .. }) => println!("Not read back: {error}"),
        Err(error) => return Err(error.into()),
    }

    client
        .history_remove(HistoryRemoveRequest::new(&channel))
        .await?;
    println!("Removed them, so that the channel can be read over HTTP again.");
    Ok(())
}
