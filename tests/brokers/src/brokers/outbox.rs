//! PostgreSQL: a table per source.

use std::num::NonZeroU16;

use bytes::Bytes;
use centrifugo_api::{ConsumerCommand, ConsumerType};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::broker::{Broker, Message, Promises};
use crate::postgres::{Postgres, connect};
use crate::{Outcome, Problem};

const PARTITIONS: NonZeroU16 = NonZeroU16::new(4).unwrap();

pub(crate) struct Outbox {
    url: String,
    database: Client,
}

impl Outbox {
    pub(crate) async fn start() -> Result<Self, Problem> {
        let url = Postgres::shared().await.database("brokers").await?;
        let database = connect(&url).await?;
        Ok(Self { url, database })
    }
}

impl Broker for Outbox {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn consumer(&self) -> &'static str {
        "postgresql"
    }

    fn queue(&self) -> Option<ConsumerType> {
        None
    }

    fn promises(&self) -> Promises {
        Promises {
            order: true,
            order_after_kill: true,
            waits: true,
            skips_invalid_headers: true,
        }
    }

    async fn create(&self, source: &str) -> Outcome {
        let table = format!(
            "CREATE TABLE \"{source}\" (id BIGSERIAL PRIMARY KEY, method TEXT NOT NULL, payload BYTEA NOT NULL, \
             partition INTEGER NOT NULL, created_at TIMESTAMPTZ NOT NULL DEFAULT now())"
        );
        self.database.batch_execute(&table).await?;
        Ok(())
    }

    fn options(&self, source: &str) -> Value {
        json!({
            "dsn": self.url,
            "outbox_table_name": format!("\"{source}\""),
            "num_partitions": PARTITIONS,
            "partition_poll_interval": "50ms",
        })
    }

    /// Returns a row: the key is its partition, and the header its method.
    fn command(&self, command: &ConsumerCommand) -> Message {
        Message {
            key: Some(command.partition(PARTITIONS).to_string()),
            headers: vec![("method".to_owned(), command.method().to_owned())],
            body: Bytes::from(command.payload().get().to_owned()),
        }
    }

    async fn send(&self, source: &str, messages: &[Message]) -> Outcome {
        let mut partitions = Vec::new();
        for message in messages {
            let key = message.key.as_deref().ok_or("a row has a partition")?;
            partitions.push(key.parse::<i32>()?);
        }
        let methods: Vec<&str> = messages
            .iter()
            .map(|message| message.header("method").unwrap_or_default())
            .collect();
        let payloads: Vec<&[u8]> = messages.iter().map(|message| &message.body[..]).collect();
        let statement = format!(
            "INSERT INTO \"{source}\" (method, payload, partition) \
             SELECT * FROM unnest($1::TEXT[], $2::BYTEA[], $3::INTEGER[])"
        );
        self.database
            .execute(&statement, &[&methods, &payloads, &partitions])
            .await?;
        Ok(())
    }

    async fn unacknowledged(&self, source: &str) -> Result<usize, Problem> {
        let count = format!("SELECT count(*) FROM \"{source}\"");
        let count: i64 = self.database.query_one(&count, &[]).await?.try_get(0)?;
        Ok(usize::try_from(count)?)
    }
}
