//! Keys of maps, by Centrifugo's SQL functions.

use std::time::Duration;

use centrifugo_api::{MapPublishRequest, MapRemoveRequest, Payload, StreamPosition};
use centrifugo_postgres::{MapBroker, SuppressReason};
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::postgres::{Postgres, connect};
use crate::server::Server;
use crate::{Outcome, Problem};

/// The options of the namespace `map`.
const MAP: MapBroker = MapBroker::constant("cf").key_ttl(Duration::from_secs(300));

by_each_driver!(
    key_is_set_when_the_transaction_commits,
    key_is_set_only_if_it_is_where_it_was,
    key_is_set_under_its_conditions,
    key_is_removed_when_the_transaction_commits,
    binary_value_is_kept_as_it_is,
);

async fn start<D: Driver>(name: &str, options: &[(&str, &str)]) -> Result<(Server, D), Problem> {
    let url = Postgres::shared().await.database(name).await?;
    let server = Server::with_brokers(&url, options).await;
    Ok((server, D::connect(&url).await?))
}

fn set(key: &str, value: impl Into<Payload>) -> MapPublishRequest {
    MapPublishRequest::new("map:a", value.into()).key(key)
}

async fn state(server: &Server) -> Result<Value, Problem> {
    server
        .call("map_read_state", json!({"channel": "map:a", "limit": -1}))
        .await
}

/// Checks that a position is that of a reply of the server API.
fn assert_position(position: &StreamPosition, reply: &Value) {
    assert_eq!(reply["offset"], position.offset);
    assert_eq!(reply["epoch"], position.epoch);
}

async fn key_is_set_when_the_transaction_commits<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    database.run("BEGIN").await?;
    let tags = [("place".to_owned(), "Kölln".to_owned())];
    let request = set("k", r#"{"n":1}"#).tags(tags);
    let published = MAP.publish(database.database(), &request).await?;
    assert_eq!(state(&server).await?["entries"], Value::Null);
    database.run("ROLLBACK").await?;
    assert_eq!((published.offset(), published.suppressed()), (1, None));

    database.run("BEGIN").await?;
    let published = MAP.publish(database.database(), &request).await?;
    database.run("COMMIT").await?;
    let now = state(&server).await?;
    let entry = json!({"key": "k", "data": {"n": 1}, "offset": 1, "tags": {"place": "Kölln"}});
    assert_eq!(now["entries"], json!([entry]));
    assert_position(published.position(), &now);
    // What the server API sets next is one further.
    let reply = server
        .call("map_publish", serde_json::to_value(set("l", "2"))?)
        .await?;
    assert_eq!(reply["offset"], 2);
    assert_eq!(reply["epoch"], published.epoch());

    // Keys and epochs expire as those of the server API do.
    let client = connect(&Postgres::shared().await.url(name)).await?;
    let query = "SELECT round(EXTRACT(EPOCH FROM expires_at - updated_at))::float8 FROM cf_map_state ORDER BY key";
    let mut expiries = Vec::new();
    for row in client.query(query, &[]).await? {
        expiries.push(row.try_get::<_, f64>(0)?);
    }
    assert_eq!(expiries, [300.0, 300.0]);
    Ok(())
}

async fn key_is_set_only_if_it_is_where_it_was<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let first = MAP
        .publish(database.database(), &set("k", r#"{"n": 1}"#))
        .await?
        .accepted()?;
    let _ = MAP.publish(database.database(), &set("other", "0")).await?;

    let second = MAP
        .compare_and_publish(database.database(), &set("k", "2"), &first)
        .await?
        .accepted()?;
    let late = MAP
        .compare_and_publish(database.database(), &set("k", "3"), &first)
        .await?;
    assert_eq!(late.suppressed(), Some(&SuppressReason::PositionMismatch));
    let current = late.current().ok_or("no value")?;
    assert_eq!(
        (current.offset, &current.data[..]),
        (second.offset, &b"2"[..])
    );
    let other_epoch = StreamPosition::new(second.offset, "other");
    let late = MAP
        .compare_and_publish(database.database(), &set("k", "3"), &other_epoch)
        .await?;
    assert_eq!(late.suppressed(), Some(&SuppressReason::PositionMismatch));
    let missing = MAP
        .compare_and_publish(database.database(), &set("new", "3"), &first)
        .await?;
    assert_eq!(
        missing.suppressed(),
        Some(&SuppressReason::PositionMismatch)
    );
    assert_eq!(missing.current(), None);

    let remove = MapRemoveRequest::new("map:a").key("k");
    let late = MAP
        .compare_and_remove(database.database(), &remove, &first)
        .await?;
    assert_eq!(late.suppressed(), Some(&SuppressReason::PositionMismatch));
    assert_eq!(
        late.current().map(|current| current.offset),
        Some(second.offset)
    );
    let removed = MAP
        .compare_and_remove(database.database(), &remove, &second)
        .await?
        .accepted()?;
    assert_position(&removed, &state(&server).await?);
    Ok(())
}

async fn key_is_set_under_its_conditions<D: Driver>(name: &str) -> Outcome {
    let (_server, mut database) = start::<D>(name, &[]).await?;
    let requests = [
        (
            set("k", "1").key_mode("if_exists"),
            Some(SuppressReason::KeyNotFound),
        ),
        (
            set("k", "1").key_mode("if_new").idempotency_key("one"),
            None,
        ),
        (
            set("k", "2").key_mode("if_new"),
            Some(SuppressReason::KeyExists),
        ),
        (set("k", "2").key_mode("if_exists"), None),
        (
            set("k", "3").idempotency_key("one"),
            Some(SuppressReason::Idempotency),
        ),
        (set("k", "3").version(5).version_epoch("e"), None),
        (
            set("k", "4").version(5).version_epoch("e"),
            Some(SuppressReason::Version),
        ),
        (set("k", "4").version(4).version_epoch("f"), None),
    ];
    for (request, reason) in requests {
        let published = MAP.publish(database.database(), &request).await?;
        assert_eq!(published.suppressed(), reason.as_ref(), "{request:?}");
    }
    Ok(())
}

async fn key_is_removed_when_the_transaction_commits<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let remove = MapRemoveRequest::new("map:a")
        .key("k")
        .idempotency_key("one");
    let missing = MAP.remove(database.database(), &remove).await?;
    assert_eq!(missing.suppressed(), Some(&SuppressReason::KeyNotFound));
    let _ = MAP
        .publish(database.database(), &set("k", "1"))
        .await?
        .accepted()?;
    database.run("BEGIN").await?;
    let removed = MAP.remove(database.database(), &remove).await?;
    assert_eq!(
        state(&server).await?["entries"],
        json!([{"key": "k", "data": 1, "offset": 1}])
    );
    database.run("COMMIT").await?;
    let now = state(&server).await?;
    assert_eq!(now["entries"], Value::Null);
    assert_position(removed.position(), &now);
    let again = MAP.remove(database.database(), &remove).await?;
    assert_eq!(again.suppressed(), Some(&SuppressReason::Idempotency));
    Ok(())
}

async fn binary_value_is_kept_as_it_is<D: Driver>(name: &str) -> Outcome {
    let options = [("MAP_BROKER_POSTGRES_BINARY_DATA", "true")];
    let (server, mut database) = start::<D>(name, &options).await?;
    let binary = MAP.binary();
    let json = r#"{"b":"\u0000","a":1.0}"#;
    let first = binary
        .publish(database.database(), &set("k", json))
        .await?
        .accepted()?;
    assert_eq!(
        state(&server).await?["entries"][0]["data"],
        json!({"a": 1.0, "b": "\0"})
    );
    let bytes = [0, 255, b'"'];
    let second = set("k", centrifugo_api::binary(bytes));
    let _ = binary
        .compare_and_publish(database.database(), &second, &first)
        .await?
        .accepted()?;
    let late = binary
        .compare_and_publish(database.database(), &second, &first)
        .await?;
    assert_eq!(
        late.current().map(|current| &current.data[..]),
        Some(&bytes[..])
    );
    Ok(())
}
