//! The deadline of a call.

use std::time::Duration;

use crate::platform::{self, Instant, Timeout};

/// The time that a call, or an attempt of it, was given, and when it started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    pub(crate) given: Duration,
    /// The longest time of an attempt, if the user set one.
    attempt_timeout: Option<Duration>,
}

impl Deadline {
    /// Returns the deadline of a call that starts now, with that timeout and at most until `latest`.
    pub(crate) fn new(
        timeout: Duration,
        latest: Option<Instant>,
        attempt_timeout: Option<Duration>,
    ) -> Self {
        let started = Instant::now();
        let given = match latest {
            Some(latest) => timeout.min(latest.saturating_duration_since(started)),
            None => timeout,
        };
        Self {
            started,
            given,
            attempt_timeout,
        }
    }

    /// Returns the deadline of an attempt that starts now. `default_timeout` bounds it if the user set no other bound.
    pub(crate) fn of_attempt(self, default_timeout: Option<Duration>) -> Self {
        let left = self.left();
        let timeout = self.attempt_timeout.or(default_timeout);
        Self {
            started: Instant::now(),
            given: timeout.map_or(left, |timeout| timeout.min(left)),
            attempt_timeout: self.attempt_timeout,
        }
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
        platform::timeout_at(self.ends(), future)
    }
}
