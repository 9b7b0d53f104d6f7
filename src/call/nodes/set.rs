//! A set of nodes: round robin over those that are up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::health::Admission;
use super::node::{self, Node, Turn};
use crate::error::Error;
use crate::platform::Instant;
use crate::transport::Transport;

/// The nodes that a client calls at a time; there is at least one.
pub(crate) struct NodeSet {
    nodes: Vec<Arc<Node>>,
    /// The number of picks, for the round robin.
    next: AtomicUsize,
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
pub(crate) struct TriedNodes {
    first: Option<usize>,
    /// Usually there are none, and no memory is taken for them.
    others: Vec<usize>,
}

impl NodeSet {
    pub(super) fn new(nodes: Vec<Arc<Node>>) -> Self {
        Self {
            nodes,
            next: AtomicUsize::new(0),
        }
    }

    /// Lets each node know whether it is the only one.
    pub(super) fn set_only(&self) {
        let is_only = self.nodes.len() == 1;
        self.nodes.iter().for_each(|node| node.set_only(is_only));
    }

    /// Lets the nodes that are not in the other set count as up: the client does not skip them, but has them no more.
    pub(super) fn retire_all_but(&self, kept: &Self) {
        for node in &self.nodes {
            if kept.node(node.transport.url()).is_none() {
                node.set_only(true);
            }
        }
    }

    /// Tells observers of the nodes whose state has changed.
    pub(super) fn tell(&self) {
        self.nodes.iter().for_each(|node| node.tell());
    }

    /// Returns the node at a URL.
    pub(super) fn node(&self, url: &str) -> Option<&Arc<Node>> {
        let mut nodes = self.nodes.iter();
        nodes.find(|node| node.transport.url() == url)
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
        let untried: Vec<usize> = order.filter(|index| !tried.contains(*index)).collect();
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
        Turn::new(&self.nodes[index], index, admission)
    }

    /// Returns whether a node is up that the attempt has not tried.
    pub(crate) fn has_other(&self, tried: &TriedNodes) -> bool {
        let mut nodes = self.nodes.iter().enumerate();
        nodes.any(|(index, node)| !tried.contains(index) && node.is_up())
    }

    /// Returns whether several nodes are up.
    pub(crate) fn are_several_up(&self) -> bool {
        self.nodes.iter().filter(|node| node.is_up()).count() > 1
    }

    /// Returns whether another attempt would fail over: the error is a node's fault, and there is a healthy node,
    /// which the failing one no longer is.
    pub(crate) fn can_fail_over(&self, error: &Error) -> bool {
        let is_nodes_fault = node::is_at_fault(error);
        is_nodes_fault && self.nodes.len() > 1 && self.nodes.iter().any(|node| node.is_healthy())
    }

    /// Returns whether a node waits to be probed by such an attempt: then a single command should be sent, not a batch.
    pub(crate) fn is_probe_due(&self, candidate: Candidate) -> bool {
        if self.nodes.len() == 1
            || candidate.is_retry && self.nodes.iter().any(|node| node.is_healthy())
        {
            return false;
        }
        let now = Instant::now();
        let mut nodes = self.nodes.iter();
        nodes.any(|node| node.is_probe_due(now, candidate.is_cheap))
    }
}

impl TriedNodes {
    fn contains(&self, index: usize) -> bool {
        self.first == Some(index) || self.others.contains(&index)
    }

    /// Adds a node, and returns whether it is new.
    fn add(&mut self, index: usize) -> bool {
        let is_new = !self.contains(index);
        if self.first.is_none() {
            self.first = Some(index);
        } else if is_new {
            self.others.push(index);
        }
        is_new
    }
}
