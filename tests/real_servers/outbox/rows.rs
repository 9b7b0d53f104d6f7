//! Rows: the order in which they are executed, and those that fail.

use centrifugo_api::consumer::partition;
use centrifugo_api::*;
use tokio_postgres::types::Json;

use super::listener::{Event, Listener};
use super::{ALICE, BOB, Outbox, example};
use crate::Outcome;
use crate::server::Transport;

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn orders_of_the_example_reach_a_client_in_order() -> Outcome {
    let outbox = Outbox::new("example").await?;
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, "plain:orders").await?;
    example::run(&outbox.url, "plain:orders").await?;
    // The second order was rolled back.
    assert_eq!(
        alice.json().await,
        serde_json::json!({"id": 1, "item": "coffee", "quantity": 2})
    );
    assert_eq!(
        alice.json().await,
        serde_json::json!({"id": 3, "item": "cake", "quantity": 12})
    );
    let orders: i64 = outbox
        .database
        .query_one("SELECT count(*) FROM orders", &[])
        .await?
        .try_get(0)?;
    assert_eq!(orders, 2);
    outbox.emptied().await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn rows_of_a_transaction_arrive_in_order_and_whole() -> Outcome {
    let mut outbox = Outbox::of("ordered", "BYTEA").await?;
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, "plain:a").await?;
    let data = |number: usize| {
        format!(
            r#"{{"number":{number},"b":1.0,"a" : "\u0000é{}"}}"#,
            "x".repeat(number * 100)
        )
    };
    let transaction = outbox.database.transaction().await?;
    for number in 0..100 {
        let command = ConsumerCommand::new(&PublishRequest::new("plain:a", data(number)))?;
        let statement = "INSERT INTO centrifugo_outbox (method, payload) VALUES ($1, $2)";
        transaction
            .execute(
                statement,
                &[&command.method(), &command.payload().get().as_bytes()],
            )
            .await?;
    }
    transaction.commit().await?;
    for number in 0..100 {
        assert_eq!(alice.publication().await, data(number));
    }
    outbox.emptied().await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn channels_in_different_partitions_keep_their_order() -> Outcome {
    const COMMANDS: usize = 50;
    let mut outbox = Outbox::of("partitions", "BYTEA").await?;
    let channels = ["plain:a", "plain:b"];
    let partitions = channels.map(|channel| partition(channel, example::PARTITIONS));
    assert_ne!(partitions[0], partitions[1]);
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, channels[0]).await?;
    let mut bob = Listener::subscribed(&outbox, "bob", BOB, channels[1]).await?;

    let transaction = outbox.database.transaction().await?;
    let statement =
        "INSERT INTO centrifugo_outbox (method, payload, partition) VALUES ($1, $2, $3)";
    for number in 0..COMMANDS {
        for channel in channels {
            let command = ConsumerCommand::new(&PublishRequest::new(channel, number.to_string()))?;
            let payload = command.payload().get().as_bytes();
            let partition = command.partition(example::PARTITIONS);
            transaction
                .execute(statement, &[&command.method(), &payload, &partition])
                .await?;
        }
    }
    transaction.commit().await?;
    for number in 0..COMMANDS {
        assert_eq!(alice.publication().await, number.to_string());
        assert_eq!(bob.publication().await, number.to_string());
    }
    outbox.emptied().await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn row_that_centrifugo_refuses_is_deleted_and_blocks_nothing() -> Outcome {
    let outbox = Outbox::new("refused").await?;
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, "plain:a").await?;
    outbox
        .insert_command(PublishRequest::new("plain:a", "1"))
        .await?;
    outbox.insert("publish", r#"{"channel":5}"#).await?;
    outbox
        .insert("publish", r#""{\"channel\":\"plain:a\",\"data\":0}""#)
        .await?;
    outbox
        .insert("Publish", r#"{"channel":"plain:a","data":0}"#)
        .await?;
    outbox
        .insert("presence", r#"{"channel":"plain:a"}"#)
        .await?;
    outbox
        .insert("", r#"{"payload":{"channel":"plain:a","data":0}}"#)
        .await?;
    outbox
        .insert_command(PublishRequest::new("unknown:a", "0"))
        .await?;
    outbox
        .insert_command(PublishRequest::new("plain:a", "2"))
        .await?;
    assert_eq!(
        (alice.publication().await, alice.publication().await),
        ("1".into(), "2".into())
    );
    outbox.emptied().await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn row_that_gets_error_100_blocks_its_partition_until_it_succeeds() -> Outcome {
    let outbox = Outbox::new("held_up").await?;
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, "plain:a").await?;
    let mut bob = Listener::subscribed(&outbox, "bob", BOB, "plain:b").await?;
    outbox
        .insert_command(SubscribeRequest::new("plain:a").user("alice"))
        .await?;
    outbox
        .insert_command(PublishRequest::new("plain:b", "1"))
        .await?;

    let command = ConsumerCommand::new(&PublishRequest::new("plain:b", "2"))?;
    let statement = "INSERT INTO centrifugo_outbox (method, payload, partition) VALUES ($1, $2, 1)";
    outbox
        .database
        .execute(statement, &[&command.method(), &Json(command.payload())])
        .await?;
    assert_eq!(bob.publication().await, "2");
    outbox.down_to(2).await?;

    let client = outbox.server.client(Transport::Http);
    client
        .unsubscribe(UnsubscribeRequest::new("plain:a").user("alice"))
        .await?;
    assert_eq!(
        alice.next().await,
        Event::Unsubscribed("plain:a".to_owned())
    );
    assert_eq!(alice.next().await, Event::Subscribed("plain:a".to_owned()));
    assert_eq!(bob.publication().await, "1");
    outbox.emptied().await
}
