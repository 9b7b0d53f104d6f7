//! The gRPC connections of a runtime to a node: another one is made when all streams of the first ones are in use.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::connection::{Connection, KeepAlive};
use crate::transport::dial::{DialError, Dialer};

/// The number of calls per connection before another one is used: the limit of most servers and proxies.
const STREAMS: usize = 100;

/// The time that calls wait for another connection although those that exist would take them.
const PATIENCE: Duration = Duration::from_millis(250);

/// The silence after which a connection may be dead.
const SILENCE: Duration = Duration::from_millis(100);

/// Connections, which are made on demand.
pub(super) struct Pool {
    dialer: Arc<Dialer>,
    max_connections: usize,
    keep_alive: Option<KeepAlive>,
    state: Mutex<State>,
    /// Tells calls that wait that there may be a stream for them.
    changed: Arc<Notify>,
    this: Weak<Self>,
}

#[derive(Default)]
struct State {
    connections: Vec<Arc<Connection>>,
    dial: Option<Arc<Dial>>,
}

/// A connection that is being made, in a task of its own: calls that do not wait for its end do not end it.
struct Dial {
    started: Instant,
    outcome: OnceLock<Outcome>,
    task: OnceLock<AbortHandle>,
}

type Outcome = Result<Arc<Connection>, Arc<DialError>>;

/// The next step of a call that needs a connection.
enum Step {
    Use(Lease),
    Fail(Arc<DialError>),
    /// Waits for a change, at most until then.
    Wait(Option<Instant>),
}

/// A call's use of a connection.
pub(super) struct Lease {
    pool: Arc<Pool>,
    pub(super) connection: Arc<Connection>,
    /// Each copy of it takes a lock, so there is one for a call.
    pub(super) sender: SendRequest<Bytes>,
}

/// A connection that takes a call, and what sends the request.
type Free = (Arc<Connection>, SendRequest<Bytes>);

impl Pool {
    pub(super) fn new(
        dialer: Arc<Dialer>,
        max_connections: usize,
        keep_alive: Option<KeepAlive>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            dialer,
            max_connections,
            keep_alive,
            state: Mutex::default(),
            changed: Arc::default(),
            this: Weak::clone(this),
        })
    }

    /// Returns a connection with a free stream. Makes one if there is none.
    ///
    /// # Errors
    ///
    /// That of the dial which the call has waited for.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Arc<DialError>> {
        let began = Instant::now();
        let mut awaited = None;
        if let Some(free) = self.state().free() {
            return Ok(Lease::new(self, free));
        }
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before the step, so that no change is missed.
            changed.as_mut().enable();
            match self.step(began, &mut awaited) {
                Step::Use(lease) => return Ok(lease),
                Step::Fail(error) => return Err(error),
                Step::Wait(Some(until)) => drop(timeout_at(until, changed).await),
                Step::Wait(None) => changed.await,
            }
        }
    }

    /// Decides what a call does that began at that time, and may have waited for a dial.
    fn step(self: &Arc<Self>, began: Instant, awaited: &mut Option<Arc<Dial>>) -> Step {
        let mut state = self.state();
        if let Some(free) = state.free() {
            return Step::Use(Lease::new(self, free));
        }
        let spare = state.least_used();
        let mut may_dial = state.connections.len() < self.max_connections;
        let ended = awaited.take_if(|dial| dial.outcome.get().is_some());
        match ended.as_ref().and_then(|dial| dial.outcome.get()) {
            // It ended at once: that is the end of the call too.
            Some(Ok(connection)) if !connection.is_open() => {
                let sender = connection.sender();
                return Step::Use(Lease::new(self, (Arc::clone(connection), sender)));
            }
            // A dial that another call started long before says nothing when its time is over.
            Some(Err(error)) if state.connections.is_empty() => {
                let is_own = ended.as_ref().is_some_and(|dial| dial.started >= began);
                if is_own || !error.is_timeout() {
                    return Step::Fail(Arc::clone(error));
                }
            }
            // The connections that there are must do.
            Some(Err(_)) => may_dial = false,
            _ => {}
        }
        if !may_dial {
            return spare.map_or(Step::Wait(None), |spare| Step::Use(Lease::new(self, spare)));
        }
        let (dial, is_new) = state.dial();
        let until = dial.started + PATIENCE;
        let step = match spare {
            Some(spare) if until <= Instant::now() => Step::Use(Lease::new(self, spare)),
            Some(_) => Step::Wait(Some(until)),
            None => Step::Wait(None),
        };
        // A runtime that shuts down ends the task at once, and the end takes the lock.
        drop(state);
        if is_new {
            self.start(&dial);
        }
        *awaited = Some(dial);
        step
    }

    /// Starts the task of a dial.
    fn start(&self, dial: &Arc<Dial>) {
        let ending = Ending {
            pool: Weak::clone(&self.this),
            dial: Arc::clone(dial),
        };
        let dialer = Arc::clone(&self.dialer);
        let keep_alive = self.keep_alive;
        let changed = Arc::clone(&self.changed);
        let begin = move |connected| Connection::new(connected, keep_alive, Arc::clone(&changed));
        let task = tokio::spawn(async move { ending.end(dialer.dial(begin).await) });
        let _ = dial.task.set(task.abort_handle());
    }

    /// Takes note of a call that was sent at that time and has ended without a reply. If the server has been silent
    /// since, the connection may be dead, and others may have died with it: no new call uses them.
    pub(super) fn unanswered(&self, connection: &Connection, sent: u64) {
        let Some(since) = connection.activity().silent_since(sent, SILENCE) else {
            return;
        };
        let state = self.state();
        let silent = |other: &&Arc<Connection>| {
            !other
                .activity()
                .has_read_since(since, connection.activity())
        };
        state
            .connections
            .iter()
            .filter(silent)
            .for_each(|other| other.retire());
        drop(state);
        connection.retire();
        self.dialer.failed(connection.address);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let dial = self.state().dial.take();
        if let Some(task) = dial.as_ref().and_then(|dial| dial.task.get()) {
            task.abort();
        }
    }
}

impl State {
    /// Returns the first connection on which few calls are in flight. Forgets those that are not open.
    fn free(&mut self) -> Option<Free> {
        let mut index = 0;
        while let Some(connection) = self.connections.get(index) {
            let is_full = connection.calls() >= connection.max_calls().min(STREAMS);
            match connection.open_sender() {
                Some(sender) if !is_full => return Some((Arc::clone(connection), sender)),
                Some(_) => index += 1,
                None => drop(self.connections.remove(index)),
            }
        }
        None
    }

    /// Returns the dial that runs or, and then true, one that the caller starts.
    fn dial(&mut self) -> (Arc<Dial>, bool) {
        if let Some(dial) = &self.dial {
            return (Arc::clone(dial), false);
        }
        let dial = Arc::new(Dial {
            started: Instant::now(),
            outcome: OnceLock::new(),
            task: OnceLock::new(),
        });
        self.dial = Some(Arc::clone(&dial));
        (dial, true)
    }

    /// Returns the connection with the fewest calls, if the server allows one more.
    fn least_used(&self) -> Option<Free> {
        let connections = self.connections.iter();
        let spare = connections
            .filter(|connection| connection.calls() < connection.max_calls())
            .min_by_key(|connection| connection.calls())?;
        Some((Arc::clone(spare), spare.sender()))
    }
}

/// The end of a dial, also if its task is dropped or panics.
struct Ending {
    pool: Weak<Pool>,
    dial: Arc<Dial>,
}

impl Ending {
    fn end(self, outcome: Result<Connection, DialError>) {
        let _ = self
            .dial
            .outcome
            .set(outcome.map(Arc::new).map_err(Arc::new));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let outcome = self
            .dial
            .outcome
            .get_or_init(|| Err(Arc::new(DialError::Ended)));
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        let mut state = pool.state();
        if let Ok(connection) = outcome {
            state.connections.push(Arc::clone(connection));
        }
        state.dial = None;
        drop(state);
        pool.changed.notify_waiters();
    }
}

impl Lease {
    /// Counts a call. The caller holds the pool's lock, so that no connection gets more calls than it takes.
    fn new(pool: &Arc<Pool>, (connection, sender): Free) -> Self {
        connection.add_call();
        Self {
            pool: Arc::clone(pool),
            connection,
            sender,
        }
    }

    /// Takes note of a call that was sent at that time and has ended without a reply.
    pub(super) fn unanswered(&self, sent: u64) {
        self.pool.unanswered(&self.connection, sent);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.remove_call();
        self.pool.changed.notify_one();
    }
}
