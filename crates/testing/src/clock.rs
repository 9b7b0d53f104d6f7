//! The server's clock, which a test can move forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use centrifugo_api::Error;

/// The limit for [`Clock::advance`], in milliseconds. Adding the durations of options to a time
/// below it does not overflow.
const MAX_ADVANCE: u64 = u64::MAX / 4;

/// The server's clock: the machine's time plus what the test has added to it.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// The Unix time at the start, in milliseconds.
    origin: u64,
    /// The time that the test has added, in milliseconds.
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

    /// Moves the clock forward.
    pub(crate) fn advance(&self, duration: Duration) {
        let _ = self
            .advanced
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |advanced| {
                let sum = advanced.saturating_add(millis(duration));
                Some(sum.min(MAX_ADVANCE))
            });
    }

    /// Returns the time since the server started.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed() + Duration::from_millis(self.advanced.load(Ordering::Relaxed))
    }

    /// Returns the Unix time in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.origin + millis(self.uptime())
    }

    /// Returns the Unix time in seconds.
    pub(crate) fn seconds(&self) -> i64 {
        i64::try_from(self.now() / 1000).unwrap_or(i64::MAX)
    }
}

/// The real time for which the clock of the test's runtime is watched.
const WATCHED: Duration = Duration::from_micros(100);

/// Checks that the clock of the test's runtime is not paused: a paused clock jumps to the timeout of a call as soon as
/// the runtime waits for the server.
pub(crate) fn check_that_time_passes() -> Result<(), Error> {
    let before = tokio::time::Instant::now();
    std::thread::sleep(WATCHED);
    if before.elapsed().is_zero() {
        return Err(Error::Config(
            "tokio's clock is paused, so that every call to the server would time out at once: leave out \
             `start_paused`, or call `tokio::time::resume()` before the server starts; `Server::advance` moves the \
             time of the server"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Returns a duration in milliseconds, capped at [`MAX_ADVANCE`] where it does not fit.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(MAX_ADVANCE)
}
