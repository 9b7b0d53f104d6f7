//! Connections per runtime.
//!
//! The tasks that drive a connection live in the runtime in which it was made. If several runtimes shared a client's
//! connections, calls in one runtime would hang or fail as soon as another one is dropped or no longer polled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Id;
use tokio::sync::oneshot;

use super::runtime::{has_io, runtime};
use crate::error::Error;

/// Connections of type `T`, one set for each runtime that calls.
pub(crate) struct PerRuntime<T> {
    make: Box<dyn Fn() -> Result<T, Error> + Send + Sync>,
    entries: Entries<T>,
}

type Entries<T> = Arc<Mutex<Vec<Entry<T>>>>;

struct Entry<T> {
    runtime: Id,
    connections: T,
    /// Dropped with the client, which ends the task that watches the runtime.
    _client_lives: oneshot::Sender<()>,
}

impl<T: Clone + Send + 'static> PerRuntime<T> {
    pub(crate) fn new(make: impl Fn() -> Result<T, Error> + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            entries: Entries::default(),
        }
    }

    /// Returns the connections of the runtime that the caller is in. Makes them if it has none.
    pub(crate) fn get(&self) -> Result<T, Error> {
        let runtime = runtime()?;
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.iter().find(|entry| entry.runtime == runtime.id()) {
            return Ok(entry.connections.clone());
        }
        has_io()?;
        let connections = (self.make)()?;
        let (client_lives, client_dropped) = oneshot::channel();
        let forget = Forget {
            runtime: runtime.id(),
            entries: Arc::downgrade(&self.entries),
        };
        entries.push(Entry {
            runtime: runtime.id(),
            connections: connections.clone(),
            _client_lives: client_lives,
        });
        // If the runtime is shutting down, it drops the task at once, and `Forget` takes the lock.
        drop(entries);
        // The task has no work: it is dropped together with the runtime, and `Forget` with it.
        runtime.spawn(async move {
            let _forget = forget;
            let _ = client_dropped.await;
        });
        Ok(connections)
    }
}

impl<T> PerRuntime<T> {
    /// Replaces the connections that `is_old` accepts, in whichever runtime they are. Returns whether there are any.
    #[cfg(feature = "http")]
    pub(crate) fn replace(&self, is_old: impl Fn(&T) -> bool) -> bool {
        let find = |entries: &[Entry<T>]| {
            let mut entries = entries.iter();
            entries.position(|entry| is_old(&entry.connections))
        };
        // Of many calls that ask for this together, only the first ones make new connections.
        if find(&lock(&self.entries)).is_none() {
            return false;
        }
        let Ok(new) = (self.make)() else {
            return false;
        };
        let mut entries = lock(&self.entries);
        let index = find(&entries);
        let replaced = index.map(|index| std::mem::replace(&mut entries[index].connections, new));
        // Dropping connections may take long: not under the lock.
        drop(entries);
        replaced.is_some()
    }
}

/// The guard that removes a runtime's connections when it is dropped: together with the runtime, whose tasks own it.
struct Forget<T> {
    runtime: Id,
    entries: Weak<Mutex<Vec<Entry<T>>>>,
}

impl<T> Drop for Forget<T> {
    fn drop(&mut self) {
        let Some(entries) = self.entries.upgrade() else {
            return;
        };
        let mut locked = lock(&entries);
        let index = locked
            .iter()
            .position(|entry| entry.runtime == self.runtime);
        let forgotten = index.map(|index| locked.swap_remove(index));
        // Dropping connections may take long: not under the lock.
        drop(locked);
        drop(forgotten);
    }
}

fn lock<T>(entries: &Mutex<Vec<Entry<T>>>) -> MutexGuard<'_, Vec<Entry<T>>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use tokio::runtime::Runtime;

    use super::*;

    const THREADS: usize = 3;

    fn new_runtime() -> Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    /// Returns connections with ascending numbers.
    fn numbered() -> PerRuntime<usize> {
        let made = AtomicUsize::new(0);
        PerRuntime::new(move || Ok(made.fetch_add(1, Ordering::SeqCst)))
    }

    #[test]
    fn runtime_has_own_connections_until_it_is_dropped() {
        let connections = numbered();
        let all_have = Barrier::new(THREADS);
        let connect_in_new_runtime = || {
            let runtime = new_runtime();
            let guard = runtime.enter();
            let number = connections.get().unwrap();
            all_have.wait();
            assert_eq!(connections.get().unwrap(), number);
            drop(guard);
            number
        };
        let mut numbers: Vec<usize> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| scope.spawn(connect_in_new_runtime))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        numbers.sort_unstable();
        assert_eq!(numbers, (0..THREADS).collect::<Vec<_>>());
        assert!(
            lock(&connections.entries).is_empty(),
            "connections of dropped runtimes are left"
        );
    }

    #[test]
    #[cfg(feature = "http")]
    fn old_connections_are_replaced_once() {
        let connections = numbered();
        let runtime = new_runtime();
        let _guard = runtime.enter();
        assert_eq!(connections.get().unwrap(), 0);
        assert!(connections.replace(|number| *number == 0));
        assert!(!connections.replace(|number| *number == 0));
        assert_eq!(connections.get().unwrap(), 1);
    }

    #[test]
    fn threads_of_runtime_share_connections() {
        let connections = numbered();
        let runtime = new_runtime();
        let connect = || {
            let _guard = runtime.enter();
            assert_eq!(connections.get().unwrap(), 0);
        };
        thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(connect))));
        assert_eq!(lock(&connections.entries).len(), 1);
    }

    #[test]
    fn client_and_runtimes_can_be_dropped_at_once() {
        let connections = Arc::new(numbered());
        let start = Barrier::new(THREADS + 1);
        let entries = Arc::downgrade(&connections.entries);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                let connections = Arc::clone(&connections);
                let start = &start;
                scope.spawn(move || {
                    let runtime = new_runtime();
                    runtime.block_on(async { connections.get() }).unwrap();
                    drop(connections);
                    start.wait();
                });
            }
            start.wait();
            drop(connections);
        });
        assert!(entries.upgrade().is_none(), "the connections are kept");
    }
}
