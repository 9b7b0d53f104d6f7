//! The addresses behind the name of a host: if there are several, each is a node.
//!
//! A host is called by its name until a lookup in the background finds more than one address for it. The first calls
//! do not wait for a lookup, and a lookup that fails changes nothing.

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

#[cfg(all(test, feature = "http", feature = "grpc"))]
mod tests {
    use std::collections::HashSet;

    use centrifugo_api_testing::Server;

    use super::*;
    use crate::api::messages::InfoRequest;
    use crate::call::Retry;
    use crate::client::Client;

    const HTTP: &str = "http://centrifugo.invalid/api";
    const GRPC: &str = "grpc://centrifugo.invalid:10000";

    /// Returns clients whose host has just been looked up.
    fn clients(server: &Server) -> [Client; 2] {
        [(HTTP, server.api_key()), (GRPC, server.grpc_api_key())].map(|(url, key)| {
            let client = Client::builder(url)
                .api_key(key)
                .retry(Retry::none())
                .build()
                .unwrap();
            client.inner().nodes.lookups.end();
            client
        })
    }

    fn address(server: &Server) -> SocketAddr {
        let url = server.grpc_url();
        url.strip_prefix("grpc://").unwrap().parse().unwrap()
    }

    fn addresses(servers: &[&Server]) -> Vec<Option<BTreeSet<SocketAddr>>> {
        vec![Some(servers.iter().map(|server| address(server)).collect())]
    }

    #[tokio::test]
    async fn calls_are_spread_over_the_addresses_of_a_name() {
        let first = Server::start().unwrap();
        let second = Server::start().unwrap();
        for client in clients(&first) {
            client.inner().nodes.update(addresses(&[&first, &second]));
            for _ in 0..10 {
                client.info(InfoRequest::new()).await.unwrap();
            }
            assert_eq!(
                [&first, &second].map(|server| server.take_requests().len()),
                [5, 5]
            );
        }
    }

    #[tokio::test]
    async fn address_without_a_listener_is_skipped() {
        let first = Server::start().unwrap();
        let second = Server::start().unwrap();
        let found = addresses(&[&first, &second]);
        drop(second);
        for client in clients(&first) {
            client.inner().nodes.update(found.clone());
            for _ in 0..10 {
                client.info(InfoRequest::new()).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn error_names_address() {
        let server = Server::start().unwrap();
        let found = addresses(&[&server, &Server::start().unwrap()]);
        for client in clients(&server) {
            client.inner().nodes.update(found.clone());
            let nodes = client.inner().nodes.current();
            assert!(
                nodes
                    .iter()
                    .any(|node| node.origin.1 == Some(address(&server)))
            );
        }
        drop(server);
        let server = Server::start().unwrap();
        for client in clients(&server) {
            client.inner().nodes.update(found.clone());
            let error = client.info(InfoRequest::new()).await.unwrap_err();
            let names_address = found[0]
                .iter()
                .flatten()
                .any(|address| error.to_string().contains(&format!("at {address}")));
            assert!(names_address && error.is_unsent(), "{error}");
        }
    }

    #[tokio::test]
    async fn nodes_that_stay_are_kept() {
        let a = &Server::start().unwrap();
        let b = &Server::start().unwrap();
        let c = &Server::start().unwrap();
        for client in clients(a) {
            let nodes = &client.inner().nodes;
            let addresses_now = || -> HashSet<_> {
                let current = nodes.current();
                current.iter().map(|node| node.origin.1).collect()
            };
            let alone = nodes.current();
            nodes.update(addresses(&[a, b]));
            let before = nodes.current();
            nodes.update(addresses(&[b, c]));
            let after = nodes.current();
            assert_eq!(
                addresses_now(),
                [b, c].map(|server| Some(address(server))).into()
            );
            let kept = after
                .iter()
                .filter(|node| before.iter().any(|known| Arc::ptr_eq(known, node)));
            assert_eq!(kept.count(), 1);
            // A failed lookup.
            nodes.update(vec![None]);
            assert_eq!(
                addresses_now(),
                [b, c].map(|server| Some(address(server))).into()
            );
            nodes.update(addresses(&[b]));
            assert!(Arc::ptr_eq(&nodes.current()[0], &alone[0]) && nodes.current().len() == 1);
        }
    }

    #[tokio::test]
    async fn lookups_run_one_at_a_time() {
        let clients = clients(&Server::start().unwrap());
        let nodes = &clients[0].inner().nodes;
        assert!(!nodes.lookups.start_if_due(), "a lookup has just ended");
        nodes.lookups.state().last = Instant::now().checked_sub(REFRESH_WHEN_DOWN);
        assert!(!nodes.lookups.start_if_due(), "the last lookup is recent");
        nodes.lookups.hurry();
        assert!(nodes.lookups.start_if_due());
        nodes.lookups.hurry();
        assert!(!nodes.lookups.start_if_due(), "another lookup is running");
        let before = nodes.current();
        look_up(
            LookupGuard(Arc::downgrade(nodes)),
            vec![Some(("localhost".to_owned(), 1))],
        )
        .await;
        assert!(!nodes.lookups.state().is_running);
        assert!(nodes.lookups.state().last.unwrap().elapsed() < REFRESH_WHEN_DOWN);
        let found = tokio::net::lookup_host(("localhost", 1))
            .await
            .unwrap()
            .collect::<BTreeSet<_>>();
        assert_eq!(nodes.current().len(), found.len());
        assert_eq!(
            Arc::ptr_eq(&nodes.current()[0], &before[0]),
            found.len() == 1
        );
    }
}
