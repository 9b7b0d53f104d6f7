//! The blocking client, and clones in many tasks.

use std::time::{Duration, Instant};

use cent::{
    BatchOptions, BroadcastRequest, Client, Error, HistoryRequest, InfoRequest, PublishRequest,
    blocking,
};

use crate::peer::{Failure, Outcome, Peer, code, offsets, raw};

pub async fn blocking_client(peer: Peer) -> Outcome {
    tokio::task::spawn_blocking(move || call_blocking(&peer)).await?
}

fn call_blocking(peer: &Peer) -> Result<(), Failure> {
    let client = blocking::Client::new(peer.config())?;
    let channel = peer.channel("blocking");
    let publish = PublishRequest::new(&channel).data(raw("1"));
    assert_eq!(client.publish(publish.clone())?.offset, 1);
    let result = client.broadcast(BroadcastRequest::new([&channel]).data(raw("2")))?;
    assert_eq!(
        result.channels[0]
            .result
            .as_ref()
            .map(|result| result.offset)
            .ok(),
        Some(2)
    );
    let mut batch = client.new_batch(BatchOptions::default());
    let publication = batch.publish(publish);
    let history = batch.history(HistoryRequest::new(&channel).limit(-1));
    batch.send()?;
    assert_eq!(
        (publication.result()?.offset, offsets(&history.result()?)),
        (3, vec![1, 2, 3])
    );
    assert_eq!(code(client.history(HistoryRequest::new("")).map(drop)), 107);
    client.close(Duration::from_secs(10))?;
    assert!(matches!(
        client.info(InfoRequest::new()),
        Err(Error::Closed)
    ));
    Ok(())
}

pub async fn bounded_calls(peer: Peer) -> Outcome {
    let client = Client::new(
        peer.config()
            .request_timeout(Duration::from_secs(20))
            .header("X-Team", "chat"),
    )?;
    client
        .with_timeout(Duration::from_secs(10))
        .info(InfoRequest::new())
        .await?;
    client
        .with_deadline(Instant::now() + Duration::from_secs(10))
        .info(InfoRequest::new())
        .await?;
    client.close(Duration::from_secs(10)).await?;
    assert!(matches!(
        client.info(InfoRequest::new()).await,
        Err(Error::Closed)
    ));
    Ok(())
}
