//! The nodes that a client calls, which may change while it runs.

mod discovery;
mod health;
mod node;
mod set;
#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Deadline;
use crate::error::Error;
use crate::observe::Observers;
use crate::transport::Transport;
use crate::transport::url::ServerUrl;
pub(crate) use discovery::Discovery;
use node::Node;
pub(crate) use node::Turn;
pub(crate) use set::{Candidate, NodeSet, TriedNodes};

/// The nodes of a client.
pub(crate) struct Nodes {
    /// The nodes that the client was built with.
    first: Arc<NodeSet>,
    /// Fast path: false as long as these are called.
    has_changed: AtomicBool,
    current: RwLock<Arc<NodeSet>>,
    /// Held while the nodes change.
    changing: Mutex<()>,
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

/// The nodes that are called now.
pub(crate) enum Current<'a> {
    First(&'a NodeSet),
    Changed(Arc<NodeSet>),
}

impl Deref for Current<'_> {
    type Target = NodeSet;

    fn deref(&self) -> &NodeSet {
        match self {
            Self::First(nodes) => nodes,
            Self::Changed(nodes) => nodes,
        }
    }
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
        let first = Arc::new(NodeSet::new(nodes?));
        Ok(Self {
            current: RwLock::new(Arc::clone(&first)),
            first,
            has_changed: AtomicBool::new(false),
            changing: Mutex::default(),
            factory,
            observers,
            discovery,
        })
    }

    /// Returns what all nodes have in common: their encoding, the rules for headers, the secrets.
    pub(crate) fn common(&self) -> &Transport {
        self.first.first()
    }

    /// Returns the nodes that are called now.
    pub(crate) fn current(&self) -> Current<'_> {
        if !self.has_changed.load(Ordering::Acquire) {
            return Current::First(&self.first);
        }
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Current::Changed(Arc::clone(&current))
    }

    /// Calls other nodes from now on. Nodes that stay keep their connections and their state.
    pub(crate) fn set(&self, urls: &[String]) -> Result<(), Error> {
        let urls = self.factory.urls(urls)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current();
        let shown: Vec<String> = urls.iter().map(ToString::to_string).collect();
        if current.urls().eq(shown.iter().map(String::as_str)) {
            return Ok(());
        }
        let node = |url: &ServerUrl| match current.node(&url.to_string()) {
            Some(node) => Ok(Arc::clone(node)),
            None => {
                let transport = self.factory.transport(url)?;
                Ok(Arc::new(Node::new(transport, self.observers.clone())))
            }
        };
        let nodes: Result<Vec<_>, Error> = urls.iter().map(node).collect();
        let nodes = Arc::new(NodeSet::new(nodes?));
        current.retire_all_but(&nodes);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = nodes;
        self.has_changed.store(true, Ordering::Release);
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
