//! The rights that the documentation names are enough.

use std::time::Duration;

use centrifugo_api::{
    ConsumerCommand, HistoryRemoveRequest, MapPublishRequest, MapRemoveRequest, PublishRequest,
};
use centrifugo_postgres::{MapBroker, Outbox, StreamBroker};

use crate::listener::Listener;
use crate::postgres::{Postgres, connect};
use crate::server::{Server, Version};
use crate::{Outcome, until};

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn rights_of_the_outbox_are_enough() -> Outcome {
    const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox").partitions(2).notify();
    let url = Postgres::shared().await.database("rights_outbox").await?;
    let owner = connect(&url).await?;
    OUTBOX.create(&owner).await?;
    owner
        .batch_execute(
            "CREATE ROLE outbox_writer LOGIN;
             GRANT INSERT ON centrifugo_outbox TO outbox_writer;
             GRANT USAGE ON centrifugo_outbox_id_seq TO outbox_writer;
             CREATE ROLE outbox_reader LOGIN;
             GRANT SELECT, DELETE ON centrifugo_outbox TO outbox_reader",
        )
        .await?;
    let reader = url.replace("user=cent", "user=outbox_reader");
    let server = Server::with_consumer(Version::V6, &OUTBOX.consumer(reader)).await;
    let mut listener = Listener::subscribe(&server, &["plain:a"]).await?;
    let writer = connect(&url.replace("user=cent", "user=outbox_writer")).await?;
    // Nothing is missing.
    OUTBOX.create(&writer).await?;
    let command = ConsumerCommand::new(&PublishRequest::new("plain:a", "1"))?;
    OUTBOX.write(&writer, &command).await?;
    OUTBOX.write_all(&writer, [&command]).await?;
    assert_eq!(listener.data().await?, 1);
    assert_eq!(listener.data().await?, 1);
    until(async || Ok(OUTBOX.lag(&owner).await?.is_empty())).await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn rights_of_the_functions_are_enough() -> Outcome {
    let stream = StreamBroker::constant("cf");
    let map = MapBroker::constant("cf").key_ttl(Duration::from_secs(60));
    let url = Postgres::shared()
        .await
        .database("rights_functions")
        .await?;
    let _server = Server::with_brokers(&url, &[]).await;
    connect(&url)
        .await?
        .batch_execute(
            "CREATE ROLE publisher LOGIN;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO publisher;
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO publisher",
        )
        .await?;
    let publisher = connect(&url.replace("user=cent", "user=publisher")).await?;
    let request = PublishRequest::new("plain:a", "1").idempotency_key("one");
    let position = stream.publish(&publisher, &request).await?.accepted()?;
    assert_eq!(stream.position(&publisher, "plain:a").await?, position);
    stream
        .history_remove(&publisher, &HistoryRemoveRequest::new("plain:a"))
        .await?;
    let request = MapPublishRequest::new("map:a", "1")
        .key("k")
        .idempotency_key("one");
    let _ = map.publish(&publisher, &request).await?.accepted()?;
    let _ = map
        .remove(&publisher, &MapRemoveRequest::new("map:a").key("k"))
        .await?
        .accepted()?;
    Ok(())
}
