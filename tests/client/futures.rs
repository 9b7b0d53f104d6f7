//! The futures of calls. Tasks store them, and move them when they are spawned.

use centrifugo_api::{Client, Coalescing, Error, HistoryRequest, PublishRequest};

#[test]
fn futures_of_calls_are_small() -> Result<(), Error> {
    // In bytes. The state of reqwest and tonic is on the heap.
    const LIMIT: usize = 1680;
    let url = if cfg!(feature = "_http") {
        "http://localhost:8000/api"
    } else {
        "grpc://localhost:10000"
    };
    let client = Client::builder(url).build()?;
    for client in [client.coalescing(Coalescing::default()), client] {
        let sizes = [
            size_of_val(&client.publish(PublishRequest::new("news", "1"))),
            size_of_val(&client.history(HistoryRequest::new("news"))),
            size_of_val(&client.batch([PublishRequest::new("news", "1")])),
        ];
        assert!(sizes.iter().all(|size| *size <= LIMIT), "{sizes:?}");
    }
    Ok(())
}
