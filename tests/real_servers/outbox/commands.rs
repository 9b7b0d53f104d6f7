//! Commands: each method and each form is executed.

use centrifugo_api::*;

use super::{Outbox, TABLE};
use crate::Outcome;
use crate::listener::{ALICE, BOB, EXPIRED, Event, Listener};

/// Checks both forms of a command in an outbox.
async fn every_form_is_executed(
    name: &str,
    table: centrifugo_postgres::Outbox<'static>,
) -> Outcome {
    let outbox = Outbox::of(name, table).await?;
    let mut alice = outbox.subscribed("alice", ALICE, "plain:a").await?;
    let command =
        |number: u32| ConsumerCommand::new(&PublishRequest::new("plain:a", number.to_string()));

    let columns = command(1)?;
    outbox
        .insert(columns.method(), columns.payload().get())
        .await?;
    outbox
        .insert("", &serde_json::to_string(&command(2)?)?)
        .await?;
    let third = command(3)?;
    let as_string = serde_json::json!({"method": third.method(), "payload": third.payload().get()});
    outbox.insert("", &as_string.to_string()).await?;
    for expected in ["1", "2", "3"] {
        assert_eq!(alice.publication().await, expected);
    }
    outbox.emptied().await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn every_form_is_executed_from_jsonb() -> Outcome {
    every_form_is_executed("forms_jsonb", TABLE).await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn every_form_is_executed_from_bytea() -> Outcome {
    every_form_is_executed("forms_bytea", TABLE.binary()).await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn every_method_is_executed() -> Outcome {
    let outbox = Outbox::new("methods").await?;
    let mut alice = outbox.subscribed("alice", ALICE, "plain:a").await?;
    let mut bob = Listener::connect(&outbox.server, BOB).await?;

    outbox
        .insert_command(PublishRequest::new("plain:a", "1"))
        .await?;
    outbox
        .insert_command(BroadcastRequest::new(["plain:b", "plain:a"], "2").idempotency_key("two"))
        .await?;
    outbox
        .insert_command(HistoryRemoveRequest::new("plain:a"))
        .await?;
    outbox
        .insert_command(PublishRequest::new("plain:a", "3"))
        .await?;
    outbox
        .insert_command(UnsubscribeRequest::new("plain:a").user("alice"))
        .await?;
    outbox
        .insert_command(RefreshRequest::new("alice").expired(true))
        .await?;
    outbox
        .insert_command(DisconnectRequest::new("bob").disconnect(Disconnect::new(4500, "enough")))
        .await?;

    for expected in ["1", "2", "3"] {
        assert_eq!(alice.publication().await, expected);
    }
    assert_eq!(
        alice.next().await,
        Event::Unsubscribed("plain:a".to_owned())
    );
    assert_eq!(alice.next().await, Event::Lost(EXPIRED));
    assert_eq!(bob.next().await, Event::Lost(4500));
    outbox.emptied().await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn binary_payload_arrives_as_its_bytes() -> Outcome {
    let outbox = Outbox::new("binary").await?;
    let mut alice = outbox.subscribed("alice", ALICE, "plain:a").await?;
    outbox
        .insert_command(
            PublishRequest::new("plain:a", Payload::default()).binary_data([0, 255, b'"']),
        )
        .await?;
    assert_eq!(alice.publication().await, &[0, 255, b'"'][..]);
    outbox.emptied().await
}
