//! Several addresses behind the name of one host: each is a node.
//!
//! A host is called by its name until a lookup in the background finds more than one address for it. The first calls do
//! not wait for a lookup, and a lookup that fails changes nothing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Node, NodeSet, Nodes};
use crate::error::Error;
use crate::transport::Transport;

/// How long resolved addresses are used before the name is resolved again.
const REFRESH: Duration = Duration::from_secs(30);

/// How long they are used after a node has failed.
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

/// When names were looked up, and when they are due again.
#[derive(Default)]
pub(super) struct LookupSchedule(Mutex<State>);

#[derive(Default)]
struct State {
    is_running: bool,
    is_hurried: bool,
    last: Option<Instant>,
}

impl LookupSchedule {
    /// Makes a lookup due sooner: a node is down, and may have moved.
    pub(super) fn hurry(&self) {
        self.state().is_hurried = true;
    }

    /// Starts a lookup and returns true, if one is due.
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

    fn end(&self) {
        let mut state = self.state();
        state.is_running = false;
        state.last = Some(Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a lookup when it is dropped, also with its runtime.
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

    fn names(&self) -> Vec<Option<(String, u16)>> {
        let names = self
            .configured
            .iter()
            .map(|configured| configured.name.as_ref());
        names
            .map(|name| Some((name?.host.clone(), name?.port)))
            .collect()
    }

    /// Replaces the nodes by the addresses that were found for each configured node. Nodes that stay keep their
    /// connections and their health.
    fn update(&self, found: Vec<Option<BTreeSet<SocketAddr>>>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut updated: Vec<Arc<Node>> = Vec::new();
        for (index, (configured, found)) in self.configured.iter().zip(found).enumerate() {
            let known = current.iter().filter(|node| node.origin.0 == index);
            let Some(addresses) = found else {
                // The lookup failed: its nodes stay.
                updated.extend(known.map(Arc::clone));
                continue;
            };
            match &configured.name {
                Some(name) if addresses.len() > 1 => {
                    let known: Vec<_> = known.collect();
                    let nodes = addresses.into_iter();
                    updated.extend(nodes.filter_map(|address| {
                        node_at((index, Some(address)), address, name, &known)
                    }));
                }
                // With a single address the host is called by its name.
                _ => updated.push(Arc::clone(&configured.node)),
            }
        }
        *current = updated.into();
    }
}

/// Returns the known node at an address, or a new one.
fn node_at(
    origin: (usize, Option<SocketAddr>),
    address: SocketAddr,
    name: &HostName,
    known: &[&Arc<Node>],
) -> Option<Arc<Node>> {
    if let Some(node) = known.iter().find(|node| node.origin == origin) {
        return Some(Arc::clone(node));
    }
    let transport = (name.transport)(address).ok()?;
    Some(Node::new(transport, origin))
}

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

#[cfg(test)]
#[cfg(all(feature = "http", feature = "grpc"))]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use centrifugo_api_testing::Server;

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
        server
            .grpc_url()
            .strip_prefix("grpc://")
            .unwrap()
            .parse()
            .unwrap()
    }

    fn addresses(servers: &[&Server]) -> Vec<Option<BTreeSet<SocketAddr>>> {
        vec![Some(servers.iter().map(|server| address(server)).collect())]
    }

    #[tokio::test]
    async fn calls_are_spread_over_the_addresses_of_a_name() {
        let [first, second] = [Server::start().unwrap(), Server::start().unwrap()];
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
        let [first, second] = [Server::start().unwrap(), Server::start().unwrap()];
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
    async fn error_names_the_address() {
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
            let expected = found[0]
                .iter()
                .flatten()
                .any(|address| error.to_string().contains(&format!("at {address}")));
            assert!(expected && error.is_unsent(), "{error}");
        }
    }

    #[tokio::test]
    async fn nodes_that_stay_are_kept() {
        let servers: Vec<Server> = std::iter::repeat_with(|| Server::start().unwrap())
            .take(3)
            .collect();
        let [a, b, c] = [&servers[0], &servers[1], &servers[2]];
        for client in clients(a) {
            let nodes = &client.inner().nodes;
            let addresses_now = || {
                nodes
                    .current()
                    .iter()
                    .map(|node| node.origin.1)
                    .collect::<HashSet<_>>()
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
            let is_kept = |node: &&Arc<Node>| before.iter().any(|known| Arc::ptr_eq(known, node));
            assert_eq!(after.iter().filter(is_kept).count(), 1);
            // A lookup that failed.
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
