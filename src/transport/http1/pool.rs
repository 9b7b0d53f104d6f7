//! The HTTP/1 connections of a runtime to a node. A call has one for itself; it takes an idle one, or has one dialled.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::connection::Connection;
use crate::transport::dial::{DialError, Dialer};

/// The maximal number of dials that go on although nothing waits for them.
const MAX_LEFT: usize = 2;

/// The time of idleness after which the runtime is let look for the end of a connection before a call uses it.
const LONG: Duration = Duration::from_millis(100);

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

/// Idle connections, dials, and the calls that wait for a connection.
#[derive(Default)]
struct Desk {
    /// The one that was used last is at the end.
    idle: Vec<Idle>,
    waiting: VecDeque<Waiting>,
    dials: Vec<Dial>,
    /// The number of dials so far, of which each has its number.
    count: u64,
    /// The task that closes what is idle for too long, or has been closed by the server, while there is something idle.
    closer: Option<AbortHandle>,
    /// The last time at which something was read from the node.
    last_read: Option<Instant>,
}

struct Idle {
    since: Instant,
    connection: Connection,
}

/// A dial, in a task of its own.
struct Dial {
    number: u64,
    task: AbortHandle,
}

/// A call that waits for a connection, and the number of the dial that it has begun.
struct Waiting {
    dial: u64,
    connection: oneshot::Sender<Outcome>,
}

type Outcome = Result<Lease, DialError>;

/// A connection that one call uses. Dropped, it is closed.
pub(super) struct Lease {
    pub(super) connection: Connection,
    /// True if other calls have used it before.
    pub(super) is_used: bool,
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
        while let Some(mut idle) = self.take_idle() {
            if idle.since.elapsed() >= LONG {
                // The runtime hears of closed connections when it has nothing else to do.
                tokio::task::yield_now().await;
            }
            if idle.connection.is_open() {
                return Ok(Lease {
                    connection: idle.connection,
                    is_used: true,
                });
            }
        }
        let waiter = self.start_dial();
        waiter.connection().await
    }

    fn take_idle(&self) -> Option<Idle> {
        let mut desk = self.desk();
        desk.close_old(self.idle_timeout);
        desk.idle.pop()
    }

    /// Starts a dial in a task of its own, and returns what waits for its connection, or for another one.
    fn start_dial(self: &Arc<Self>) -> Waiter {
        let (sender, connection) = oneshot::channel();
        let mut desk = self.desk();
        desk.count += 1;
        let number = desk.count;
        desk.waiting.push_back(Waiting {
            dial: number,
            connection: sender,
        });
        // A runtime that shuts down ends the task at once, and the end takes the lock.
        drop(desk);
        let ending = Ending {
            pool: Weak::clone(&self.this),
            number,
        };
        let dialer = Arc::clone(&self.dialer);
        let task = tokio::spawn(async move { ending.end(dialer.dial(Connection::new).await) });
        self.desk().add(Dial {
            number,
            task: task.abort_handle(),
        });
        Waiter {
            dial: number,
            pool: Arc::clone(self),
            connection,
        }
    }

    /// Takes a connection whose call has ended, if another one may use it.
    pub(super) fn take_back(&self, mut connection: Connection) {
        let is_open = connection.is_open();
        let mut desk = self.desk();
        desk.last_read = Some(Instant::now());
        if is_open && let Some(connection) = desk.hand_out(connection, true) {
            self.keep(&mut desk, connection);
        }
    }

    /// Keeps a connection for the next call.
    fn keep(&self, desk: &mut Desk, connection: Connection) {
        desk.idle.push(Idle {
            since: Instant::now(),
            connection,
        });
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
        let dials = desk.dials.iter().map(|dial| &dial.task);
        dials.chain(&desk.closer).for_each(AbortHandle::abort);
    }
}

impl Desk {
    fn add(&mut self, dial: Dial) {
        self.dials.retain(|dial| !dial.task.is_finished());
        self.dials.push(dial);
    }

    /// Hands out the outcome of a dial: a failure to the call that has begun the dial, a connection to another one if
    /// that has ended. Returns a connection that nothing waits for.
    fn take_outcome(
        &mut self,
        number: u64,
        outcome: Result<Connection, DialError>,
    ) -> Option<Connection> {
        let own = self.remove_waiting(number);
        let outcome = outcome.map(|connection| Lease {
            connection,
            is_used: false,
        });
        let left = match own {
            Some(own) => own.connection.send(outcome).err()?,
            None => outcome,
        };
        self.hand_out(left.ok()?.connection, false)
    }

    /// Hands a connection out to the call that waits longest. Returns it if none waits.
    fn hand_out(&mut self, connection: Connection, is_used: bool) -> Option<Connection> {
        let mut lease = Lease {
            connection,
            is_used,
        };
        while let Some(waiting) = self.waiting.pop_front() {
            self.leave(waiting.dial);
            match waiting.connection.send(Ok(lease)) {
                Err(Ok(given_back)) => lease = given_back,
                _ => return None,
            }
        }
        Some(lease.connection)
    }

    /// Lets a dial go on although nothing waits for it, unless enough others do.
    fn leave(&mut self, number: u64) {
        let waiting = &self.waiting;
        let is_left = |dial: &&Dial| {
            let is_awaited = waiting.iter().any(|waiting| waiting.dial == dial.number);
            !is_awaited && !dial.task.is_finished()
        };
        if self.dials.iter().filter(is_left).count() > MAX_LEFT {
            let mut dials = self.dials.iter();
            if let Some(dial) = dials.find(|dial| dial.number == number) {
                dial.task.abort();
            }
        }
    }

    fn remove_waiting(&mut self, number: u64) -> Option<Waiting> {
        let mut waiting = self.waiting.iter();
        let index = waiting.position(|waiting| waiting.dial == number)?;
        self.waiting.remove(index)
    }

    /// Closes the connections that have been idle for too long.
    fn close_old(&mut self, idle_timeout: Duration) {
        self.idle.retain(|idle| idle.since.elapsed() < idle_timeout);
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
            pool.keep(&mut desk, connection);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        // Nothing has been told to the call if the task is dropped.
        drop(pool.desk().remove_waiting(self.number));
    }
}

/// A call that waits for a connection. If it is dropped, its dial goes on, unless enough others do.
struct Waiter {
    dial: u64,
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
        let mut desk = self.pool.desk();
        if desk.remove_waiting(self.dial).is_some() {
            desk.leave(self.dial);
        }
    }
}
