//! The state of a pool: idle connections, dials, and the calls that wait for a connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::connection::Connection;
use crate::transport::dial::DialError;

/// The maximal number of dials that go on although their calls have ended.
const MAX_LEFT: usize = 2;

/// The age up to which a call takes over a dial that nothing waits for: a dial of its own would hardly be faster.
const YOUNG: Duration = Duration::from_millis(100);

/// The time of idleness after which a connection is looked at before a call uses it.
const LONG: Duration = Duration::from_millis(100);

/// Idle connections, dials, and the calls that wait for a connection.
#[derive(Default)]
pub(super) struct Desk {
    /// The one that was used last is at the end.
    pub(super) idle: Vec<Idle>,
    waiting: VecDeque<Waiting>,
    pub(super) dials: Vec<Dial>,
    /// The number of dials and of calls that have waited so far, of which each has its number.
    count: u64,
    /// The task that closes what is idle for too long, or has been closed by the server, while there is something idle.
    pub(super) closer: Option<AbortHandle>,
    /// The last time at which something was read from the node.
    pub(super) last_read: Option<Instant>,
}

pub(super) struct Idle {
    pub(super) since: Instant,
    pub(super) connection: Connection,
}

/// A dial, in a task of its own.
pub(super) struct Dial {
    number: u64,
    began: Instant,
    /// `None` until it is known.
    pub(super) task: Option<AbortHandle>,
    /// True if the call that has begun it, or taken it over, waits for a connection.
    is_awaited: bool,
}

/// A call that waits for a connection, and the number of its dial.
pub(super) struct Waiting {
    /// The number of the call: one that has got its connection may have had the same dial.
    call: u64,
    dial: u64,
    connection: oneshot::Sender<Outcome>,
}

pub(super) type Outcome = Result<Lease, DialError>;

/// A connection that one call uses. Dropped, it is closed.
pub(super) struct Lease {
    pub(super) connection: Connection,
    /// True if other calls have used it before.
    pub(super) is_used: bool,
}

impl Idle {
    /// Returns the connection, unless the server has closed it.
    pub(super) async fn open(mut self) -> Option<Lease> {
        let is_young = self.since.elapsed() < LONG;
        if !is_young {
            // The runtime hears of closed connections when it has nothing else to do.
            tokio::task::yield_now().await;
        }
        // One that no call has used is not ready before it is driven.
        let is_open = (is_young && self.connection.is_ready()) || self.connection.is_open();
        is_open.then_some(Lease {
            connection: self.connection,
            is_used: true,
        })
    }
}

impl Desk {
    /// Adds a dial, and returns its number.
    pub(super) fn add_dial(&mut self) -> u64 {
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
    pub(super) fn take_over(&mut self) -> Option<u64> {
        let mut dials = self.dials.iter_mut();
        let dial = dials.find(|dial| !dial.is_awaited && dial.is_young())?;
        dial.is_awaited = true;
        Some(dial.number)
    }

    pub(super) fn dial(&mut self, number: u64) -> Option<&mut Dial> {
        self.dials.iter_mut().find(|dial| dial.number == number)
    }

    /// Forgets a dial that has ended, and returns the call that waits for it.
    pub(super) fn remove_dial(&mut self, number: u64) -> Option<Waiting> {
        self.dials.retain(|dial| dial.number != number);
        self.remove_waiting(|waiting| waiting.dial == number)
    }

    /// Adds a call that waits for a connection and has that dial, and returns its number.
    pub(super) fn add_waiting(&mut self, dial: u64, connection: oneshot::Sender<Outcome>) -> u64 {
        self.count += 1;
        self.waiting.push_back(Waiting {
            call: self.count,
            dial,
            connection,
        });
        self.count
    }

    /// Forgets a call that waits no longer. If it has got nothing, its dial goes on, unless enough others do.
    pub(super) fn forget(&mut self, call: u64) {
        if let Some(waiting) = self.remove_waiting(|waiting| waiting.call == call) {
            self.leave(waiting.dial);
        }
    }

    /// Hands out the outcome of a dial: a failure to the call that has begun the dial, a connection to another one if
    /// that has ended. Returns a connection that nothing waits for.
    pub(super) fn take_outcome(
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
    pub(super) fn hand_out(&mut self, connection: Connection, is_used: bool) -> Option<Connection> {
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

    fn remove_waiting(&mut self, is_it: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let index = self.waiting.iter().position(is_it)?;
        self.waiting.remove(index)
    }

    /// Closes the connections that have been idle for too long.
    pub(super) fn close_old(&mut self, idle_timeout: Duration) {
        let now = Instant::now();
        let is_old = |idle: &Idle| now.duration_since(idle.since) >= idle_timeout;
        // The one that was used first is in front.
        let old = self.idle.partition_point(is_old);
        self.idle.drain(..old);
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

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::transport::dial::Connected;

    #[tokio::test]
    async fn idle_connection_is_open_until_the_server_closes_it() {
        for since in [Instant::now(), Instant::now() - LONG] {
            let (near, far) = duplex(64);
            let connected = Connected {
                socket: Box::new(near),
                address: None,
            };
            let connection = Connection::new(connected).await.unwrap();
            let lease = Idle { since, connection }.open().await;
            let connection = lease.unwrap().connection;
            drop(far);
            let since = Instant::now() - LONG;
            assert!(Idle { since, connection }.open().await.is_none());
        }
    }
}
