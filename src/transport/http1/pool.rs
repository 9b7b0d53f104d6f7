//! The HTTP/1 connections of a runtime to a node. A call has one for itself; it takes an idle one, or has one dialled.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::connection::Connection;
use super::desk::{Desk, Idle, Lease, Outcome};
use crate::transport::dial::{DialError, Dialer};

/// The time between looks at what is idle.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Connections, which are made on demand.
pub(super) struct Pool {
    dialer: Arc<Dialer>,
    max_idle: usize,
    idle_timeout: Duration,
    desk: Mutex<Desk>,
    this: Weak<Self>,
}

/// The next step of a call that needs a connection.
enum Step {
    Use(Idle),
    Wait(Waiter),
}

impl Pool {
    pub(super) fn new(dialer: Arc<Dialer>, max_idle: usize, idle_timeout: Duration) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            dialer,
            max_idle,
            idle_timeout,
            desk: Mutex::default(),
            this: Weak::clone(this),
        })
    }

    /// Returns a connection that no other call uses.
    ///
    /// # Errors
    ///
    /// That of the dial which the call has begun.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, DialError> {
        loop {
            let waiter = match self.step() {
                Step::Use(idle) => match idle.open().await {
                    Some(lease) => return Ok(lease),
                    None => continue,
                },
                Step::Wait(waiter) => waiter,
            };
            let is_own = waiter.is_own;
            match waiter.connection().await {
                // The failure of another call's dial is not its own.
                Err(_) if !is_own => {}
                outcome => return outcome,
            }
        }
    }

    /// Takes an idle connection. If there is none, a dial is taken over or started, for which the call waits.
    fn step(self: &Arc<Self>) -> Step {
        let mut desk = self.desk();
        desk.close_old(self.idle_timeout);
        if let Some(idle) = desk.idle.pop() {
            return Step::Use(idle);
        }
        let taken_over = desk.take_over();
        let dial = taken_over.unwrap_or_else(|| desk.add_dial());
        let (sender, connection) = oneshot::channel();
        let call = desk.add_waiting(dial, sender);
        // A runtime that shuts down ends the task at once, and the end takes the lock.
        drop(desk);
        let is_own = taken_over.is_none();
        if is_own {
            self.start(dial);
        }
        Step::Wait(Waiter {
            call,
            is_own,
            pool: Arc::clone(self),
            connection,
        })
    }

    /// Starts the task of a dial.
    fn start(&self, number: u64) {
        let ending = Ending {
            pool: Weak::clone(&self.this),
            number,
        };
        let dialer = Arc::clone(&self.dialer);
        let task = tokio::spawn(async move { ending.end(dialer.dial(Connection::new).await) });
        if let Some(dial) = self.desk().dial(number) {
            dial.task = Some(task.abort_handle());
        }
    }

    /// Takes a connection whose call has ended, if another one may use it.
    pub(super) fn take_back(&self, mut connection: Connection) {
        let is_open = connection.is_open();
        let now = Instant::now();
        let mut desk = self.desk();
        desk.last_read = Some(now);
        if is_open && let Some(connection) = desk.hand_out(connection, true) {
            self.keep(&mut desk, connection, now);
        }
    }

    /// Keeps a connection for the next call, which is idle since then.
    fn keep(&self, desk: &mut Desk, connection: Connection, since: Instant) {
        desk.idle.push(Idle { since, connection });
        if desk.idle.len() > self.max_idle {
            desk.idle.remove(0);
        }
        if desk.closer.is_none() && !desk.idle.is_empty() {
            let closing = tokio::spawn(close_idle(Weak::clone(&self.this)));
            desk.closer = Some(closing.abort_handle());
        }
    }

    /// Closes what has been idle for too long, and what the server has closed. Returns whether something is still idle.
    fn close_idle(&self) -> bool {
        let mut desk = self.desk();
        desk.close_old(self.idle_timeout);
        desk.idle.retain_mut(|idle| idle.connection.is_open());
        let is_needed = !desk.idle.is_empty();
        if !is_needed {
            desk.closer = None;
        }
        is_needed
    }

    /// Takes note of a call that was sent at that time and has ended without a reply. Connections that have been idle
    /// since may be as dead: no new call uses them.
    pub(super) fn unanswered(&self, address: Option<SocketAddr>, sent: Instant) {
        let mut desk = self.desk();
        let (dead, idle) = std::mem::take(&mut desk.idle)
            .into_iter()
            .partition(|idle| idle.since < sent);
        desk.idle = idle;
        let is_silent = desk.last_read.is_none_or(|last_read| last_read < sent);
        // Closing connections may take long: not under the lock.
        drop(desk);
        drop::<Vec<Idle>>(dead);
        if is_silent {
            self.dialer.failed(address);
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let desk = self.desk();
        let dials = desk.dials.iter().filter_map(|dial| dial.task.as_ref());
        dials.chain(&desk.closer).for_each(AbortHandle::abort);
    }
}

/// Closes the connections that are idle for too long or closed by the server, until there are none.
async fn close_idle(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        // The client may be dropped meanwhile.
        let is_needed = pool.upgrade().is_some_and(|pool| pool.close_idle());
        if !is_needed {
            return;
        }
    }
}

/// The end of a dial, also if its task is dropped or panics.
struct Ending {
    pool: Weak<Pool>,
    number: u64,
}

impl Ending {
    fn end(self, outcome: Result<Connection, DialError>) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        let mut desk = pool.desk();
        if let Some(connection) = desk.take_outcome(self.number, outcome) {
            pool.keep(&mut desk, connection, Instant::now());
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        // Nothing has been told to the call if the task is dropped.
        drop(pool.desk().remove_dial(self.number));
    }
}

/// A call that waits for a connection. If it is dropped, its dial goes on, unless enough others do.
struct Waiter {
    /// The number of the call.
    call: u64,
    /// True if the call has begun the dial.
    is_own: bool,
    pool: Arc<Pool>,
    connection: oneshot::Receiver<Outcome>,
}

impl Waiter {
    async fn connection(mut self) -> Outcome {
        let outcome = (&mut self.connection).await;
        outcome.unwrap_or(Err(DialError::Ended))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.pool.desk().forget(self.call);
    }
}
