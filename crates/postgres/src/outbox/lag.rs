//! The rows that wait in an outbox.

use std::time::Duration;

use crate::database::{Columns, present};
use crate::error::Error;

/// The rows that wait in an outbox, as [`Outbox::lag`](super::Outbox::lag) counts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    partitions: Vec<PartitionLag>,
}

impl Lag {
    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.rows).sum()
    }

    /// Returns the age of the oldest row; `None` if there is no row.
    #[must_use]
    pub fn oldest(&self) -> Option<Duration> {
        self.partitions
            .iter()
            .map(|partition| partition.oldest)
            .max()
    }

    /// Returns the partitions that have rows, in their order.
    #[must_use]
    pub fn partitions(&self) -> &[PartitionLag] {
        &self.partitions
    }

    /// Returns whether no row waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }
}

/// The rows that wait in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionLag {
    /// The number of the partition.
    pub partition: i32,
    /// The number of its rows.
    pub rows: u64,
    /// The id of the row that Centrifugo executes next. If it stays the same while [`oldest`](Self::oldest) grows, the row
    /// gets a temporary error each time, and the partition waits for it; [`Outbox::delete`](super::Outbox::delete) gives it
    /// up.
    pub first_id: i64,
    /// The age of its oldest row.
    pub oldest: Duration,
    /// True if Centrifugo reads the partition, because it is below [`Outbox::partitions`](super::Outbox::partitions).
    pub is_read: bool,
}

impl Lag {
    pub(super) fn new(mut partitions: Vec<PartitionLag>, read: i32) -> Self {
        for partition in &mut partitions {
            partition.is_read = (0..read).contains(&partition.partition);
        }
        Self { partitions }
    }
}

pub(super) fn partition(row: &dyn Columns) -> Result<PartitionLag, Error> {
    let rows = present(row.bigint(1)?, "count")?;
    let oldest = present(row.double(3)?, "age")?;
    Ok(PartitionLag {
        partition: present(row.integer(0)?, "partition")?,
        rows: rows.unsigned_abs(),
        first_id: present(row.bigint(2)?, "min")?,
        // The clock of the database may have been set back.
        oldest: Duration::try_from_secs_f64(oldest).unwrap_or_default(),
        is_read: false,
    })
}
