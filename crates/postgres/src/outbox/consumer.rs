//! The configuration of Centrifugo's consumer.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Outbox;

/// The entry of `consumers` in the configuration of Centrifugo v5 and v6 that reads an [`Outbox`].
///
/// `Debug` does not show the URLs, which may have passwords.
#[derive(Clone)]
#[must_use = "print it"]
pub struct ConsumerConfiguration {
    name: String,
    options: Vec<(&'static str, Value)>,
}

impl Outbox<'_> {
    /// Returns the entry of `consumers` in Centrifugo's configuration that reads this outbox, from the database at a URL
    /// such as `postgresql://centrifugo@db:5432/app`.
    ///
    /// ```
    /// use centrifugo_postgres::Outbox;
    ///
    /// const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox").partitions(8).notify();
    ///
    /// let configuration = OUTBOX.consumer("postgresql://centrifugo@db:5432/app");
    /// println!("{}", configuration.to_json()); // or to_environment
    /// # assert!(configuration.to_json().contains(r#""outbox_table_name": "centrifugo_outbox""#));
    /// ```
    ///
    /// Each node of Centrifugo connects on its own, with 4 connections by default: one that waits for notifications, and
    /// one per partition that is read at the moment. Allow more for many partitions: `?pool_max_conns=10`.
    pub fn consumer(&self, dsn: impl Into<String>) -> ConsumerConfiguration {
        let mut options = vec![
            ("dsn", Value::from(dsn.into())),
            ("outbox_table_name", Value::from(self.table)),
            ("num_partitions", Value::from(self.partitions.get())),
        ];
        if self.notifies {
            options.push((
                "partition_notification_channel",
                Value::from(self.trigger()),
            ));
        }
        ConsumerConfiguration {
            name: self.table.replace('.', "_"),
            options,
        }
    }
}

impl ConsumerConfiguration {
    /// Sets how long Centrifugo waits between two looks at a partition that is empty, `partition_poll_interval`; 300 ms by
    /// default.
    pub fn poll_interval(self, interval: Duration) -> Self {
        let interval = format!("{}ms", interval.as_millis().max(1));
        self.option("partition_poll_interval", interval)
    }

    /// Sets the URL for the connection that waits for notifications, `partition_notification_dsn`, if the other one leads
    /// through a pooler such as PgBouncer. Since Centrifugo 6.
    pub fn notification_dsn(self, dsn: impl Into<String>) -> Self {
        self.option("partition_notification_dsn", dsn.into())
    }

    fn option(mut self, name: &'static str, value: String) -> Self {
        self.options.retain(|(other, _)| *other != name);
        self.options.push((name, Value::from(value)));
        self
    }

    fn entry(&self) -> Value {
        let options = self
            .options
            .iter()
            .map(|(name, value)| (*name, value.clone()));
        json!({
            "name": self.name,
            "enabled": true,
            "type": "postgresql",
            "postgresql": Value::from_iter(options),
        })
    }

    /// Returns the configuration as JSON, to be merged into the rest of Centrifugo's configuration. It is YAML too.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!("{:#}", json!({ "consumers": [self.entry()] }))
    }

    /// Returns the configuration as a variable of Centrifugo's environment, `CENTRIFUGO_CONSUMERS`, which has all consumers.
    #[must_use]
    pub fn to_environment(&self) -> Vec<(String, String)> {
        let consumers = json!([self.entry()]).to_string();
        vec![("CENTRIFUGO_CONSUMERS".to_owned(), consumers)]
    }
}

impl fmt::Debug for ConsumerConfiguration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options: Vec<_> = self.options.iter().map(|(name, _)| name).collect();
        formatter
            .debug_struct("ConsumerConfiguration")
            .field("name", &self.name)
            .field("options", &options)
            .finish()
    }
}
