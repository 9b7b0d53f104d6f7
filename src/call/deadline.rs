//! The deadline of a call.

use std::time::{Duration, Instant};

use tokio::time::Timeout;

/// The time that a call was given, and when it started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    pub(crate) given: Duration,
}

impl Deadline {
    /// Returns the deadline of a call that starts now, with that timeout and at most until `latest`.
    pub(crate) fn new(timeout: Duration, latest: Option<Instant>) -> Self {
        let started = Instant::now();
        let given = match latest {
            Some(latest) => timeout.min(latest.saturating_duration_since(started)),
            None => timeout,
        };
        Self { started, given }
    }

    /// Returns the end of the call.
    pub(crate) fn ends(self) -> Instant {
        /// Longer than anybody waits, and within the range of clocks.
        const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        self.started + self.given.min(NEVER)
    }

    /// Returns the time since the start of the call.
    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the time that the call has left.
    pub(crate) fn left(self) -> Duration {
        self.ends().saturating_duration_since(Instant::now())
    }

    /// Bounds a future by the deadline. A ready result wins over an elapsed deadline.
    pub(crate) fn timeout<F: Future>(self, future: F) -> Timeout<F> {
        tokio::time::timeout_at(self.ends().into(), future)
    }
}
