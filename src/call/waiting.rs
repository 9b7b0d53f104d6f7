//! Calls that wait to be made, and are sent before a client closes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::platform::{self, Instant};

/// A queue of calls that nobody waits for.
pub(crate) trait Waiting: Send + Sync {
    /// Refuses further calls.
    fn refuse(&self);

    /// Waits until all calls were made.
    fn sent(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Drops the calls that were not made, and returns their channels.
    fn drop_rest(&self) -> Vec<Arc<str>>;
}

/// The queues of a client and its clones.
#[derive(Default)]
pub(crate) struct Queues(Mutex<Vec<Weak<dyn Waiting>>>);

impl Queues {
    /// Adds a queue.
    pub(crate) fn add(&self, queue: Weak<dyn Waiting>) {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(queue);
    }

    /// Refuses further calls, and waits until the others were made, or until `ends`. Returns the channels of those that
    /// were not.
    pub(super) async fn close(&self, ends: Instant) -> Vec<Arc<str>> {
        let queues = self.all();
        queues.iter().for_each(|queue| queue.refuse());
        let mut dropped = Vec::new();
        for queue in queues {
            let _ = platform::timeout_at(ends, Arc::clone(&queue).sent()).await;
            dropped.extend(queue.drop_rest());
        }
        dropped
    }

    fn all(&self) -> Vec<Arc<dyn Waiting>> {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.iter().filter_map(Weak::upgrade).collect()
    }
}
