//! The deadline of a call.

use std::time::{Duration, Instant};

use tokio::time::Timeout;

/// The time that a call was given, when it started and when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    pub(crate) given: Duration,
    pub(crate) ends: Instant,
}

impl Deadline {
    /// Returns the deadline of a call that starts now, with that timeout and at most until `latest`.
    pub(crate) fn new(timeout: Duration, latest: Option<Instant>) -> Self {
        /// Longer than anybody waits, and within the range of clocks.
        const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        let now = Instant::now();
        let given = match latest {
            Some(latest) => timeout.min(latest.saturating_duration_since(now)),
            None => timeout,
        };
        Self {
            started: now,
            given,
            ends: now + given.min(NEVER),
        }
    }

    /// Returns the time since the start of the call.
    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the time that the call has left.
    pub(crate) fn left(self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// Bounds a future by the deadline. A ready result wins over an elapsed deadline.
    pub(crate) fn timeout<F: Future>(self, future: F) -> Timeout<F> {
        tokio::time::timeout_at(self.ends.into(), future)
    }
}
