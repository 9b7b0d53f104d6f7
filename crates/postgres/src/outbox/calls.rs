//! The calls of an outbox, by either driver.

use std::time::Duration;

use centrifugo_api::{ConsumerCommand, ConsumerMethod};

use super::{Lag, Outbox, lag};
use crate::database::Database;
use crate::error::Error;
use crate::statement::Statement;

/// # Calls
///
/// With the feature `tokio-postgres` or `sqlx`.
impl Outbox<'_> {
    /// Creates the table, its index and its trigger, as far as they are missing: see [`ddl`](Self::ddl).
    ///
    /// # Errors
    ///
    /// The driver's own error.
    pub async fn create<M>(&self, database: impl Database<M>) -> Result<(), Error> {
        let statement = Statement::new(self.ddl(), Vec::new());
        database.execute(&statement).await?;
        Ok(())
    }

    /// Writes a request, which Centrifugo executes if and only if the transaction commits: [`write`](Self::write) with a new
    /// [`ConsumerCommand`].
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if every Centrifugo would refuse the request, and for a broadcast without an idempotency key; those of
    /// [`write`](Self::write).
    pub async fn send<M>(
        &self,
        database: impl Database<M>,
        request: &impl ConsumerMethod,
    ) -> Result<(), Error> {
        let command = ConsumerCommand::new(request)?;
        self.write(database, &command).await
    }

    /// Writes a command, which Centrifugo executes if and only if the transaction commits.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if the payload is JSON that JSONB cannot have; the driver's own error, after which PostgreSQL rolls
    /// the transaction back.
    pub async fn write<M>(
        &self,
        database: impl Database<M>,
        command: &ConsumerCommand,
    ) -> Result<(), Error> {
        let statement = self.write_statement(command)?;
        database.execute(&statement).await?;
        Ok(())
    }

    /// Writes several commands by one statement. Those of a partition are executed in their order.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write). All commands are written, or none.
    pub async fn write_all<'c, M>(
        &self,
        database: impl Database<M>,
        commands: impl IntoIterator<Item = &'c ConsumerCommand>,
    ) -> Result<(), Error> {
        let statement = self.write_all_statement(commands)?;
        database.execute(&statement).await?;
        Ok(())
    }

    /// Returns what waits in the outbox: how many rows, and how old they are, per partition.
    ///
    /// It reads the whole table, which is short while Centrifugo keeps up.
    ///
    /// # Errors
    ///
    /// The driver's own error.
    pub async fn lag<M>(&self, database: impl Database<M>) -> Result<Lag, Error> {
        let statement = self.lag_statement();
        let partitions = database.rows(&statement, lag::partition).await?;
        Ok(Lag::new(partitions, self.partitions.get().into()))
    }

    /// Deletes a row, such as the one for which a partition waits, and returns whether there was one.
    ///
    /// # Errors
    ///
    /// The driver's own error.
    pub async fn delete<M>(&self, database: impl Database<M>, id: i64) -> Result<bool, Error> {
        let deleted = database.execute(&self.delete_statement(id)).await?;
        Ok(deleted > 0)
    }

    /// Deletes rows that were written longer ago than that, and returns their number: after an outage, those whose news are
    /// old.
    ///
    /// # Errors
    ///
    /// The driver's own error.
    pub async fn delete_older<M>(
        &self,
        database: impl Database<M>,
        age: Duration,
    ) -> Result<u64, Error> {
        database.execute(&self.delete_older_statement(age)).await
    }

    /// Moves rows from partitions that Centrifugo does not read to those that it reads, and returns their number: after
    /// [`partitions`](Self::partitions) was lowered.
    ///
    /// # Errors
    ///
    /// The driver's own error.
    pub async fn move_unread<M>(&self, database: impl Database<M>) -> Result<u64, Error> {
        database.execute(&self.move_unread_statement()).await
    }
}
