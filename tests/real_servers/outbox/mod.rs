//! The outbox: a real Centrifugo executes what `ConsumerCommand` writes into a real PostgreSQL.

mod commands;
#[path = "../../../examples/outbox.rs"]
#[allow(dead_code)]
mod example;
mod rows;

use std::time::Duration;

use centrifugo_api::{ConsumerCommand, ConsumerMethod, SubscribeRequest};
use serde_json::value::RawValue;
use tokio_postgres::types::{Json, ToSql};

use crate::Outcome;
use crate::listener::{Event, Listener};
use crate::postgres::{Postgres, connect};
use crate::server::{Backend, Server, Version};

const DEADLINE: Duration = Duration::from_secs(20);

const TABLE: centrifugo_postgres::Outbox =
    centrifugo_postgres::Outbox::constant("centrifugo_outbox").notify();

/// A database with an outbox table, and a Centrifugo that reads it.
struct Outbox {
    url: String,
    database: tokio_postgres::Client,
    table: centrifugo_postgres::Outbox<'static>,
    server: Server,
}

impl Outbox {
    /// Creates an outbox whose payloads have the type JSONB.
    async fn new(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Self::of(name, TABLE).await
    }

    async fn of(
        name: &str,
        table: centrifugo_postgres::Outbox<'static>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let url = Postgres::shared().await.database(name).await?;
        let database = connect(&url).await?;
        table.create(&database).await?;
        let consumers = table.consumer(&url).to_environment();
        let options: Vec<(&str, &str)> = consumers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let server = Server::start_with(Backend::Real(Version::V6), &options).await;
        Ok(Self {
            url,
            database,
            table,
            server,
        })
    }

    /// Writes a row.
    async fn insert(&self, method: &str, payload: &str) -> Outcome {
        let statement = "INSERT INTO centrifugo_outbox (method, payload) VALUES ($1, $2)";
        let json = Json(serde_json::from_str::<&RawValue>(payload)?);
        let payload: &(dyn ToSql + Sync) = if self.table != TABLE.binary() {
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
        self.table.write(&self.database, &command).await?;
        Ok(())
    }

    /// Connects a client, and subscribes it by a command in the outbox.
    async fn subscribed(
        &self,
        user: &str,
        token: &str,
        channel: &str,
    ) -> Result<Listener, Box<dyn std::error::Error>> {
        let mut listener = Listener::connect(&self.server, token).await?;
        self.insert_command(SubscribeRequest::new(channel).user(user))
            .await?;
        assert_eq!(listener.next().await, Event::Subscribed(channel.to_owned()));
        Ok(listener)
    }

    /// Waits until Centrifugo has deleted every row.
    async fn emptied(&self) -> Outcome {
        let emptied = async {
            while !self.table.lag(&self.database).await?.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Outcome::Ok(())
        };
        tokio::time::timeout(DEADLINE, emptied).await?
    }
}
