//! The outbox: a table of commands that Centrifugo executes.

#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
mod calls;
mod consumer;
#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
mod lag;
mod statements;

use std::num::NonZeroU16;

pub use consumer::ConsumerConfiguration;
#[cfg(any(feature = "sqlx", feature = "tokio-postgres"))]
pub use lag::{Lag, PartitionLag};

use crate::error::Error;
use crate::name::{invalid, is_table};

/// A table from which Centrifugo executes commands, and then deletes them.
///
/// It is data that costs nothing to copy, usually a constant. Its functions execute statements within the transactions of the
/// application. [`ddl`](Self::ddl) and the functions that end with `_statement` return the SQL for any other driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbox<'a> {
    table: &'a str,
    partitions: NonZeroU16,
    is_binary: bool,
    notifies: bool,
}

impl<'a> Outbox<'a> {
    /// Creates an outbox from the name of its table, which may follow a schema: `app.centrifugo_outbox`.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] if SQL would take the name only in quotes: Centrifugo writes it into statements as it is.
    pub fn new(table: &'a str) -> Result<Self, Error> {
        if is_table(table) {
            Ok(Self::of(table))
        } else {
            Err(invalid(table))
        }
    }

    /// Creates an outbox for a constant, where the compiler checks the name:
    ///
    /// ```compile_fail,E0080
    /// # use centrifugo_postgres::Outbox;
    /// const OUTBOX: Outbox = Outbox::constant("Centrifugo-Outbox");
    /// # let _ = OUTBOX;
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a constant if the name is invalid: use [`new`](Self::new) there.
    #[must_use]
    pub const fn constant(table: &'a str) -> Self {
        assert!(
            is_table(table),
            "the name must be in lower case, with letters a to z, digits and `_`"
        );
        Self::of(table)
    }

    const fn of(table: &'a str) -> Self {
        Self {
            table,
            partitions: NonZeroU16::MIN,
            is_binary: false,
            notifies: false,
        }
    }

    /// Sets the number of partitions, `num_partitions` of Centrifugo's consumer; 1 by default, and instead of 0.
    ///
    /// Centrifugo executes the rows of a partition in order, and partitions at the same time. A command goes to the
    /// partition of its channel, see [`partition`](centrifugo_api::consumer::partition).
    ///
    /// Before you lower the number, wait until the outbox is empty, or use [`move_unread`](Self::move_unread) afterwards. A
    /// channel whose partition changes loses its order among the rows that are waiting.
    #[must_use]
    pub const fn partitions(mut self, partitions: u16) -> Self {
        self.partitions = match NonZeroU16::new(partitions) {
            Some(partitions) => partitions,
            None => NonZeroU16::MIN,
        };
        self
    }

    /// Keeps payloads as BYTEA instead of JSONB: every byte of them.
    ///
    /// JSONB orders the keys of objects, drops duplicate ones, and cannot have all JSON texts.
    #[must_use]
    pub const fn binary(mut self) -> Self {
        self.is_binary = true;
        self
    }

    /// Lets a trigger notify Centrifugo of new rows, so that it executes them within milliseconds instead of after up to
    /// 300 ms.
    ///
    /// The trigger notifies once per statement and partition. PostgreSQL commits transactions that notify one after
    /// another: under thousands of transactions per second, leave it out, and let [`consumer`](Self::consumer) poll more
    /// often.
    #[must_use]
    pub const fn notify(mut self) -> Self {
        self.notifies = true;
        self
    }

    /// Returns the name of the table.
    #[must_use]
    pub const fn table(&self) -> &'a str {
        self.table
    }

    /// Returns the name of the trigger, of its function, and of the channel of its notifications.
    fn trigger(&self) -> String {
        format!("{}_notify", self.name())
    }

    /// Returns the name of the table without its schema.
    fn name(&self) -> &'a str {
        self.table.rsplit('.').next().unwrap_or_default()
    }

    /// Returns the name of something in the schema of the table.
    fn beside(&self, name: &str) -> String {
        match self.table.split_once('.') {
            Some((schema, _)) => format!("{schema}.{name}"),
            None => name.to_owned(),
        }
    }

    fn payload_type(&self) -> &'static str {
        if self.is_binary { "BYTEA" } else { "JSONB" }
    }
}
