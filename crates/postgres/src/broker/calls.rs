//! The calls of the brokers, by either driver.

use centrifugo_api::{
    HistoryRemoveRequest, MapPublishRequest, MapRemoveRequest, PublishRequest, StreamPosition,
};

use super::{CurrentValue, MapBroker, Published, StreamBroker, SuppressReason};
use crate::database::{Columns, Database, one_row, present};
use crate::error::Error;

/// # Calls
///
/// With the feature `tokio-postgres` or `sqlx`.
impl StreamBroker<'_> {
    /// Publishes in a channel, if and only if the transaction commits.
    ///
    /// A publication that was suppressed is not an error: see [`Published::accepted`].
    ///
    /// # Errors
    ///
    /// [`Error::Request`] and [`Error::Field`] if the SQL function could not carry a field of the request, before anything
    /// is sent; the driver's own error, after which PostgreSQL rolls the transaction back.
    pub async fn publish<M>(
        &self,
        database: impl Database<M>,
        request: &PublishRequest,
    ) -> Result<Published, Error> {
        one_row(database, &self.publish_statement(request)?, published).await
    }

    /// Removes the publications of a channel from its history.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish).
    pub async fn history_remove<M>(
        &self,
        database: impl Database<M>,
        request: &HistoryRemoveRequest,
    ) -> Result<(), Error> {
        database
            .execute(&self.history_remove_statement(request)?)
            .await?;
        Ok(())
    }

    /// Returns the position of a channel: offset 0 and an empty epoch if nothing was published yet.
    ///
    /// An application that reads its own tables and the position in one transaction (`REPEATABLE READ`) can hand both to a
    /// client, which subscribes since that position, and misses no change.
    ///
    /// # Errors
    ///
    /// The driver's own error.
    pub async fn position<M>(
        &self,
        database: impl Database<M>,
        channel: &str,
    ) -> Result<StreamPosition, Error> {
        one_row(database, &self.position_statement(channel)?, position).await
    }
}

/// # Calls
///
/// With the feature `tokio-postgres` or `sqlx`.
impl MapBroker<'_> {
    /// Sets a key of a map, if and only if the transaction commits.
    ///
    /// A change that was suppressed is not an error: see [`Published::accepted`].
    ///
    /// # Errors
    ///
    /// [`Error::Request`] and [`Error::Field`] if the SQL function could not carry a field of the request, before anything
    /// is sent; the driver's own error, after which PostgreSQL rolls the transaction back.
    pub async fn publish<M>(
        &self,
        database: impl Database<M>,
        request: &MapPublishRequest,
    ) -> Result<Published, Error> {
        let statement = self.publish_statement(request, None)?;
        one_row(database, &statement, published).await
    }

    /// Sets a key of a map if it was last set at this offset and in this epoch, which `map_read_state` tells. Otherwise
    /// nothing changes, and [`Published::current`] is the value that the key has.
    ///
    /// The server API cannot do this. Centrifugo does it for maps of the modes `recoverable` and `persistent`.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish).
    pub async fn compare_and_publish<M>(
        &self,
        database: impl Database<M>,
        request: &MapPublishRequest,
        expected: &StreamPosition,
    ) -> Result<Published, Error> {
        let statement = self.publish_statement(request, Some(expected))?;
        one_row(database, &statement, published).await
    }

    /// Removes a key of a map, if and only if the transaction commits.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish).
    pub async fn remove<M>(
        &self,
        database: impl Database<M>,
        request: &MapRemoveRequest,
    ) -> Result<Published, Error> {
        let statement = self.remove_statement(request, None)?;
        one_row(database, &statement, published).await
    }

    /// Removes a key of a map if it was last set at this position, as [`compare_and_publish`](Self::compare_and_publish)
    /// does.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish).
    pub async fn compare_and_remove<M>(
        &self,
        database: impl Database<M>,
        request: &MapRemoveRequest,
        expected: &StreamPosition,
    ) -> Result<Published, Error> {
        let statement = self.remove_statement(request, Some(expected))?;
        one_row(database, &statement, published).await
    }
}

fn published(row: &dyn Columns) -> Result<Published, Error> {
    let reason = row.text(3)?.map(SuppressReason::new);
    let is_suppressed = present(row.boolean(2)?, "suppressed")?;
    let current_offset = row.bigint(5)?;
    let current_data = row.bytea(4)?;
    Ok(Published {
        position: position(row)?,
        suppressed: is_suppressed.then(|| reason.unwrap_or(SuppressReason::Other(String::new()))),
        current: current_offset.map(|offset| CurrentValue {
            offset: offset.unsigned_abs(),
            data: current_data.unwrap_or_default(),
        }),
    })
}

fn position(row: &dyn Columns) -> Result<StreamPosition, Error> {
    let offset = present(row.bigint(0)?, "offset")?;
    let epoch = present(row.text(1)?, "epoch")?;
    Ok(StreamPosition::new(offset.unsigned_abs(), epoch))
}
