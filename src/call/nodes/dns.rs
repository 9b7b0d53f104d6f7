//! Several addresses behind the name of one host: each is a node.
//!
//! A host is called as it stands, until a lookup in the background finds more than one address for it. The first calls
//! wait for nothing, and a lookup that fails changes nothing.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Members, Node, Nodes};
use crate::Error;
use crate::transport::Transport;

/// How long the addresses of a name are taken to hold.
const LASTING: Duration = Duration::from_secs(30);

/// The same, once a node was found to be down.
const DOUBTFUL: Duration = Duration::from_secs(1);

/// A URL of the client's.
pub(super) struct Host {
    pub(super) node: Arc<Node>,
    /// None where there is nothing to look up.
    pub(super) name: Option<Name>,
}

/// The name of a host.
pub(crate) struct Name {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Makes a transport to one of its addresses.
    pub(crate) transport: Box<dyn Fn(SocketAddr) -> Result<Transport, Error> + Send + Sync>,
}

/// When names were looked up, and when they are to be again.
#[derive(Default)]
pub(super) struct Lookups(Mutex<Pace>);

#[derive(Default)]
struct Pace {
    is_looking: bool,
    is_hurried: bool,
    last: Option<Instant>,
}

impl Lookups {
    /// A node is down: perhaps it has moved.
    pub(super) fn hurry(&self) {
        self.pace().is_hurried = true;
    }

    /// Whether the caller is to look the names up.
    fn begin(&self) -> bool {
        let mut pace = self.pace();
        let lasting = if pace.is_hurried { DOUBTFUL } else { LASTING };
        let is_due = !pace.is_looking && pace.last.is_none_or(|last| last.elapsed() >= lasting);
        if is_due {
            (pace.is_looking, pace.is_hurried) = (true, false);
        }
        is_due
    }

    fn end(&self) {
        let mut pace = self.pace();
        (pace.is_looking, pace.last) = (false, Some(Instant::now()));
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a lookup, also where its runtime is dropped.
struct Looking(Weak<Nodes>);

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(nodes) = self.0.upgrade() {
            nodes.lookups.end();
        }
    }
}

impl Nodes {
    /// The nodes as they are now. From time to time, this starts a lookup.
    pub(crate) fn members(self: &Arc<Self>) -> Members {
        if self.hosts.iter().any(|host| host.name.is_some()) && self.lookups.begin() {
            tokio::spawn(look_up(Looking(Arc::downgrade(self)), self.names()));
        }
        Arc::clone(&self.members.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn names(&self) -> Vec<Option<(String, u16)>> {
        let name = |host: &Host| {
            host.name
                .as_ref()
                .map(|name| (name.host.clone(), name.port))
        };
        self.hosts.iter().map(name).collect()
    }

    /// Takes the addresses that were found, one list a host. Nodes that stay keep their connections and their health.
    fn adopt(&self, found: Vec<Option<BTreeSet<SocketAddr>>>) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let mut adopted: Vec<Arc<Node>> = Vec::new();
        for (index, (host, found)) in self.hosts.iter().zip(found).enumerate() {
            let known = || members.iter().filter(|node| node.place.0 == index);
            match (found, &host.name) {
                (Some(found), Some(name)) if found.len() > 1 => {
                    let known = |place| known().find(|node| node.place == place).map(Arc::clone);
                    let made = |address| (name.transport)(address).ok();
                    adopted.extend(found.into_iter().filter_map(|address| {
                        let place = (index, Some(address));
                        known(place).or_else(|| Some(Node::new(made(address)?, place)))
                    }));
                }
                (Some(_), _) => adopted.push(Arc::clone(&host.node)),
                (None, _) => adopted.extend(known().map(Arc::clone)),
            }
        }
        *members = adopted.into();
    }
}

async fn look_up(looking: Looking, names: Vec<Option<(String, u16)>>) {
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
    if let Some(nodes) = looking.0.upgrade() {
        nodes.adopt(found);
    }
}

#[cfg(test)]
#[cfg(all(feature = "http", feature = "grpc"))]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{Client, InfoRequest, Retry};
    use centrifugo_api_testing::Server;

    const HTTP: &str = "http://centrifugo.invalid/api";
    const GRPC: &str = "grpc://centrifugo.invalid:10000";

    /// Clients whose host has just been looked up.
    fn clients(server: &Server) -> [Client; 2] {
        [(HTTP, server.api_key()), (GRPC, server.grpc_api_key())].map(|(url, key)| {
            let client = Client::builder(url)
                .api_key(key)
                .retry(Retry::none())
                .build()
                .unwrap();
            client.shared.nodes.lookups.end();
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
            client.shared.nodes.adopt(addresses(&[&first, &second]));
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
    async fn an_address_where_nobody_listens_is_passed_by() {
        let [first, second] = [Server::start().unwrap(), Server::start().unwrap()];
        let found = addresses(&[&first, &second]);
        drop(second);
        for client in clients(&first) {
            client.shared.nodes.adopt(found.clone());
            for _ in 0..10 {
                client.info(InfoRequest::new()).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn an_error_names_the_address() {
        let server = Server::start().unwrap();
        let found = addresses(&[&server, &Server::start().unwrap()]);
        for client in clients(&server) {
            client.shared.nodes.adopt(found.clone());
            let nodes = client.shared.nodes.members();
            assert!(
                nodes
                    .iter()
                    .any(|node| node.place.1 == Some(address(&server)))
            );
        }
        drop(server);
        let server = Server::start().unwrap();
        for client in clients(&server) {
            client.shared.nodes.adopt(found.clone());
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
            let nodes = &client.shared.nodes;
            let places = || {
                nodes
                    .members()
                    .iter()
                    .map(|node| node.place.1)
                    .collect::<HashSet<_>>()
            };
            let alone = nodes.members();
            nodes.adopt(addresses(&[a, b]));
            let before = nodes.members();
            nodes.adopt(addresses(&[b, c]));
            let after = nodes.members();
            assert_eq!(places(), [b, c].map(|server| Some(address(server))).into());
            let is_kept = |node: &&Arc<Node>| before.iter().any(|known| Arc::ptr_eq(known, node));
            assert_eq!(after.iter().filter(is_kept).count(), 1);
            // A lookup that failed.
            nodes.adopt(vec![None]);
            assert_eq!(places(), [b, c].map(|server| Some(address(server))).into());
            nodes.adopt(addresses(&[b]));
            assert!(Arc::ptr_eq(&nodes.members()[0], &alone[0]) && nodes.members().len() == 1);
        }
    }

    #[tokio::test]
    async fn names_are_looked_up_one_at_a_time() {
        let clients = clients(&Server::start().unwrap());
        let nodes = &clients[0].shared.nodes;
        assert!(!nodes.lookups.begin(), "it has just ended");
        nodes.lookups.pace().last = Instant::now().checked_sub(DOUBTFUL);
        assert!(!nodes.lookups.begin(), "it was not long ago");
        nodes.lookups.hurry();
        assert!(nodes.lookups.begin());
        nodes.lookups.hurry();
        assert!(!nodes.lookups.begin(), "another is under way");
        let before = nodes.members();
        look_up(
            Looking(Arc::downgrade(nodes)),
            vec![Some(("localhost".to_owned(), 1))],
        )
        .await;
        assert!(!nodes.lookups.pace().is_looking);
        assert!(nodes.lookups.pace().last.unwrap().elapsed() < DOUBTFUL);
        let found = tokio::net::lookup_host(("localhost", 1))
            .await
            .unwrap()
            .collect::<BTreeSet<_>>();
        assert_eq!(nodes.members().len(), found.len());
        assert_eq!(
            Arc::ptr_eq(&nodes.members()[0], &before[0]),
            found.len() == 1
        );
    }
}
