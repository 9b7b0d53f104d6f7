//! The runtime of a blocking client, and the process that it belongs to.

use std::process;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::client::Client;
use crate::error::Error;

/// A current-thread runtime, driven by the calling thread: its connections make progress only during calls.
///
/// It belongs to the process that made the first call. A forked child has the parent's connections too, and its locks
/// as they were: the child uses nothing of it, and drops nothing.
pub(super) struct OwnRuntime {
    /// Set by the first call: a client that has not been used yet is usable in forked processes.
    started: OnceLock<Started>,
    /// The end of the last call.
    last_call: Mutex<Option<Instant>>,
    /// The client that the calls use. Taken by `drop`.
    client: Option<Client>,
}

/// A runtime, and the process in which it was made.
struct Started {
    runtime: Runtime,
    process: u32,
}

/// The time after a call within which the next call does not look for closed connections.
const FRESH: Duration = Duration::from_micros(100);

impl OwnRuntime {
    /// Returns the runtime of a client, which the first call starts.
    pub(super) fn new(client: Client) -> Self {
        Self {
            started: OnceLock::new(),
            last_call: Mutex::new(None),
            client: Some(client),
        }
    }

    /// Runs a call on the calling thread, which drives the connections meanwhile.
    pub(super) fn block_on<F>(&self, future: F) -> Result<F::Output, Error>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let Started { runtime, process } = self.started()?;
        if *process != process::id() {
            return Err(Error::Config(
                "the process was forked after this client's first call: create a client in each process, after the fork"
                    .to_owned(),
            ));
        }
        let call = async {
            let last_call = *self.last_call();
            if last_call.is_none_or(|last_call| last_call.elapsed() > FRESH) {
                notice_closed_connections().await;
            }
            let output = future.await;
            *self.last_call() = Some(Instant::now());
            output
        };
        let Ok(current) = Handle::try_current() else {
            return Ok(runtime.block_on(call));
        };
        if current.id() == runtime.handle().id() {
            return Err(Error::Config(
                "a call of a blocking client was made within another call of it, by an observer, a provider, a layer or a \
                 subscriber of `tracing`, and would wait for that forever: use another client there"
                    .to_owned(),
            ));
        }
        // A thread that belongs to a runtime may not enter another one, so a scoped thread runs the call.
        std::thread::scope(|scope| {
            let outcome = scope.spawn(|| runtime.block_on(call)).join();
            Ok(outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// Returns whether calls are possible: not in a process that was forked after the first one.
    pub(super) fn is_usable(&self) -> bool {
        let started = self.started.get();
        started.is_none_or(|started| started.process == process::id())
    }

    /// Returns the runtime. Creates it at the first call.
    fn started(&self) -> Result<&Started, Error> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| {
            Error::Config(format!(
                "the runtime of a blocking client cannot be created: {error}"
            ))
        })?;
        let process = process::id();
        if let Err(second) = self.started.set(Started { runtime, process }) {
            // Another thread was faster.
            second.runtime.shutdown_background();
        }
        Ok(self
            .started
            .get()
            .unwrap_or_else(|| unreachable!("it was set, here or by another thread")))
    }

    fn last_call(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last_call
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets connections notice that the server has closed them, since nothing drives them between calls: a call must not
/// be sent over a closed connection.
async fn notice_closed_connections() {
    // One yield to receive the event, the rest to let the tasks process it.
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        let Some(started) = self.started.take() else {
            return;
        };
        let client = self.client.take();
        if started.process == process::id() {
            drop(client);
            // `drop` of a runtime waits for its threads, which panics inside async code.
            started.runtime.shutdown_background();
        } else {
            std::mem::forget((started, client));
        }
    }
}
