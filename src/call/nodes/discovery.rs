//! The nodes that a function of the user's finds.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::call::{Deadline, Provider};
use crate::error::Error;
use crate::platform::{self, Instant};

/// The longest time that a call waits for other nodes while it has some to call.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time after which a function that has failed is asked again, unless its usual time is shorter.
const PAUSE: Duration = Duration::from_secs(1);

/// A function that finds the nodes, and when it is asked.
#[derive(Debug)]
pub(crate) struct Discovery {
    provider: Provider<Vec<String>>,
    every: Duration,
    /// `None` until it is asked for the first time.
    due: Mutex<Option<Instant>>,
    /// Held while the function is asked: one call asks.
    asking: tokio::sync::Mutex<()>,
}

impl Discovery {
    pub(crate) fn new(provider: Provider<Vec<String>>, every: Duration) -> Self {
        Self {
            provider,
            every,
            due: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn is_due(&self) -> bool {
        self.due().is_none_or(|due| due <= Instant::now())
    }

    /// Asks the function, and passes the URLs that it found to `set`. The first time all calls wait for it, later only the
    /// call that asks.
    pub(super) async fn refresh(
        &self,
        deadline: Deadline,
        set: impl Fn(&[String]) -> Result<(), Error>,
    ) {
        let is_first = self.due().is_none();
        let patience = if is_first {
            deadline.left() / 2
        } else {
            PATIENCE.min(deadline.left() / 2)
        };
        let asking = match self.asking.try_lock() {
            Ok(asking) => Some(asking),
            Err(_) if is_first => {
                let asking = platform::timeout(patience, self.asking.lock()).await;
                asking.ok()
            }
            Err(_) => None,
        };
        if asking.is_none() || !self.is_due() {
            return;
        }
        let outcome = match platform::timeout(patience, self.provider.fetch()).await {
            Ok(Ok(urls)) => set(&urls).map_err(|error| error.to_string()),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err(format!("it returned nothing within {patience:?}")),
        };
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
        let due = Instant::now() + wait;
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = Some(due);
    }

    fn due(&self) -> Option<Instant> {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
