//! The ledger: each publication, and what its caller was told about it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use centrifugo_api::Error;

use crate::groups::Group;

/// What a caller was told about a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is at this offset.
    Acknowledged(u64),
    /// Nothing was sent; with the error's text.
    Unsent(String),
    /// It may have been published.
    MayHaveRun,
    /// Nothing, since the caller dropped the call.
    Dropped,
}

/// The outcome of a call: an offset for each publication, or `None` for one that failed.
pub(crate) type CallOutcome = Result<Vec<Option<u64>>, Error>;

/// Returns what a call that returned says about each of its `count` publications.
pub(crate) fn told(outcome: &CallOutcome, count: usize) -> Vec<Told> {
    match outcome {
        Ok(offsets) => {
            assert_eq!(offsets.len(), count, "an outcome for each publication");
            let told = |offset: &Option<u64>| offset.map_or(Told::MayHaveRun, Told::Acknowledged);
            offsets.iter().map(told).collect()
        }
        Err(error) if error.is_unsent() => vec![Told::Unsent(error.to_string()); count],
        Err(_) => vec![Told::MayHaveRun; count],
    }
}

/// An event that a caller publishes into a channel: once, however often the caller repeats its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Event {
    /// The number of the channel.
    pub(crate) lane: usize,
    pub(crate) number: u64,
}

/// A publication by one call.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) group: Group,
    pub(crate) event: Event,
    /// The number of calls for the same event before this one.
    pub(crate) repeat: u32,
    pub(crate) told: Told,
}

/// A call that ended, and when it had to.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) group: Group,
    pub(crate) deadline: Instant,
    pub(crate) ended: Instant,
    /// The text of an error that no fault explains.
    pub(crate) unexpected: Option<String>,
}

/// The records of all callers.
#[derive(Default)]
pub(crate) struct Ledger {
    next: AtomicU64,
    records: Mutex<Vec<Record>>,
    ended: Mutex<Vec<Ended>>,
}

impl Ledger {
    /// Returns a number that no other event has.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn record(&self, mut records: Vec<Record>, ended: Ended) {
        lock(&self.records).append(&mut records);
        lock(&self.ended).push(ended);
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        lock(&self.records)
    }

    pub(crate) fn ended(&self) -> MutexGuard<'_, Vec<Ended>> {
        lock(&self.ended)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
