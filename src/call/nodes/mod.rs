//! The nodes that a client calls: in turn, and not those that are down.

mod names;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub(crate) use names::Name;
use names::{Host, Lookups};

use crate::Error;
use crate::transport::Transport;

/// How long a node rests after its first failure. It doubles with each further one.
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// How long one call alone tries a node that has rested.
const PROBE: Duration = Duration::from_secs(1);

/// A call that was given less time says nothing of the node.
const TELLING: Duration = Duration::from_secs(1);

/// The nodes as a call finds them.
pub(crate) type Members = Arc<[Arc<Node>]>;

pub(crate) struct Nodes {
    hosts: Vec<Host>,
    members: RwLock<Members>,
    next: AtomicUsize,
    lookups: Lookups,
}

pub(crate) struct Node {
    pub(crate) transport: Transport,
    /// Which host's it is, and the address that it was found at; none for the host as it stands.
    place: (usize, Option<SocketAddr>),
    /// Whether its health is as that of a node that never failed, which mostly is all there is to know.
    is_well: AtomicBool,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    /// Since it last answered.
    failures: u32,
    /// When the last call that failed did.
    failed: Option<Instant>,
    /// It is left alone until then.
    rests_until: Option<Instant>,
    /// The end of the rest as it began: failures of calls from before are the same failure.
    counts_from: Option<Instant>,
}

/// The nodes that a call has tried.
#[derive(Debug, Default)]
pub(crate) struct Tried(Vec<usize>);

impl Nodes {
    pub(crate) fn new(hosts: impl IntoIterator<Item = (Transport, Option<Name>)>) -> Arc<Self> {
        let host = |(index, (transport, name))| Host {
            node: Node::new(transport, (index, None)),
            name,
        };
        let hosts: Vec<Host> = hosts.into_iter().enumerate().map(host).collect();
        let members = hosts.iter().map(|host| Arc::clone(&host.node)).collect();
        let lookups = Lookups::default();
        Arc::new(Self {
            hosts,
            members: RwLock::new(members),
            next: AtomicUsize::new(0),
            lookups,
        })
    }

    /// The first node, of the protocol that all speak.
    pub(crate) fn first(&self) -> &Transport {
        &self.hosts[0].node.transport
    }

    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(|host| host.node.transport.url())
    }

    /// The next node that the call has not tried: one that is up, or else the one that has rested longest.
    pub(crate) fn pick<'a>(&self, members: &'a Members, tried: &mut Tried) -> Option<&'a Node> {
        let count = members.len();
        if count == 1 {
            return tried.add(0).then(|| &*members[0]);
        }
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let order = (0..count).map(|step| (start.wrapping_add(step)) % count);
        let untried: Vec<usize> = order.filter(|index| !tried.0.contains(index)).collect();
        let now = Instant::now();
        let up = untried
            .iter()
            .copied()
            .find(|index| members[*index].is_up(now));
        let longest = || {
            untried
                .iter()
                .copied()
                .min_by_key(|index| members[*index].health().failed)
        };
        let index = up.or_else(longest)?;
        tried.add(index);
        Some(&members[index])
    }

    /// Whether another try would find a node that is up where this one found one that is not.
    pub(crate) fn have_better(&self, error: &Error) -> bool {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        is_down(error)
            && members
                .iter()
                .any(|node| node.health().rests_until.is_none())
    }

    /// Learns from the outcome of a call, which began then, how a node is.
    pub(crate) fn learn<T>(&self, node: &Node, outcome: &Result<T, Error>, began: Instant) {
        let is_down = outcome.as_ref().is_err_and(is_down);
        node.learn(is_down, began);
        if is_down {
            self.lookups.hurry();
        }
    }
}

impl Tried {
    /// Whether there is none left.
    pub(crate) fn all(&self, members: &Members) -> bool {
        self.0.len() == members.len()
    }

    /// Whether it is new.
    fn add(&mut self, index: usize) -> bool {
        let is_new = !self.0.contains(&index);
        if is_new {
            self.0.push(index);
        }
        is_new
    }
}

impl Node {
    fn new(transport: Transport, place: (usize, Option<SocketAddr>)) -> Arc<Self> {
        Arc::new(Self {
            transport,
            place,
            is_well: AtomicBool::new(true),
            health: Mutex::default(),
        })
    }

    /// Whether the node may be called; a node that has rested is up for one call, until that knows more.
    fn is_up(&self, now: Instant) -> bool {
        if self.is_well.load(Ordering::Acquire) {
            return true;
        }
        let mut health = self.health();
        match health.rests_until {
            None => true,
            Some(until) if until > now => false,
            Some(_) => {
                health.rests_until = Some(now + PROBE);
                true
            }
        }
    }

    fn learn(&self, is_down: bool, began: Instant) {
        if !is_down && self.is_well.load(Ordering::Acquire) {
            return;
        }
        let mut health = self.health();
        self.is_well.store(!is_down, Ordering::Release);
        if !is_down {
            *health = Health::default();
            return;
        }
        let now = Instant::now();
        health.failed = Some(now);
        // All calls that are under way fail when a node goes down, and so do those that find no other.
        if health.counts_from.is_some_and(|from| began < from) {
            return;
        }
        let doubled = 1_u32.checked_shl(health.failures).unwrap_or(u32::MAX);
        let until = now + FIRST_REST.saturating_mul(doubled).min(LONGEST_REST);
        health.failures = health.failures.saturating_add(1);
        (health.rests_until, health.counts_from) = (Some(until), Some(until));
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error says that the node, not the call, is the matter.
fn is_down(error: &Error) -> bool {
    match error {
        Error::Network { .. } => true,
        Error::Timeout { unsent, after, .. } => *unsent || *after >= TELLING,
        Error::Transport { status, .. } => status.is_unavailable(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::transport::Settings;

    const THREADS: usize = 4;

    fn nodes(count: usize) -> (Arc<Nodes>, Members) {
        let nodes =
            Nodes::new((0..count).map(|_| (Transport::new(Settings::of(URL)).unwrap(), None)));
        let members = nodes.members();
        (nodes, members)
    }

    #[cfg(feature = "http")]
    const URL: &str = "http://127.0.0.1:1/api";
    #[cfg(not(feature = "http"))]
    const URL: &str = "grpc://127.0.0.1:1";

    /// What each of several threads finds, all at once.
    fn at_once<T: Send>(look: impl Fn() -> T + Sync) -> Vec<T> {
        let start = Barrier::new(THREADS);
        let look = || {
            start.wait();
            look()
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(look)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        })
    }

    #[test]
    fn calls_are_spread_evenly() {
        let (nodes, members) = nodes(2);
        let mut picked = at_once(|| {
            let mut tried = Tried::default();
            nodes.pick(&members, &mut tried);
            tried.0[0]
        });
        picked.sort_unstable();
        assert_eq!(picked, [0, 0, 1, 1]);
    }

    #[test]
    fn each_call_tries_each_node_once() {
        let (nodes, members) = nodes(3);
        let began = Instant::now();
        let call = || {
            let mut tried = Tried::default();
            while let Some(node) = nodes.pick(&members, &mut tried) {
                node.learn(true, began);
            }
            let mut tried = tried.0;
            tried.sort_unstable();
            assert_eq!(tried, [0, 1, 2]);
        };
        thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(call))));
        for node in members.iter() {
            // They failed together.
            assert_eq!(node.health().failures, 1);
            node.learn(false, began);
            assert!(node.is_up(Instant::now()));
        }
    }

    #[test]
    fn node_that_has_rested_is_probed_by_one_call_at_a_time() {
        let ((_nodes, members), rested) = (nodes(2), Instant::now());
        let node = &members[0];
        node.is_well.store(false, Ordering::Release);
        node.health().rests_until = Some(rested);
        for now in [rested, rested + PROBE, rested + 2 * PROBE] {
            let probes = at_once(|| node.is_up(now))
                .into_iter()
                .filter(|is_up| *is_up);
            assert_eq!(probes.count(), 1);
            assert!(!node.is_up(now + PROBE / 2));
        }
    }
}
