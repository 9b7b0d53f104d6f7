//! The outbox: a real Centrifugo executes what `ConsumerCommand` writes into a real PostgreSQL.

#[path = "../../examples/outbox.rs"]
#[allow(dead_code)]
mod example;

use std::time::Duration;

use centrifuge::Bytes;
use centrifugo_api::*;
use serde_json::{Value, value::RawValue};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::types::{Json, ToSql};

use crate::Outcome;
use crate::postgres::{Postgres, connect};
use crate::server::{Backend, Server, Transport, Version};

const DEADLINE: Duration = Duration::from_secs(20);

/// The signed token of `{"sub":"alice"}`.
const ALICE: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.bMzSqaOyUZPb4Bw2m_9_jUaBRe_aVN5DV8YMN8gDzBs";
/// The signed token of `{"sub":"bob"}`.
const BOB: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.ZiEX1DGNe5qZkdXZtD1Tq0w_ZHcTjjoz6d8eX8C0jY0";

/// A database with an outbox table, and a Centrifugo that reads it.
struct Outbox {
    url: String,
    database: tokio_postgres::Client,
    is_jsonb: bool,
    server: Server,
}

impl Outbox {
    /// Creates an outbox whose payloads have the type JSONB.
    async fn new(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Self::of(name, "JSONB").await
    }

    async fn of(name: &str, payload: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let url = Postgres::shared().await.database(name).await?;
        let database = connect(&url).await?;
        database
            .batch_execute(&example::TABLES.replace("JSONB", payload))
            .await?;
        let consumers = serde_json::json!([{"name": "outbox", "enabled": true, "type": "postgresql", "postgresql": {
            "dsn": url,
            "outbox_table_name": "centrifugo_outbox",
            "num_partitions": 2,
            "partition_notification_channel": "centrifugo_partition_change",
        }}]);
        let server = Server::start_with(
            Backend::Real(Version::V6),
            &[("CENTRIFUGO_CONSUMERS", &consumers.to_string())],
        )
        .await;
        Ok(Self {
            url,
            database,
            is_jsonb: payload == "JSONB",
            server,
        })
    }

    /// Writes a row.
    async fn insert(&self, method: &str, payload: &str) -> Outcome {
        let statement = "INSERT INTO centrifugo_outbox (method, payload) VALUES ($1, $2)";
        let json = Json(serde_json::from_str::<&RawValue>(payload)?);
        let payload: &(dyn ToSql + Sync) = if self.is_jsonb {
            &json
        } else {
            &payload.as_bytes()
        };
        self.database
            .execute(statement, &[&method, payload])
            .await?;
        Ok(())
    }

    async fn insert_command<M: ConsumerMethod>(&self, request: M) -> Outcome {
        let command = ConsumerCommand::new(&request)?;
        self.insert(command.method(), command.payload().get()).await
    }

    /// Waits until Centrifugo has deleted every row.
    async fn emptied(&self) -> Outcome {
        self.down_to(0).await
    }

    async fn down_to(&self, rows: i64) -> Outcome {
        let count = "SELECT count(*) FROM centrifugo_outbox";
        let down = async {
            while self
                .database
                .query_one(count, &[])
                .await?
                .try_get::<_, i64>(0)?
                != rows
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Outcome::Ok(())
        };
        tokio::time::timeout(DEADLINE, down).await?
    }
}

#[derive(Debug, PartialEq)]
enum Event {
    Connected,
    Lost(u32),
    Subscribed(String),
    Unsubscribed(String),
    Publication(Bytes),
}

/// A connected real-time client and its events.
struct Listener {
    _client: centrifuge::Client,
    events: UnboundedReceiver<Event>,
}

impl Listener {
    async fn connect(server: &Server, token: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let (sender, events) = unbounded_channel();
        let record = move |event| {
            // The receiver is gone when the test has ended.
            let _ = sender.send(event);
        };
        let [
            connected,
            connecting,
            lost,
            subscribed,
            unsubscribed,
            publication,
        ] = [(); 6].map(|()| record.clone());
        let client = centrifuge::Client::builder(server.websocket_url())
            .token(token)
            .on_connected(move |_, _| connected(Event::Connected))
            .on_connecting(move |_, event| match event.code {
                0 => {}
                code => connecting(Event::Lost(code)),
            })
            .on_disconnected(move |_, event| lost(Event::Lost(event.code)))
            .on_subscribed(move |_, event| subscribed(Event::Subscribed(event.channel)))
            .on_unsubscribed(move |_, event| unsubscribed(Event::Unsubscribed(event.channel)))
            .on_publication(move |_, event| publication(Event::Publication(event.publication.data)))
            .build()?;
        client.connect()?;
        let mut listener = Self {
            _client: client,
            events,
        };
        assert_eq!(listener.next().await, Event::Connected);
        Ok(listener)
    }

    /// Connects a client, and subscribes it by a command in the outbox.
    async fn subscribed(
        outbox: &Outbox,
        user: &str,
        token: &str,
        channel: &str,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mut listener = Self::connect(&outbox.server, token).await?;
        outbox
            .insert_command(SubscribeRequest::new(channel).user(user))
            .await?;
        assert_eq!(listener.next().await, Event::Subscribed(channel.to_owned()));
        Ok(listener)
    }

    async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(DEADLINE, self.events.recv()).await;
        event
            .expect("an event comes in time")
            .expect("the client lives")
    }

    async fn publication(&mut self) -> Bytes {
        match self.next().await {
            Event::Publication(data) => data,
            other => panic!("expected a publication, not {other:?}"),
        }
    }

    async fn json(&mut self) -> Value {
        self.publication()
            .await
            .decode()
            .expect("the publication is JSON")
    }
}

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

/// Checks both forms of a command in an outbox whose payloads have this type.
async fn every_form_is_executed(payload: &str) -> Outcome {
    let outbox = Outbox::of(&format!("forms_{payload}"), payload).await?;
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, "plain:a").await?;
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
    every_form_is_executed("JSONB").await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn every_form_is_executed_from_bytea() -> Outcome {
    every_form_is_executed("BYTEA").await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn every_method_is_executed() -> Outcome {
    let outbox = Outbox::new("methods").await?;
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, "plain:a").await?;
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
    const EXPIRED: u32 = 3005;
    assert_eq!(alice.next().await, Event::Lost(EXPIRED));
    assert_eq!(bob.next().await, Event::Lost(4500));
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

#[tokio::test]
#[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
async fn binary_payload_arrives_as_its_bytes() -> Outcome {
    let outbox = Outbox::new("binary").await?;
    let mut alice = Listener::subscribed(&outbox, "alice", ALICE, "plain:a").await?;
    outbox
        .insert_command(
            PublishRequest::new("plain:a", Payload::default()).binary_data([0, 255, b'"']),
        )
        .await?;
    assert_eq!(alice.publication().await, &[0, 255, b'"'][..]);
    outbox.emptied().await
}
