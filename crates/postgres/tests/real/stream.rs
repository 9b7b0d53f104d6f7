//! Publications in streams, by Centrifugo's SQL functions.

use std::time::Duration;

use centrifugo_api::{ConsumerCommand, HistoryRemoveRequest, PublishRequest, StreamPosition};
use centrifugo_postgres::{Outbox, Published, StreamBroker, SuppressReason};
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::listener::Listener;
use crate::postgres::{Postgres, connect};
use crate::server::Server;
use crate::{DEADLINE, Outcome, Problem, until};

/// The options of the namespace `plain`.
const PLAIN: StreamBroker = StreamBroker::constant("cf").history(100, Duration::from_secs(300));

by_each_driver!(
    publication_arrives_when_the_transaction_commits,
    publication_that_was_rolled_back_never_arrives,
    repeated_publication_is_suppressed,
    old_version_is_suppressed,
    options_of_the_history_take_effect,
    history_is_removed_when_the_transaction_commits,
    binary_publication_arrives_as_it_is,
);

async fn start<D: Driver>(name: &str, options: &[(&str, &str)]) -> Result<(Server, D), Problem> {
    let url = Postgres::shared().await.database(name).await?;
    let server = Server::with_brokers(&url, options).await;
    Ok((server, D::connect(&url).await?))
}

async fn history(server: &Server, channel: &str) -> Result<Value, Problem> {
    server
        .call("history", json!({"channel": channel, "limit": 100}))
        .await
}

/// Checks that a position is that of a reply of the server API.
fn assert_position(position: &StreamPosition, reply: &Value) {
    assert_eq!(reply["offset"], position.offset);
    assert_eq!(reply["epoch"], position.epoch);
}

async fn publication_arrives_when_the_transaction_commits<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let mut listener = Listener::subscribe(&server, &["plain:a"]).await?;
    let nothing = PLAIN.position(database.database(), "plain:a").await?;
    assert_eq!((nothing.offset, nothing.epoch.as_str()), (0, ""));

    database.run("BEGIN").await?;
    let tags = [("place".to_owned(), "Kölln".to_owned())];
    let request = PublishRequest::new("plain:a", r#"{"n":1}"#).tags(tags);
    let published = PLAIN.publish(database.database(), &request).await?;
    assert_eq!(published.suppressed(), None);
    assert_eq!(published.offset(), 1);
    assert_eq!(history(&server, "plain:a").await?["offset"], 0);
    database.run("COMMIT").await?;

    let message = listener.next("pub").await?;
    assert_eq!(message["pub"]["data"], json!({"n": 1}));
    assert_eq!(message["pub"]["tags"], json!({"place": "Kölln"}));
    assert_eq!(message["pub"]["offset"], 1);
    let history = history(&server, "plain:a").await?;
    let publication = json!({"data": {"n": 1}, "offset": 1, "tags": {"place": "Kölln"}});
    assert_eq!(history["publications"], json!([publication]));
    assert_position(published.position(), &history);
    let position = PLAIN.position(database.database(), "plain:a").await?;
    assert_eq!(published.accepted()?, position);
    Ok(())
}

async fn publication_that_was_rolled_back_never_arrives<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let mut listener = Listener::subscribe(&server, &["plain:a"]).await?;
    database.run("BEGIN").await?;
    let request = PublishRequest::new("plain:a", "1");
    let published = PLAIN.publish(database.database(), &request).await?;
    assert_eq!(published.offset(), 1);
    database.run("ROLLBACK").await?;
    let request = PublishRequest::new("plain:a", "2");
    let published = PLAIN.publish(database.database(), &request).await?;
    assert_eq!(published.offset(), 1);
    assert_eq!(listener.data().await?, 2);
    let history = history(&server, "plain:a").await?;
    assert_eq!(history["publications"], json!([{"data": 2, "offset": 1}]));
    Ok(())
}

async fn repeated_publication_is_suppressed<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let request = PublishRequest::new("plain:a", "1").idempotency_key("order-1");
    let first = PLAIN.publish(database.database(), &request).await?;
    let other = PublishRequest::new("plain:a", "2");
    let second = PLAIN.publish(database.database(), &other).await?;
    assert_eq!((first.offset(), second.offset()), (1, 2));

    let repeated = PLAIN.publish(database.database(), &request).await?;
    assert_eq!(repeated.suppressed(), Some(&SuppressReason::Idempotency));
    assert_eq!(repeated.position(), first.position());
    let refused = repeated.accepted().err().ok_or("accepted")?;
    assert_eq!(
        refused.to_string(),
        "the publication was suppressed: idempotency"
    );
    // The server API knows the key too.
    let reply = server
        .call("publish", serde_json::to_value(&request)?)
        .await?;
    assert_position(first.position(), &reply);

    let short = PLAIN.idempotency_ttl(Duration::from_millis(1));
    let request = PublishRequest::new("plain:a", "3").idempotency_key("order-3");
    let offset = short.publish(database.database(), &request).await?.offset();
    tokio::time::timeout(DEADLINE, async {
        // Until the key has expired.
        while short
            .publish(database.database(), &request)
            .await?
            .suppressed()
            .is_some()
        {}
        Outcome::Ok(())
    })
    .await??;
    assert!(PLAIN.position(database.database(), "plain:a").await?.offset > offset);
    Ok(())
}

async fn old_version_is_suppressed<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let version = |version: u64, epoch: &str| {
        PublishRequest::new("plain:a", version.to_string())
            .version(version)
            .version_epoch(epoch)
    };
    let mut outcomes = Vec::new();
    for request in [
        version(2, "e"),
        version(2, "e"),
        version(1, "e"),
        version(1, ""),
        version(1, "f"),
        version(3, "f"),
    ] {
        let published: Published = PLAIN.publish(database.database(), &request).await?;
        outcomes.push((published.offset(), published.suppressed().cloned()));
    }
    let old = Some(SuppressReason::Version);
    let expected = [
        (1, None),
        (1, old.clone()),
        (1, old.clone()),
        (1, old),
        (2, None),
        (3, None),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(history(&server, "plain:a").await?["offset"], 3);
    Ok(())
}

async fn options_of_the_history_take_effect<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let two = StreamBroker::constant("cf").history(2, Duration::from_secs(60));
    for number in 1..=3 {
        let request = PublishRequest::new("plain:a", number.to_string());
        let published = two.publish(database.database(), &request).await?;
        assert_eq!(published.accepted()?.offset, number);
    }
    let publications = history(&server, "plain:a").await?["publications"].take();
    assert_eq!(
        publications,
        json!([{"data": 2, "offset": 2}, {"data": 3, "offset": 3}])
    );
    // The epoch outlives the publications, as after a call of the server API.
    server
        .call("publish", json!({"channel": "plain:b", "data": 1}))
        .await?;
    let client = connect(&Postgres::shared().await.url(name)).await?;
    let query = "SELECT channel, history_size, EXTRACT(EPOCH FROM history_ttl)::float8, \
                 round(EXTRACT(EPOCH FROM expires_at - updated_at))::float8 FROM cf_stream_meta ORDER BY channel";
    let mut meta = Vec::new();
    for row in client.query(query, &[]).await? {
        meta.push((
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
        ));
    }
    const MONTH: f64 = 30.0 * 24.0 * 3600.0;
    let expected: [(String, i32, f64, f64); 2] = [
        ("plain:a".to_owned(), 2, 60.0, MONTH),
        ("plain:b".to_owned(), 100, 300.0, MONTH),
    ];
    assert_eq!(meta, expected);
    Ok(())
}

async fn history_is_removed_when_the_transaction_commits<D: Driver>(name: &str) -> Outcome {
    let (server, mut database) = start::<D>(name, &[]).await?;
    let published = PLAIN
        .publish(database.database(), &PublishRequest::new("plain:a", "1"))
        .await?;
    database.run("BEGIN").await?;
    PLAIN
        .history_remove(database.database(), &HistoryRemoveRequest::new("plain:a"))
        .await?;
    assert_eq!(
        history(&server, "plain:a").await?["publications"],
        json!([{"data": 1, "offset": 1}])
    );
    database.run("COMMIT").await?;
    let history = history(&server, "plain:a").await?;
    assert_eq!(history["publications"], json!([]));
    assert_position(published.position(), &history);
    Ok(())
}

async fn binary_publication_arrives_as_it_is<D: Driver>(name: &str) -> Outcome {
    let options = [
        ("BROKER_POSTGRES_BINARY_DATA", "true"),
        ("BROKER_POSTGRES_TABLE_PREFIX", "prod_cf"),
    ];
    let (server, mut database) = start::<D>(name, &options).await?;
    let binary = StreamBroker::new("prod_cf")?
        .history(100, Duration::from_secs(300))
        .binary();
    let mut listener = Listener::subscribe(&server, &["plain:a"]).await?;
    let json = r#"{"b":"\u0000","a":1.0}"#;
    for data in [
        centrifugo_api::Payload::from(json),
        centrifugo_api::binary(json),
    ] {
        let request = PublishRequest::new("plain:a", data);
        let published = binary.publish(database.database(), &request).await?;
        let line = listener.line("pub").await?;
        assert!(line.contains(json), "{line}");
        assert_position(published.position(), &history(&server, "plain:a").await?);
    }

    let bytes = [0, 255, b'"'];
    let request = PublishRequest::new("bin:a", centrifugo_api::binary(bytes));
    let _ = binary
        .publish(database.database(), &request)
        .await?
        .accepted()?;
    let client = connect(&Postgres::shared().await.url(name)).await?;
    let query = "SELECT data FROM prod_cf_binary_stream WHERE channel = 'bin:a'";
    let data: Vec<u8> = client.query_one(query, &[]).await?.try_get(0)?;
    assert_eq!(data, bytes);
    Ok(())
}

/// Centrifugo is killed while it executes an outbox. Its channels are in PostgreSQL, so that nothing of it is forgotten.
#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn outbox_is_executed_once_although_centrifugo_is_killed() -> Outcome {
    const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox");
    const COMMANDS: usize = 90;
    let url = Postgres::shared().await.database("killed").await?;
    let mut client = connect(&url).await?;
    OUTBOX.create(&client).await?;
    let consumer = OUTBOX.consumer(&url).to_environment();
    let (variable, consumers) = &consumer[0];
    let variable = variable.trim_start_matches("CENTRIFUGO_");
    let mut server = Server::with_brokers(&url, &[(variable, consumers)]).await;

    // Whoever uses the key of the command 50 waits until this transaction ends.
    let holder = client.transaction().await?;
    holder
        .batch_execute(
            "INSERT INTO cf_stream_idempotency VALUES ('plain:a', 'command-50', 0, '', 0, now())",
        )
        .await?;
    let mut commands = Vec::new();
    for number in 0..COMMANDS {
        let request = PublishRequest::new("plain:a", number.to_string());
        let key = format!("command-{number}");
        commands.push(ConsumerCommand::new(&request.idempotency_key(key))?);
    }
    let writer = connect(&url).await?;
    OUTBOX.write_all(&writer, &commands).await?;
    until(async || {
        let row = writer
            .query_one("SELECT count(*) FROM cf_stream", &[])
            .await?;
        Ok(row.try_get::<_, i64>(0)? == 50)
    })
    .await?;
    server.kill();
    holder.rollback().await?;
    // Whatever was published waits still, since rows are deleted after the last one of a batch.
    assert_eq!(OUTBOX.lag(&writer).await?.rows(), 90);

    server.restart().await;
    until(async || Ok(OUTBOX.lag(&writer).await?.is_empty())).await?;
    let history = history(&server, "plain:a").await?;
    let publications = history["publications"]
        .as_array()
        .ok_or("no publications")?;
    let numbers: Vec<_> = publications
        .iter()
        .map(|publication| publication["data"].as_u64())
        .collect();
    let all: Vec<_> = (0..90).map(Some).collect();
    assert_eq!(numbers, all);
    Ok(())
}
