//! The outbox: a real Centrifugo executes what `ConsumerCommand` writes into a real PostgreSQL.

mod commands;
#[path = "../../../examples/outbox.rs"]
#[allow(dead_code)]
mod example;
mod listener;
mod rows;

use std::time::Duration;

use centrifugo_api::{ConsumerCommand, ConsumerMethod};
use serde_json::value::RawValue;
use tokio_postgres::types::{Json, ToSql};

use crate::Outcome;
use crate::postgres::{Postgres, connect};
use crate::server::{Backend, Server, Version};

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
            "num_partitions": example::PARTITIONS,
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
