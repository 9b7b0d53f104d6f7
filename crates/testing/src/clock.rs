use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The most that time is moved forward, in milliseconds: sums of it with the times of options do not overflow.
const END: u64 = u64::MAX / 4;

/// The server's time: the machine's, and what the test has moved it forward.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// Unix time at the start, in milliseconds.
    origin: u64,
    /// In milliseconds.
    advanced: AtomicU64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let origin = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map(millis)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            origin,
            advanced: AtomicU64::new(0),
        }
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let later = |advanced: u64| Some(advanced.saturating_add(millis(duration)).min(END));
        let _ = self
            .advanced
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    /// Since the server started.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed() + Duration::from_millis(self.advanced.load(Ordering::Relaxed))
    }

    /// Unix time in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.origin + millis(self.uptime())
    }

    /// Unix time in seconds.
    pub(crate) fn seconds(&self) -> i64 {
        i64::try_from(self.now() / 1000).unwrap_or(i64::MAX)
    }
}

/// The milliseconds of a duration that was checked to be sensible.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(END)
}
