//! The clock, the timers, the tasks and the random numbers of JavaScript.

use std::sync::OnceLock;
use std::time::Duration;

pub(crate) use wasmtimer::std::Instant;
use wasmtimer::std::{SystemTime, UNIX_EPOCH};
use wasmtimer::tokio::Sleep;
pub(crate) use wasmtimer::tokio::Timeout;

use crate::error::Error;

/// The longest time of JavaScript's timers: 2³¹ milliseconds. A longer one would fire at once.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// Waits for that time.
pub(crate) fn sleep(time: Duration) -> Sleep {
    wasmtimer::tokio::sleep(time.min(LONGEST))
}

/// Bounds a future by a time. A ready result wins over a time that has passed.
pub(crate) fn timeout<F: Future>(time: Duration, future: F) -> Timeout<F> {
    wasmtimer::tokio::timeout(time.min(LONGEST), future)
}

/// Bounds a future by an instant. A ready result wins over an instant that has passed.
pub(crate) fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    let latest = Instant::now() + LONGEST;
    wasmtimer::tokio::timeout_at(deadline.min(latest), future)
}

/// Returns without a check: JavaScript always has timers.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn in_runtime() -> Result<(), Error> {
    Ok(())
}

/// Returns a random number for waits.
pub(crate) fn random_number() -> u64 {
    getrandom::u64().unwrap_or_default()
}

/// Runs a future in the background.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    wasm_bindgen_futures::spawn_local(future);
}

/// The id of JavaScript's only runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeId;

/// JavaScript's only runtime.
#[derive(Clone, Debug)]
pub(crate) struct Spawner;

impl Spawner {
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) fn current() -> Option<Self> {
        Some(Self)
    }

    #[allow(clippy::unused_self)]
    pub(crate) fn id(&self) -> RuntimeId {
        RuntimeId
    }

    /// Runs a future in the background.
    #[allow(clippy::unused_self)]
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        spawn(future);
    }
}

/// Returns the time since 1970.
pub(crate) fn since_epoch() -> Duration {
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A value that belongs to a runtime, of which JavaScript has one.
pub(crate) struct PerRuntime<T> {
    make: Box<dyn Fn() -> Result<T, Error> + Send + Sync>,
    made: OnceLock<T>,
}

impl<T: Clone> PerRuntime<T> {
    pub(crate) fn new(make: impl Fn() -> Result<T, Error> + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            made: OnceLock::new(),
        }
    }

    /// Returns what belongs to the runtime. Makes it if there is nothing.
    pub(crate) fn get(&self) -> Result<T, Error> {
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let made = (self.make)()?;
        Ok(self.made.get_or_init(|| made).clone())
    }
}
