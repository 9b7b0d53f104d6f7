//! The nodes that a function of the user's finds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::call::provider::Fetches;
use crate::call::{Deadline, Provider};
use crate::error::Error;
use crate::platform::{self, Instant};

/// The time after which a function that has failed is asked again, unless its usual time is shorter.
const PAUSE: Duration = Duration::from_secs(1);

/// A function that finds the nodes, and when it is asked.
pub(crate) struct Discovery {
    provider: Provider<Vec<String>>,
    every: Duration,
    /// `None` until it has returned for the first time.
    due: Mutex<Option<Instant>>,
    fetches: Fetches<Vec<String>>,
    /// The result of the function that no call has taken yet.
    found: Arc<Mutex<Option<Found>>>,
}

/// The URLs that the function has found, or why there are none.
type Found = Result<Vec<String>, String>;

impl Discovery {
    pub(crate) fn new(provider: Provider<Vec<String>>, every: Duration) -> Self {
        Self {
            provider,
            every,
            due: Mutex::default(),
            fetches: Fetches::default(),
            found: Arc::default(),
        }
    }

    /// Returns whether the function is to be asked, or has returned something.
    pub(super) fn is_due(&self) -> bool {
        let is_time = lock(&self.due).is_none_or(|due| due <= Instant::now());
        is_time || lock(&self.found).is_some()
    }

    /// Passes the URLs that the function has found to `set`, or lets it be asked. Only the calls before it has returned for
    /// the first time wait for it, for half of their time.
    pub(super) async fn refresh(
        &self,
        deadline: Deadline,
        set: impl Fn(&[String]) -> Result<(), Error>,
    ) {
        let found = lock(&self.found).take();
        if let Some(found) = found {
            return self.take(found, set);
        }
        let is_first = lock(&self.due).is_none();
        let provider = self.provider.clone();
        let found = Arc::clone(&self.found);
        let fetch = || async move {
            let outcome = provider.fetch().await;
            *lock(&found) = Some(outcome.clone());
            outcome
        };
        let joined = self.fetches.join(|| None, fetch);
        if let Some(joined) = joined.filter(|_| is_first)
            && let Ok(found) = platform::timeout(deadline.left() / 2, joined.outcome()).await
        {
            lock(&self.found).take();
            self.take(found, set);
        }
    }

    /// Takes what the function has returned.
    fn take(&self, found: Found, set: impl Fn(&[String]) -> Result<(), Error>) {
        let outcome = found.and_then(|urls| set(&urls).map_err(|error| error.to_string()));
        let wait = match outcome {
            Ok(()) => self.every,
            Err(reason) => {
                tracing::warn!(
                    reason,
                    "endpoints_provider has failed: the nodes stay as they are"
                );
                self.every.min(PAUSE)
            }
        };
        *lock(&self.due) = Some(Instant::now() + wait);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
