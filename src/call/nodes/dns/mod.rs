//! The addresses behind the name of a host: if there are several, each is a node.
//!
//! A host is called by its name until a lookup in the background finds more than one address for it. The first calls
//! do not wait for a lookup, and a lookup that fails changes nothing.

#[cfg(test)]
#[cfg(all(feature = "http", feature = "grpc"))]
mod tests;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Node, NodeSet, Nodes};
use crate::error::Error;
use crate::transport::Transport;

/// The time for which resolved addresses are used before the name is resolved again.
const REFRESH: Duration = Duration::from_secs(30);

/// The same after a node has failed.
const REFRESH_WHEN_DOWN: Duration = Duration::from_secs(1);

/// A node that the client was configured with.
pub(super) struct ConfiguredNode {
    pub(super) node: Arc<Node>,
    /// `None` if there is nothing to look up.
    pub(super) name: Option<HostName>,
}

/// The name of a host.
pub(crate) struct HostName {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Creates a transport to one of its addresses.
    pub(crate) transport: Box<dyn Fn(SocketAddr) -> Result<Transport, Error> + Send + Sync>,
}

/// The time of the last lookup of the names, and whether another one is due.
#[derive(Default)]
pub(super) struct LookupSchedule(Mutex<State>);

#[derive(Default)]
struct State {
    is_running: bool,
    /// Whether a node has failed since the last lookup began.
    is_hurried: bool,
    /// The end of the last lookup.
    last: Option<Instant>,
}

impl LookupSchedule {
    /// Makes a lookup due sooner: a node is down, and may have moved.
    pub(super) fn hurry(&self) {
        self.state().is_hurried = true;
    }

    /// Returns whether a lookup is due, and counts it as running then.
    fn start_if_due(&self) -> bool {
        let mut state = self.state();
        let refresh = if state.is_hurried {
            REFRESH_WHEN_DOWN
        } else {
            REFRESH
        };
        let is_old = state.last.is_none_or(|last| last.elapsed() >= refresh);
        let is_due = is_old && !state.is_running;
        if is_due {
            state.is_running = true;
            state.is_hurried = false;
        }
        is_due
    }

    /// Records the end of a lookup.
    fn end(&self) {
        let mut state = self.state();
        state.is_running = false;
        state.last = Some(Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running lookup, which ends when this is dropped: also if its runtime shuts down in the middle of it.
struct LookupGuard(Weak<Nodes>);

impl Drop for LookupGuard {
    fn drop(&mut self) {
        if let Some(nodes) = self.0.upgrade() {
            nodes.lookups.end();
        }
    }
}

impl Nodes {
    /// Returns the current nodes. Starts a lookup in the background if one is due.
    pub(crate) fn current(self: &Arc<Self>) -> NodeSet {
        let has_names = self
            .configured
            .iter()
            .any(|configured| configured.name.is_some());
        if has_names && self.lookups.start_if_due() {
            let guard = LookupGuard(Arc::downgrade(self));
            tokio::spawn(look_up(guard, self.names()));
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the host and the port to look up for each configured node.
    fn names(&self) -> Vec<Option<(String, u16)>> {
        let nodes = self.configured.iter();
        nodes
            .map(|configured| {
                let name = configured.name.as_ref()?;
                Some((name.host.clone(), name.port))
            })
            .collect()
    }

    /// Replaces the nodes, given the addresses that were found for each configured node, or `None` if nothing was
    /// found. Nodes that stay keep their connections and their health.
    fn update(&self, found: Vec<Option<BTreeSet<SocketAddr>>>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut updated: Vec<Arc<Node>> = Vec::new();
        for (index, (configured, found)) in self.configured.iter().zip(found).enumerate() {
            let known = current.iter().filter(|node| node.origin.0 == index);
            let Some(addresses) = found else {
                // The lookup failed, or there was nothing to look up: the nodes stay.
                updated.extend(known.map(Arc::clone));
                continue;
            };
            match &configured.name {
                Some(name) if addresses.len() > 1 => {
                    let known: Vec<_> = known.collect();
                    let nodes = addresses
                        .into_iter()
                        .filter_map(|address| node_at(index, address, name, &known));
                    updated.extend(nodes);
                }
                // With a single address the host is called by its name.
                _ => updated.push(Arc::clone(&configured.node)),
            }
        }
        *current = updated.into();
    }
}

/// Returns the known node at an address of a configured node, or a new one.
fn node_at(
    index: usize,
    address: SocketAddr,
    name: &HostName,
    known: &[&Arc<Node>],
) -> Option<Arc<Node>> {
    let origin = (index, Some(address));
    if let Some(node) = known.iter().find(|node| node.origin == origin) {
        return Some(Arc::clone(node));
    }
    let transport = (name.transport)(address).ok()?;
    Some(Node::new(transport, origin))
}

/// Looks the names up, one after another, and updates the nodes unless they were dropped meanwhile.
async fn look_up(guard: LookupGuard, names: Vec<Option<(String, u16)>>) {
    let mut found = Vec::new();
    for name in names {
        found.push(match name {
            Some(name) => tokio::net::lookup_host(name)
                .await
                .ok()
                .map(Iterator::collect),
            None => None,
        });
    }
    if let Some(nodes) = guard.0.upgrade() {
        nodes.update(found);
    }
}
