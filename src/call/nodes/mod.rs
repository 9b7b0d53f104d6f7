//! The nodes that a client calls, which may change while it runs.

mod discovery;
mod health;
mod node;
mod set;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use super::Deadline;
use crate::error::Error;
use crate::observe::Observers;
use crate::transport::url::ServerUrl;
use crate::transport::{Common, Transport};
pub(crate) use discovery::Discovery;
use node::Node;
pub(crate) use node::Turn;
pub(crate) use set::{Candidate, NodeSet, TriedNodes};

/// The nodes of a client.
pub(crate) struct Nodes {
    current: RwLock<Arc<NodeSet>>,
    common: Arc<Common>,
    factory: Box<dyn NodeFactory>,
    observers: Observers,
    discovery: Option<Discovery>,
}

/// The configuration that nodes are made from.
pub(crate) trait NodeFactory: Send + Sync {
    /// Checks the URLs of all nodes of a client, and returns them.
    fn urls(&self, urls: &[String]) -> Result<Vec<ServerUrl>, Error>;

    /// Returns the way to a node.
    fn transport(&self, url: &ServerUrl) -> Result<Transport, Error>;
}

impl Nodes {
    /// Creates the nodes at these URLs, which were checked.
    pub(crate) fn new(
        urls: &[ServerUrl],
        factory: Box<dyn NodeFactory>,
        observers: Observers,
        discovery: Option<Discovery>,
    ) -> Result<Self, Error> {
        let node = |url| {
            Ok(Arc::new(Node::new(
                factory.transport(url)?,
                observers.clone(),
            )))
        };
        let nodes: Result<Vec<_>, Error> = urls.iter().map(node).collect();
        let nodes = Arc::new(NodeSet::new(nodes?));
        nodes.set_only();
        Ok(Self {
            common: nodes.first().common(),
            current: RwLock::new(nodes),
            factory,
            observers,
            discovery,
        })
    }

    /// Returns the facts that all nodes have in common.
    pub(crate) fn common(&self) -> &Common {
        &self.common
    }

    /// Returns the nodes that are called now.
    pub(crate) fn current(&self) -> Arc<NodeSet> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Calls other nodes from now on. Nodes that stay keep their connections and their state.
    pub(crate) fn set(&self, urls: &[String]) -> Result<(), Error> {
        let urls = self.factory.urls(urls)?;
        let former = self.current();
        let shown: Vec<String> = urls.iter().map(ToString::to_string).collect();
        if former.urls().eq(shown.iter().map(String::as_str)) {
            return Ok(());
        }
        let node = |url: &ServerUrl| match former.node(&url.to_string()) {
            Some(node) => Ok(Arc::clone(node)),
            None => {
                let transport = self.factory.transport(url)?;
                Ok(Arc::new(Node::new(transport, self.observers.clone())))
            }
        };
        let nodes: Result<Vec<_>, Error> = urls.iter().map(node).collect();
        let nodes = Arc::new(NodeSet::new(nodes?));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        nodes.set_only();
        former.retire_all_but(&nodes);
        *current = Arc::clone(&nodes);
        drop(current);
        // Without the lock: observers may change the nodes too.
        former.tell();
        nodes.tell();
        Ok(())
    }

    /// Asks the user's function for the nodes, if there is one and it is time.
    pub(crate) async fn refresh(&self, deadline: Deadline) {
        if let Some(discovery) = &self.discovery
            && discovery.is_due()
        {
            // The future of a rare path is boxed, so that it is not a part of this one.
            Box::pin(discovery.refresh(deadline, |urls| self.set(urls))).await;
        }
    }
}
