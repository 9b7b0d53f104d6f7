//! A node, and the turns that attempts have on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::health::{Admission, Health};
use crate::error::Error;
use crate::observe::Observers;
use crate::platform::Instant;
use crate::transport::Transport;

/// The time that a node must have been given to be blamed for its silence, unless it is half of what the call was
/// given.
const SHORTEST_SILENCE: Duration = Duration::from_millis(50);

/// The time after which an attempt that was dropped has waited in vain, rather than lost a race.
const DROPPED_IN_VAIN: Duration = Duration::from_millis(250);

/// A server to call.
pub(crate) struct Node {
    pub(crate) transport: Transport,
    /// Fast path: true while `health` says so.
    is_healthy: AtomicBool,
    health: Mutex<Health>,
    observers: Observers,
    /// True if the client has no other node: then it is called whatever its state.
    is_only: AtomicBool,
    /// The state that observers know: true if the node is up. Locked while they are told.
    told: Mutex<bool>,
}

/// A node's turn: an attempt on it, until its outcome is recorded or it is dropped.
pub(crate) struct Turn<'a> {
    pub(crate) node: &'a Node,
    pub(crate) index: usize,
    started: Instant,
    is_probe: bool,
    is_recorded: bool,
}

impl Node {
    pub(super) fn new(transport: Transport, observers: Observers) -> Self {
        Self {
            transport,
            observers,
            is_only: AtomicBool::new(false),
            told: Mutex::new(true),
            is_healthy: AtomicBool::new(true),
            health: Mutex::default(),
        }
    }

    /// Sets whether the client has no other node.
    pub(super) fn set_only(&self, is_only: bool) {
        self.is_only.store(is_only, Ordering::Release);
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.is_healthy.load(Ordering::Acquire)
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_healthy() || self.health().is_up()
    }

    pub(super) fn admit(&self, now: Instant, is_cheap: bool) -> Admission {
        if self.is_healthy() {
            return Admission::Call;
        }
        self.health().admit(now, is_cheap)
    }

    pub(super) fn is_probe_due(&self, now: Instant, is_cheap: bool) -> bool {
        !self.is_healthy() && self.health().is_probe_due(now, is_cheap)
    }

    /// Changes the state.
    fn update(&self, change: impl FnOnce(&mut Health)) {
        let mut health = self.health();
        change(&mut health);
        self.is_healthy
            .store(health.is_healthy(), Ordering::Release);
        drop(health);
        self.tell();
    }

    /// Tells observers of the state if they know another one: in the order of the changes, and never two at a time.
    pub(super) fn tell(&self) {
        while self.try_tell() {}
    }

    /// Tells observers of the state, unless somebody else does, who then looks at the state again. Returns whether it has
    /// changed meanwhile.
    fn try_tell(&self) -> bool {
        let Ok(mut told) = self.told.try_lock() else {
            return false;
        };
        let is_up = self.counts_as_up();
        if is_up != *told {
            *told = is_up;
            self.observers.node(self.transport.url(), is_up);
        }
        drop(told);
        self.counts_as_up() != is_up
    }

    fn counts_as_up(&self) -> bool {
        self.is_only.load(Ordering::Acquire) || self.health().is_up()
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Turn<'a> {
    pub(super) fn new(node: &'a Node, index: usize, admission: Admission) -> Self {
        Self {
            node,
            index,
            started: Instant::now(),
            is_probe: admission == Admission::Probe,
            is_recorded: false,
        }
    }

    /// Records the outcome of the attempt, whose call was given `of_call` as a whole.
    pub(crate) fn record<T>(&mut self, outcome: &Result<T, Error>, of_call: Duration) {
        let verdict = match outcome {
            Ok(_) => Verdict::Answer,
            Err(error) => Verdict::of(error),
        };
        self.is_recorded = true;
        let given = self.started.elapsed();
        let counts = given >= SHORTEST_SILENCE || given * 2 >= of_call;
        match verdict {
            Verdict::Answer => self.answered(),
            Verdict::Failure { rest } => {
                let now = Instant::now();
                self.node
                    .update(|health| health.failed(now, self.started, rest));
            }
            Verdict::Silence if counts => self.was_silent(given),
            Verdict::Silence | Verdict::Unknown => self.end_probe(),
        }
    }

    fn answered(&self) {
        if !self.node.is_healthy() {
            self.node.update(Health::answered);
        }
    }

    fn was_silent(&self, given: Duration) {
        let now = Instant::now();
        self.node
            .update(|health| health.was_silent(now, self.started, given));
    }

    /// Lets another attempt probe the node, if this one was to and is not known to have failed.
    fn end_probe(&self) {
        if self.is_probe {
            let now = Instant::now();
            self.node
                .update(|health| health.probe_was_dropped(now, self.started));
        }
    }
}

/// An attempt whose future is dropped has waited in vain if it waited for long.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_recorded {
            return;
        }
        let given = self.started.elapsed();
        if given >= DROPPED_IN_VAIN {
            self.was_silent(given);
        }
        self.end_probe();
    }
}

/// Returns whether an error is the node's fault.
pub(super) fn is_at_fault(error: &Error) -> bool {
    !matches!(Verdict::of(error), Verdict::Answer | Verdict::Unknown)
}

/// The verdict of an error on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The node answered.
    Answer,
    /// The node failed, and asked to rest for that long.
    Failure { rest: Duration },
    /// The node did not answer in time.
    Silence,
    /// The error is not about the node.
    Unknown,
}

impl Verdict {
    fn of(error: &Error) -> Self {
        match error {
            Error::Network { .. } if error.is_of_this_process() => Self::Unknown,
            Error::Network { .. } => Self::Failure {
                rest: Duration::ZERO,
            },
            Error::Timeout { .. } => Self::Silence,
            Error::Transport {
                status,
                retry_after,
                ..
            } if status.is_unavailable(*retry_after) => Self::Failure {
                rest: retry_after.unwrap_or_default(),
            },
            Error::Config(_)
            | Error::InvalidRequest(_)
            | Error::Credentials { .. }
            | Error::Closed { .. } => Self::Unknown,
            _ => Self::Answer,
        }
    }
}
