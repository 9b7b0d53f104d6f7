//! Connections, kept a runtime.
//!
//! The tasks that drive a connection live in the runtime in which it was made. Were a client's connections shared
//! by several runtimes, calls in one would hang or fail as soon as another is dropped or no longer polled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

use crate::Error;

pub(crate) struct PerRuntime<T> {
    make: Box<dyn Fn() -> Result<T, Error> + Send + Sync>,
    entries: Entries<T>,
}

type Entries<T> = Arc<Mutex<Vec<Entry<T>>>>;

struct Entry<T> {
    runtime: Id,
    connections: T,
    /// Ends the runtime's watching task when the client is dropped.
    _client_lives: oneshot::Sender<()>,
}

impl<T: Clone + Send + 'static> PerRuntime<T> {
    pub(crate) fn new(make: impl Fn() -> Result<T, Error> + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), entries: Entries::default() }
    }

    /// The connections of the runtime that the caller is in.
    pub(crate) fn get(&self) -> Result<T, Error> {
        let runtime = runtime()?;
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.iter().find(|entry| entry.runtime == runtime.id()) {
            return Ok(entry.connections.clone());
        }
        let connections = (self.make)()?;
        let (client_lives, client_dropped) = oneshot::channel();
        let forget = Forget { runtime: runtime.id(), entries: Arc::downgrade(&self.entries) };
        entries.push(Entry {
            runtime: runtime.id(),
            connections: connections.clone(),
            _client_lives: client_lives,
        });
        // A runtime that shuts down drops the task at once, which takes the lock.
        drop(entries);
        runtime.spawn(async move {
            let _forget = forget;
            let _ = client_dropped.await;
        });
        Ok(connections)
    }
}

/// The runtime that the caller is in.
pub(crate) fn runtime() -> Result<Handle, Error> {
    Handle::try_current()
        .map_err(|_| Error::Config("calls need a tokio runtime: make them in one".to_owned()))
}

/// Forgets a runtime's connections when the runtime is dropped, and its tasks with it.
struct Forget<T> {
    runtime: Id,
    entries: Weak<Mutex<Vec<Entry<T>>>>,
}

impl<T> Drop for Forget<T> {
    fn drop(&mut self) {
        let Some(entries) = self.entries.upgrade() else { return };
        let mut entries = lock(&entries);
        let forgotten =
            entries.iter().position(|entry| entry.runtime == self.runtime).map(|i| entries.swap_remove(i));
        // Connections may do more than a little when they are dropped: not under the lock.
        drop(entries);
        drop(forgotten);
    }
}

fn lock<T>(entries: &Mutex<Vec<Entry<T>>>) -> MutexGuard<'_, Vec<Entry<T>>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}
