//! Calls a server over gRPC, which carries payloads of any bytes both ways.
//!
//! `cargo run --example grpc` prints what is read back over gRPC, and what HTTP makes of the same. A real
//! server needs a URL such as `CENTRIFUGO_URL=grpc://localhost:10000`, and the key `grpc_api.key`.

mod support;

use centrifugo_api::{HistoryRequest, PublishRequest, binary};
use centrifugo_api_testing::User;
use support::{Report, Viewer};

const PIXELS: [u8; 4] = [0xff, 0x00, 0x80, 0xff];

#[tokio::main]
async fn main() -> Result<(), Report> {
    // The scheme of the URL selects the transport: http, https, grpc or grpcs. All else is the same.
    let (mut client, server) = support::start()?;
    if let Some(server) = &server {
        println!("The URL is {}.", server.grpc_url());
        client = server.grpc_client();
    }
    let channel = support::channel("canvas");
    let mut alice = Viewer::new(User::new("alice").protobuf(), &server, &channel)?;

    // Without `binary`, data is checked to be JSON, since clients with the JSON protocol need that.
    let request = PublishRequest::new(&channel, binary(PIXELS));
    let offset = client.publish(request).await?.offset;
    println!("Published the bytes {PIXELS:02x?} at offset {offset}.");
    alice.print_received();

    let newest = HistoryRequest::new(&channel).limit(1).reverse(true);
    let history = client.history(newest.clone()).await?;
    let data = &history.publications[0].data;
    println!("Read them back: {:02x?}.", &data[..]);

    // HTTP can publish bytes, in base64. Centrifugo has no JSON for a reply with them.
    if let Some(server) = &server
        && let Err(error) = server.client().history(newest).await
    {
        println!("Over HTTP: {error}.");
    }

    let request = |number| PublishRequest::new(&channel, format!("{number}"));
    let requests: Vec<_> = (1..=50).map(request).collect();
    client.batch(requests).await?.all_ok()?;
    let all = HistoryRequest::new(&channel).limit(-1);
    let history = client.history(all).await?;
    println!(
        "Published 50 numbers in one batch, and read {} publications, up to offset {}.",
        history.publications.len(),
        history.offset
    );
    Ok(())
}
