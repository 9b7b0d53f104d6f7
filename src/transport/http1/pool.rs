//! The HTTP/1 connections of a runtime to a node. A call has one for itself; it takes an idle one, or has one dialled.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::connection::Connection;
use crate::transport::dial::{DialError, Dialer};

/// The maximal number of dials that go on although their calls have ended.
const MAX_LEFT: usize = 2;

/// The age up to which a call takes over a dial that nothing waits for: a dial of its own would hardly be faster.
const YOUNG: Duration = Duration::from_millis(100);

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
    began: Instant,
    /// `None` until it is known.
    task: Option<AbortHandle>,
    /// True if the call that has begun it, or taken it over, waits for a connection.
    is_awaited: bool,
}

/// A call that waits for a connection, and the number of its dial.
struct Waiting {
    dial: u64,
    connection: oneshot::Sender<Outcome>,
}

type Outcome = Result<Lease, DialError>;

/// The next step of a call that needs a connection.
enum Step {
    Use(Idle),
    Wait(Waiter),
}

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
        desk.waiting.push_back(Waiting {
            dial,
            connection: sender,
        });
        // A runtime that shuts down ends the task at once, and the end takes the lock.
        drop(desk);
        let is_own = taken_over.is_none();
        if is_own {
            self.start(dial);
        }
        Step::Wait(Waiter {
            dial,
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
        let dials = desk.dials.iter().filter_map(|dial| dial.task.as_ref());
        dials.chain(&desk.closer).for_each(AbortHandle::abort);
    }
}

impl Idle {
    /// Returns the connection, unless the server has closed it.
    async fn open(mut self) -> Option<Lease> {
        if self.since.elapsed() >= LONG {
            // The runtime hears of closed connections when it has nothing else to do.
            tokio::task::yield_now().await;
        }
        let is_open = self.connection.is_open();
        is_open.then_some(Lease {
            connection: self.connection,
            is_used: true,
        })
    }
}

impl Desk {
    /// Adds a dial, and returns its number.
    fn add_dial(&mut self) -> u64 {
        self.count += 1;
        self.dials.push(Dial {
            number: self.count,
            began: Instant::now(),
            task: None,
            is_awaited: true,
        });
        self.count
    }

    /// Takes over a young dial that nothing waits for, and returns its number.
    fn take_over(&mut self) -> Option<u64> {
        let mut dials = self.dials.iter_mut();
        let dial = dials.find(|dial| !dial.is_awaited && dial.is_young())?;
        dial.is_awaited = true;
        Some(dial.number)
    }

    fn dial(&mut self, number: u64) -> Option<&mut Dial> {
        self.dials.iter_mut().find(|dial| dial.number == number)
    }

    /// Forgets a dial that has ended, and returns the call that waits for it.
    fn remove_dial(&mut self, number: u64) -> Option<Waiting> {
        self.dials.retain(|dial| dial.number != number);
        self.remove_waiting(number)
    }

    /// Hands out the outcome of a dial: a failure to the call that has begun the dial, a connection to another one if
    /// that has ended. Returns a connection that nothing waits for.
    fn take_outcome(
        &mut self,
        number: u64,
        outcome: Result<Connection, DialError>,
    ) -> Option<Connection> {
        let own = self.remove_dial(number);
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
            self.set_free(waiting.dial);
            match waiting.connection.send(Ok(lease)) {
                Err(Ok(given_back)) => lease = given_back,
                _ => return None,
            }
        }
        Some(lease.connection)
    }

    /// Lets a dial go on whose call has got another connection: the next call may take it over. Ends those that are too
    /// old for that, but for a few.
    fn set_free(&mut self, number: u64) {
        if let Some(dial) = self.dial(number) {
            dial.is_awaited = false;
        }
        let dials = self.dials.iter();
        let old = dials.filter(|dial| !dial.is_awaited && !dial.is_young());
        old.skip(MAX_LEFT).for_each(Dial::abort);
    }

    /// Lets a dial go on whose call has ended, unless enough others do.
    fn leave(&mut self, number: u64) {
        let left = self.dials.iter().filter(|dial| !dial.is_awaited).count();
        let Some(index) = self.dials.iter().position(|dial| dial.number == number) else {
            return;
        };
        if left < MAX_LEFT {
            self.dials[index].is_awaited = false;
        } else {
            self.dials.remove(index).abort();
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

impl Dial {
    fn is_young(&self) -> bool {
        self.began.elapsed() < YOUNG
    }

    fn abort(&self) {
        self.task.iter().for_each(AbortHandle::abort);
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
        drop(pool.desk().remove_dial(self.number));
    }
}

/// A call that waits for a connection. If it is dropped, its dial goes on, unless enough others do.
struct Waiter {
    dial: u64,
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
        let mut desk = self.pool.desk();
        if desk.remove_waiting(self.dial).is_some() {
            desk.leave(self.dial);
        }
    }
}
