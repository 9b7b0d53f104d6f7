//! The clock of std, the timers and tasks of tokio.

use std::hash::{BuildHasher as _, RandomState};
use std::process;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
pub(crate) use tokio::runtime::Id as RuntimeId;

pub(crate) use super::per_runtime::PerRuntime;
pub(crate) use super::runtime::in_runtime;
pub(crate) use std::time::Instant;
pub(crate) use tokio::time::{Timeout, sleep, timeout};

/// Bounds a future by an instant. A ready result wins over an instant that has passed.
pub(crate) fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    tokio::time::timeout_at(deadline.into(), future)
}

/// Runs a future in the background.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

/// A runtime in which tasks can be started, also from outside.
#[derive(Clone, Debug)]
pub(crate) struct Spawner(Handle);

impl Spawner {
    /// Returns that of the caller's runtime; `None` outside a runtime.
    pub(crate) fn current() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }

    pub(crate) fn id(&self) -> RuntimeId {
        self.0.id()
    }

    /// Runs a future in the background.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}

/// Returns a number for waits, which is random enough to spread them. The process and the time are a part of it,
/// because forked processes have the same `RandomState`.
pub(crate) fn random_number() -> u64 {
    RandomState::new().hash_one((process::id(), Instant::now()))
}

/// Returns the time since 1970.
pub(crate) fn since_epoch() -> Duration {
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}
