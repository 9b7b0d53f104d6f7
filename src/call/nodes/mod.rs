//! The nodes that a client calls: round robin over those that are up.

mod health;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::observe::Observers;
use crate::transport::Transport;
use health::{Admission, Health};

/// The time that a node must have been given to be blamed for its silence, unless it is half of what the call was
/// given.
const SHORTEST_SILENCE: Duration = Duration::from_millis(50);

/// The time after which an attempt that was dropped has waited in vain, rather than lost a race.
const DROPPED_IN_VAIN: Duration = Duration::from_millis(250);

/// The nodes of a client.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    /// The number of picks, for the round robin.
    next: AtomicUsize,
}

/// A server to call.
pub(crate) struct Node {
    pub(crate) transport: Transport,
    /// Fast path: true while `health` says so.
    is_healthy: AtomicBool,
    health: Mutex<Health>,
    observers: Observers,
    /// The state that observers know: true if the node is up. Locked while they are told.
    told: Mutex<bool>,
}

/// The facts about an attempt that a node's state machine needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// True if the attempt is cheap to lose: a single command that may be sent again.
    pub(crate) is_cheap: bool,
    /// True if an earlier attempt of the call has failed.
    pub(crate) is_retry: bool,
}

/// The nodes that an attempt has tried, by their positions.
#[derive(Debug, Default)]
pub(crate) struct TriedNodes(Vec<usize>);

/// A node's turn: an attempt on it, until its outcome is recorded or it is dropped.
pub(crate) struct Turn<'a> {
    pub(crate) node: &'a Node,
    pub(crate) index: usize,
    started: Instant,
    is_probe: bool,
    is_recorded: bool,
}

impl Nodes {
    pub(crate) fn new(transports: Vec<Transport>, observers: Observers) -> Self {
        // A single node is called whatever its state.
        let observers = if transports.len() == 1 {
            Observers::default()
        } else {
            observers
        };
        let new = |transport| Node::new(transport, observers.clone());
        Self {
            nodes: transports.into_iter().map(new).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Returns the transport of the first node; all nodes have the same protocol.
    pub(crate) fn first(&self) -> &Transport {
        &self.nodes[0].transport
    }

    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.transport.url())
    }

    /// Returns the proxy of all nodes, if they have one in common.
    pub(crate) fn proxy(&self) -> Option<&str> {
        let mut proxies = self.nodes.iter().map(|node| node.transport.proxy());
        let first = proxies.next()??;
        proxies.all(|proxy| proxy == Some(first)).then_some(first)
    }

    /// Returns the turn of the next node that the attempt has not tried: one that is up or is to be probed, or else
    /// the one that failed longest ago.
    pub(crate) fn pick(&self, tried: &mut TriedNodes, candidate: Candidate) -> Option<Turn<'_>> {
        let count = self.nodes.len();
        if count == 1 {
            return tried.add(0).then(|| self.turn(0, Admission::Call));
        }
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let order = (0..count).map(|step| start.wrapping_add(step) % count);
        let untried: Vec<usize> = order.filter(|index| !tried.0.contains(index)).collect();
        let (index, admission) = self
            .healthy_for_retry(&untried, candidate)
            .or_else(|| self.admitting(&untried, candidate))
            .or_else(|| self.failed_longest_ago(&untried))?;
        tried.add(index);
        Some(self.turn(index, admission))
    }

    /// Returns a healthy node for a retry, which does not try its luck.
    fn healthy_for_retry(
        &self,
        untried: &[usize],
        candidate: Candidate,
    ) -> Option<(usize, Admission)> {
        let mut untried = untried.iter().copied();
        let index = untried.find(|index| candidate.is_retry && self.nodes[*index].is_healthy())?;
        Some((index, Admission::Call))
    }

    fn admitting(&self, untried: &[usize], candidate: Candidate) -> Option<(usize, Admission)> {
        let now = Instant::now();
        untried.iter().find_map(|index| {
            let admission = self.nodes[*index].admit(now, candidate.is_cheap);
            (admission != Admission::Skip).then_some((*index, admission))
        })
    }

    fn failed_longest_ago(&self, untried: &[usize]) -> Option<(usize, Admission)> {
        let untried = untried.iter().copied();
        let index = untried.min_by_key(|index| self.nodes[*index].health().failed_at())?;
        Some((index, Admission::Call))
    }

    /// Returns another turn of a node.
    pub(crate) fn again(&self, index: usize) -> Turn<'_> {
        self.turn(index, Admission::Call)
    }

    fn turn(&self, index: usize, admission: Admission) -> Turn<'_> {
        Turn {
            node: &self.nodes[index],
            index,
            started: Instant::now(),
            is_probe: admission == Admission::Probe,
            is_recorded: false,
        }
    }

    /// Returns whether a node is up that the attempt has not tried.
    pub(crate) fn has_other(&self, tried: &TriedNodes) -> bool {
        let mut nodes = self.nodes.iter().enumerate();
        nodes.any(|(index, node)| !tried.0.contains(&index) && node.is_up())
    }

    /// Returns whether several nodes are up.
    pub(crate) fn are_several_up(&self) -> bool {
        self.nodes.iter().filter(|node| node.is_up()).count() > 1
    }

    /// Returns whether another attempt would fail over: the error is a node's fault, and there is a healthy node,
    /// which the failing one no longer is.
    pub(crate) fn can_fail_over(&self, error: &Error) -> bool {
        let is_nodes_fault = !matches!(Verdict::of(error), Verdict::Answer | Verdict::Unknown);
        is_nodes_fault && self.nodes.len() > 1 && self.nodes.iter().any(Node::is_healthy)
    }

    /// Returns whether a node waits to be probed by such an attempt: then a single command should be sent, not a batch.
    pub(crate) fn is_probe_due(&self, candidate: Candidate) -> bool {
        if self.nodes.len() == 1 || candidate.is_retry && self.nodes.iter().any(Node::is_healthy) {
            return false;
        }
        let now = Instant::now();
        let mut nodes = self.nodes.iter();
        nodes.any(|node| node.is_probe_due(now, candidate.is_cheap))
    }
}

impl TriedNodes {
    /// Adds a node, and returns whether it is new.
    fn add(&mut self, index: usize) -> bool {
        let is_new = !self.0.contains(&index);
        if is_new {
            self.0.push(index);
        }
        is_new
    }
}

impl Node {
    fn new(transport: Transport, observers: Observers) -> Self {
        Self {
            transport,
            observers,
            told: Mutex::new(true),
            is_healthy: AtomicBool::new(true),
            health: Mutex::default(),
        }
    }

    fn is_healthy(&self) -> bool {
        self.is_healthy.load(Ordering::Acquire)
    }

    fn is_up(&self) -> bool {
        self.is_healthy() || self.health().is_up()
    }

    fn admit(&self, now: Instant, is_cheap: bool) -> Admission {
        if self.is_healthy() {
            return Admission::Call;
        }
        self.health().admit(now, is_cheap)
    }

    fn is_probe_due(&self, now: Instant, is_cheap: bool) -> bool {
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
    fn tell(&self) {
        // Whoever is telling looks at the state again afterwards.
        while let Ok(mut told) = self.told.try_lock() {
            let is_up = self.health().is_up();
            if is_up == *told {
                return;
            }
            *told = is_up;
            self.observers.node(self.transport.url(), is_up);
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
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
            Error::Config(_) | Error::InvalidRequest(_) | Error::Closed { .. } => Self::Unknown,
            _ => Self::Answer,
        }
    }
}
