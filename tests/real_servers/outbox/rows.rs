//! Rows: the order in which they are executed, and those that fail.

use centrifugo_api::*;

use super::{Outbox, TABLE, example};
use crate::Outcome;
use crate::listener::ALICE;

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn orders_of_the_example_reach_a_client_in_order() -> Outcome {
    let outbox = Outbox::of("example", example::OUTBOX).await?;
    let mut alice = outbox.subscribed("alice", ALICE, "plain:orders").await?;
    example::run(&outbox.url, "plain:orders").await?;
    // The second order was rolled back.
    assert_eq!(
        alice.publication().await.decode::<serde_json::Value>()?,
        serde_json::json!({"id": 1, "item": "coffee"})
    );
    assert_eq!(
        alice.publication().await.decode::<serde_json::Value>()?,
        serde_json::json!({"id": 3, "item": "cake"})
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
    let outbox = Outbox::of("ordered", TABLE.binary()).await?;
    let mut alice = outbox.subscribed("alice", ALICE, "plain:a").await?;
    let data = |number: usize| {
        format!(
            r#"{{"number":{number},"b":1.0,"a" : "\u0000é{}"}}"#,
            "x".repeat(number * 100)
        )
    };
    let commands = (0..100)
        .map(|number| ConsumerCommand::new(&PublishRequest::new("plain:a", data(number))))
        .collect::<Result<Vec<_>, _>>()?;
    outbox.table.write_all(&outbox.database, &commands).await?;
    for number in 0..100 {
        assert_eq!(alice.publication().await, data(number));
    }
    outbox.emptied().await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn row_that_centrifugo_refuses_is_deleted_and_blocks_nothing() -> Outcome {
    let outbox = Outbox::new("refused").await?;
    let mut alice = outbox.subscribed("alice", ALICE, "plain:a").await?;
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
