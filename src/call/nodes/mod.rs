//! The nodes that a client calls: round robin over the healthy ones.

mod dns;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::transport::Transport;
pub(crate) use dns::HostName;
use dns::{ConfiguredNode, LookupSchedule};

/// The time for which a node is skipped after its first failure. It doubles with each further failure.
const FIRST_COOLDOWN: Duration = Duration::from_millis(500);

/// The longest time for which a node is skipped.
const MAX_COOLDOWN: Duration = Duration::from_secs(30);

/// The time that a call has to probe a node after its cooldown, before another call may probe it.
const PROBE: Duration = Duration::from_secs(1);

/// Timeouts shorter than this are not held against a node.
const MIN_TIMEOUT_TO_BLAME: Duration = Duration::from_secs(1);

/// The nodes of a client at some time: lookups replace the set.
pub(crate) type NodeSet = Arc<[Arc<Node>]>;

/// The nodes of a client.
pub(crate) struct Nodes {
    /// The nodes of the builder, whose names are looked up.
    configured: Vec<ConfiguredNode>,
    current: RwLock<NodeSet>,
    /// The number of picks, for the round robin.
    next: AtomicUsize,
    lookups: LookupSchedule,
}

/// A server to call.
pub(crate) struct Node {
    pub(crate) transport: Transport,
    /// The position of its URL in the configuration, and the address that the URL's host resolved to, or `None` if
    /// the host is called by its name.
    origin: (usize, Option<SocketAddr>),
    /// Fast path: true while `health` is at its default.
    is_healthy: AtomicBool,
    health: Mutex<Health>,
}

/// The circuit breaker of a node: closed by default, open until `open_until`, then half open for one call at a time.
#[derive(Debug, Default)]
struct Health {
    /// The number of failures since the last success.
    failures: u32,
    /// The time of the last failure.
    failed_at: Option<Instant>,
    /// The node is skipped until then.
    open_until: Option<Instant>,
    /// The end of the cooldown, which probes do not postpone. Failures of calls that started before it are part of
    /// the same outage.
    outage_ends: Option<Instant>,
}

/// The nodes that an attempt has tried, by their positions in the set.
#[derive(Debug, Default)]
pub(crate) struct TriedNodes(Vec<usize>);

impl Nodes {
    pub(crate) fn new(nodes: impl IntoIterator<Item = (Transport, Option<HostName>)>) -> Arc<Self> {
        let nodes = nodes.into_iter().enumerate();
        let configured: Vec<ConfiguredNode> = nodes
            .map(|(index, (transport, name))| ConfiguredNode {
                node: Node::new(transport, (index, None)),
                name,
            })
            .collect();
        let current = configured
            .iter()
            .map(|configured| Arc::clone(&configured.node));
        Arc::new(Self {
            current: RwLock::new(current.collect()),
            configured,
            next: AtomicUsize::new(0),
            lookups: LookupSchedule::default(),
        })
    }

    /// Returns the transport of the first node; all nodes have the same protocol.
    pub(crate) fn first(&self) -> &Transport {
        &self.configured[0].node.transport
    }

    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.configured
            .iter()
            .map(|configured| configured.node.transport.url())
    }

    /// Returns the next node that the call has not tried: a healthy one, or else the one that failed longest ago.
    pub(crate) fn pick<'a>(&self, nodes: &'a NodeSet, tried: &mut TriedNodes) -> Option<&'a Node> {
        let count = nodes.len();
        if count == 1 {
            return tried.add(0).then(|| &*nodes[0]);
        }
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let order = (0..count).map(|step| start.wrapping_add(step) % count);
        let untried: Vec<usize> = order.filter(|index| !tried.0.contains(index)).collect();
        let now = Instant::now();
        let mut candidates = untried.iter().copied();
        let healthy = candidates.find(|index| nodes[*index].may_be_called(now));
        let index = healthy.or_else(|| {
            let candidates = untried.iter().copied();
            candidates.min_by_key(|index| nodes[*index].health().failed_at)
        })?;
        tried.add(index);
        Some(&nodes[index])
    }

    /// Returns whether another attempt would fail over: the error is a node's fault, and there is a healthy node.
    pub(crate) fn can_fail_over(&self, error: &Error) -> bool {
        let nodes = self.current.read().unwrap_or_else(PoisonError::into_inner);
        is_nodes_fault(error) && nodes.iter().any(|node| node.health().open_until.is_none())
    }

    /// Records the outcome of a call that a node was given at `started`.
    pub(crate) fn record<T>(&self, node: &Node, outcome: &Result<T, Error>, started: Instant) {
        let is_failure = outcome.as_ref().is_err_and(is_nodes_fault);
        node.record(is_failure, started);
        if is_failure {
            self.lookups.hurry();
        }
    }
}

impl TriedNodes {
    /// Returns whether all nodes were tried.
    pub(crate) fn are_all(&self, nodes: &NodeSet) -> bool {
        self.0.len() == nodes.len()
    }

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
    fn new(transport: Transport, origin: (usize, Option<SocketAddr>)) -> Arc<Self> {
        Arc::new(Self {
            transport,
            origin,
            is_healthy: AtomicBool::new(true),
            health: Mutex::default(),
        })
    }

    /// Returns whether the node may be called now. After a cooldown this is true for a single call, the probe, until
    /// its outcome is known or it has taken too long.
    fn may_be_called(&self, now: Instant) -> bool {
        if self.is_healthy.load(Ordering::Acquire) {
            return true;
        }
        let mut health = self.health();
        let Some(open_until) = health.open_until else {
            return true;
        };
        let is_cooled_down = open_until <= now;
        if is_cooled_down {
            health.open_until = Some(now + PROBE);
        }
        is_cooled_down
    }

    /// Records the outcome of a call that started at `started`.
    fn record(&self, is_failure: bool, started: Instant) {
        if is_failure {
            self.record_failure(started);
        } else if !self.is_healthy.load(Ordering::Acquire) {
            let mut health = self.health();
            self.is_healthy.store(true, Ordering::Release);
            *health = Health::default();
        }
    }

    /// Records a failure, and starts a cooldown if the failure begins an outage.
    fn record_failure(&self, started: Instant) {
        let mut health = self.health();
        self.is_healthy.store(false, Ordering::Release);
        let now = Instant::now();
        health.failed_at = Some(now);
        // When a node goes down, all its calls in flight fail, and so do calls for which there is no other node.
        let is_known_outage = health.outage_ends.is_some_and(|ends| started < ends);
        if is_known_outage {
            return;
        }
        let factor = 1_u32.checked_shl(health.failures).unwrap_or(u32::MAX);
        let cooldown = FIRST_COOLDOWN.saturating_mul(factor).min(MAX_COOLDOWN);
        health.failures = health.failures.saturating_add(1);
        health.open_until = Some(now + cooldown);
        health.outage_ends = Some(now + cooldown);
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether the error is the node's fault rather than the call's.
fn is_nodes_fault(error: &Error) -> bool {
    match error {
        Error::Network { .. } => true,
        Error::Timeout { effect, after, .. } => {
            effect.is_unsent() || *after >= MIN_TIMEOUT_TO_BLAME
        }
        Error::Transport { status, .. } => status.is_unavailable(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::transport::{OwnConnections, TransportConfig};

    const THREADS: usize = 4;

    fn nodes(count: usize) -> (Arc<Nodes>, NodeSet) {
        let nodes = Nodes::new((0..count).map(|_| (transport(), None)));
        let current = nodes.current();
        (nodes, current)
    }

    fn transport() -> Transport {
        let urls = ["http://127.0.0.1:1/api", "grpc://127.0.0.1:1"];
        let mut transports = urls.map(TransportConfig::for_tests).into_iter();
        // One of the two transports may be compiled out.
        transports
            .find_map(|config| Transport::new(config, OwnConnections::default()).ok())
            .unwrap()
    }

    /// Calls `look` in several threads at the same time, and returns what each found.
    fn at_once<T: Send>(look: impl Fn() -> T + Sync) -> Vec<T> {
        let start = Barrier::new(THREADS);
        let wait_and_look = || {
            start.wait();
            look()
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(wait_and_look)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        })
    }

    #[test]
    fn calls_are_spread_evenly() {
        let (nodes, current) = nodes(2);
        let mut picked = at_once(|| {
            let mut tried = TriedNodes::default();
            nodes.pick(&current, &mut tried);
            tried.0[0]
        });
        picked.sort_unstable();
        assert_eq!(picked, [0, 0, 1, 1]);
    }

    #[test]
    fn call_tries_each_node_once() {
        let (nodes, current) = nodes(3);
        let began = Instant::now();
        let call = || {
            let mut tried = TriedNodes::default();
            while let Some(node) = nodes.pick(&current, &mut tried) {
                node.record(true, began);
            }
            let mut indices = tried.0;
            indices.sort_unstable();
            assert_eq!(indices, [0, 1, 2]);
        };
        thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(call))));
        for node in current.iter() {
            // All calls failed in the same outage.
            assert_eq!(node.health().failures, 1);
            node.record(false, began);
            assert!(node.may_be_called(Instant::now()));
        }
    }

    #[test]
    fn node_is_probed_by_one_call_at_a_time() {
        let (_nodes, current) = nodes(2);
        let cooled_down = Instant::now();
        let node = &current[0];
        node.is_healthy.store(false, Ordering::Release);
        node.health().open_until = Some(cooled_down);
        for now in [cooled_down, cooled_down + PROBE, cooled_down + 2 * PROBE] {
            let probes = at_once(|| node.may_be_called(now))
                .into_iter()
                .filter(|may_be_called| *may_be_called);
            assert_eq!(probes.count(), 1);
            assert!(!node.may_be_called(now + PROBE / 2));
        }
    }
}
