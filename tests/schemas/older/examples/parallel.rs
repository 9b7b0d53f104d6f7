//! A parallel batch, which the schema does not have: tests/schemas/packages.rs checks that this is refused in words.

use centrifugo_api::{Client, Error, Parallel, PublishRequest};

async fn publish(client: Client) -> Result<(), Error> {
    client.batch(Parallel([PublishRequest::new("news", "1")])).await?;
    Ok(())
}

fn main() {
    let _ = publish;
}
