//! The outbox: Centrifugo executes what was committed.

use std::time::Duration;

use centrifugo_api::{ConsumerCommand, PublishRequest, SubscribeRequest, UnsubscribeRequest};
use centrifugo_postgres::Outbox;
use serde_json::json;

use crate::driver::Driver;
use crate::listener::Listener;
use crate::postgres::{Postgres, connect};
use crate::server::{Server, Version};
use crate::{DEADLINE, Outcome, Problem, until};

const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox").partitions(4).notify();

/// The signed token of `{"sub":"alice"}`.
const ALICE: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.bMzSqaOyUZPb4Bw2m_9_jUaBRe_aVN5DV8YMN8gDzBs";

by_each_driver!(
    committed_commands_are_executed_in_order,
    binary_payloads_arrive_as_they_are,
    rolled_back_commands_are_not_executed,
    trigger_wakes_centrifugo,
    refused_commands_are_dropped,
    command_with_temporary_error_holds_its_partition,
    centrifugo_5_executes_commands,
);

/// Creates a database with an outbox.
async fn create<D: Driver>(name: &str, outbox: Outbox<'_>) -> Result<(String, D), Problem> {
    let url = Postgres::shared().await.database(name).await?;
    let mut database = D::connect(&url).await?;
    outbox.create(database.database()).await?;
    Ok((url, database))
}

fn publish(channel: &str, data: impl ToString) -> Result<ConsumerCommand, Problem> {
    let request = PublishRequest::new(channel, data.to_string());
    Ok(ConsumerCommand::new(&request)?)
}

/// Waits until the rows that wait are so many.
async fn down_to<D: Driver>(outbox: Outbox<'_>, database: &mut D, rows: u64) -> Outcome {
    let down = async {
        while outbox.lag(database.database()).await?.rows() != rows {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Outcome::Ok(())
    };
    tokio::time::timeout(DEADLINE, down).await?
}

async fn committed_commands_are_executed_in_order<D: Driver>(name: &str) -> Outcome {
    const COMMANDS: usize = 50;
    let (url, mut database) = create::<D>(name, OUTBOX).await?;
    let server = Server::with_consumer(Version::V6, &OUTBOX.consumer(url)).await;
    let channels = ["plain:a", "plain:b", "plain:c"];
    let mut listener = Listener::subscribe(&server, &channels).await?;

    database.run("BEGIN").await?;
    let mut commands = Vec::new();
    for number in 0..COMMANDS {
        for channel in channels {
            commands.push(publish(channel, number)?);
        }
    }
    let (first, rest) = commands.split_first().ok_or("no commands")?;
    OUTBOX.write(database.database(), first).await?;
    OUTBOX.write_all(database.database(), rest).await?;
    // The other connection does not see them yet.
    let mut other = D::connect(&Postgres::shared().await.url(name)).await?;
    assert!(OUTBOX.lag(other.database()).await?.is_empty());
    database.run("COMMIT").await?;

    let mut next = [0; 3];
    for _ in 0..COMMANDS * channels.len() {
        let message = listener.next("pub").await?;
        let place = channels
            .iter()
            .position(|channel| message["channel"] == *channel);
        let next = &mut next[place.ok_or("another channel")?];
        assert_eq!(message["pub"]["data"], *next);
        *next += 1;
    }
    down_to(OUTBOX, &mut database, 0).await
}

async fn binary_payloads_arrive_as_they_are<D: Driver>(name: &str) -> Outcome {
    const BINARY: Outbox = Outbox::constant("binary_outbox").binary().notify();
    let (url, mut database) = create::<D>(name, BINARY).await?;
    let server = Server::with_consumer(Version::V6, &BINARY.consumer(url)).await;
    let mut listener = Listener::subscribe(&server, &["plain:a"]).await?;
    // JSONB could not have the first one.
    let texts = [r#"{"b":"\u0000","a":1.0}"#, r#"{"a":1,"a":2}"#];
    let commands = [publish("plain:a", texts[0])?, publish("plain:a", texts[1])?];
    BINARY.write(database.database(), &commands[0]).await?;
    BINARY
        .write_all(database.database(), &commands[1..])
        .await?;
    for text in texts {
        let message = listener.line("pub").await?;
        assert!(message.contains(text), "{message}");
    }
    down_to(BINARY, &mut database, 0).await
}

async fn rolled_back_commands_are_not_executed<D: Driver>(name: &str) -> Outcome {
    let (url, mut database) = create::<D>(name, OUTBOX).await?;
    let server = Server::with_consumer(Version::V6, &OUTBOX.consumer(url)).await;
    database.run("BEGIN").await?;
    OUTBOX
        .write(database.database(), &publish("plain:a", 1)?)
        .await?;
    database.run("ROLLBACK").await?;
    OUTBOX
        .write(database.database(), &publish("plain:a", 2)?)
        .await?;
    down_to(OUTBOX, &mut database, 0).await?;
    let history = server
        .call("history", json!({"channel": "plain:a", "limit": 10}))
        .await?;
    assert_eq!(history["publications"], json!([{"data": 2, "offset": 1}]));
    Ok(())
}

async fn trigger_wakes_centrifugo<D: Driver>(name: &str) -> Outcome {
    let (url, mut database) = create::<D>(name, OUTBOX).await?;
    let an_hour = Duration::from_secs(3600);
    let consumer = OUTBOX.consumer(url).poll_interval(an_hour);
    let server = Server::with_consumer(Version::V6, &consumer).await;
    let mut listener = Listener::subscribe(&server, &["plain:a", "plain:b"]).await?;
    wait_for_listen(name).await?;
    // Whichever partition was looked at before waits for a notification now.
    for number in 1..=3 {
        let commands = [publish("plain:a", number)?, publish("plain:b", number)?];
        OUTBOX.write_all(database.database(), &commands).await?;
        assert_eq!(listener.data().await?, number);
        assert_eq!(listener.data().await?, number);
    }
    Ok(())
}

/// Waits until Centrifugo listens for notifications.
async fn wait_for_listen(name: &str) -> Outcome {
    let database = connect(&Postgres::shared().await.url(name)).await?;
    let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    until(async || {
        let row = database.query_one(query, &[]).await?;
        Ok(row.try_get::<_, i64>(0)? > 0)
    })
    .await
}

async fn refused_commands_are_dropped<D: Driver>(name: &str) -> Outcome {
    let (url, mut database) = create::<D>(name, OUTBOX).await?;
    let commands = [
        publish("unknown:a", 1)?,
        publish("map:a", 2)?,
        ConsumerCommand::new(&SubscribeRequest::new("unknown:a").user("alice"))?,
        publish("plain:a", 3)?,
    ];
    OUTBOX.write_all(database.database(), &commands).await?;
    let server = Server::with_consumer(Version::V6, &OUTBOX.consumer(url)).await;
    down_to(OUTBOX, &mut database, 0).await?;
    let history = server
        .call("history", json!({"channel": "plain:a", "limit": 10}))
        .await?;
    assert_eq!(history["publications"], json!([{"data": 3, "offset": 1}]));
    Ok(())
}

async fn command_with_temporary_error_holds_its_partition<D: Driver>(name: &str) -> Outcome {
    const ONE: Outbox = Outbox::constant("centrifugo_outbox").partitions(2);
    let (url, mut database) = create::<D>(name, ONE).await?;
    let server = Server::with_consumer(Version::V6, &ONE.consumer(url)).await;
    let mut alice = Listener::with_token(&server, ALICE).await?;
    let subscribe = ConsumerCommand::new(&SubscribeRequest::new("plain:a").user("alice"))?;
    ONE.write(database.database(), &subscribe).await?;
    alice.next("subscribe").await?;

    // Centrifugo 6.9.1 returns error 100, because alice is subscribed.
    ONE.write(database.database(), &subscribe).await?;
    ONE.write(database.database(), &publish("plain:a", 1)?)
        .await?;
    // Another partition goes on.
    let others = ["plain:b", "plain:c", "plain:d", "plain:e"];
    let two = 2.try_into()?;
    let other = others
        .into_iter()
        .find(|other| {
            centrifugo_api::consumer::partition(other, two)
                != centrifugo_api::consumer::partition("plain:a", two)
        })
        .ok_or("all are in one partition")?;
    ONE.write(database.database(), &publish(other, 2)?).await?;
    down_to(ONE, &mut database, 2).await?;
    let history = server
        .call("history", json!({"channel": other, "limit": 10}))
        .await?;
    assert_eq!(history["publications"][0]["data"], 2);

    let lag = ONE.lag(database.database()).await?;
    let [held] = lag.partitions() else {
        return Err(format!("{lag:?}").into());
    };
    assert_eq!((held.rows, held.is_read), (2, true));
    assert!(ONE.delete(database.database(), held.first_id).await?);
    assert!(!ONE.delete(database.database(), held.first_id).await?);
    assert_eq!(alice.data().await?, 1);
    down_to(ONE, &mut database, 0).await
}

async fn centrifugo_5_executes_commands<D: Driver>(name: &str) -> Outcome {
    let (url, mut database) = create::<D>(name, OUTBOX).await?;
    let consumer = OUTBOX
        .consumer(url)
        .poll_interval(Duration::from_secs(3600));
    let server = Server::with_consumer(Version::V5, &consumer).await;
    let mut alice = Listener::with_token(&server, ALICE).await?;
    wait_for_listen(name).await?;
    let commands = [
        ConsumerCommand::new(&SubscribeRequest::new("plain:a").user("alice"))?,
        publish("unknown:a", 1)?,
        publish("plain:a", 2)?,
        ConsumerCommand::new(&UnsubscribeRequest::new("plain:a").user("alice"))?,
    ];
    OUTBOX.write_all(database.database(), &commands).await?;
    alice.next("subscribe").await?;
    assert_eq!(alice.data().await?, 2);
    alice.next("unsubscribe").await?;
    down_to(OUTBOX, &mut database, 0).await
}
