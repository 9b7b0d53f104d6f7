//! Calls that wait for their batch or are sent with it.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::capacity::Permits;
use crate::api::messages::PublishRequest;
use crate::api::method::Method as _;
use crate::call::{Candidate, Deadline};
use crate::error::Error;
use crate::observe::Shared;
use crate::transport::Gate;

/// A call that waits for its batch.
pub(super) struct QueuedCall {
    pub(super) method: &'static str,
    /// The number of its field in `Command`.
    pub(super) tag: u32,
    /// The encoded request, without a frame.
    pub(super) message: Bytes,
    pub(super) deadline: Deadline,
    pub(super) candidate: Candidate,
    pub(super) observed: Shared,
    /// The channel for its item of the batch's reply.
    pub(super) reply: oneshot::Sender<Result<Bytes, Error>>,
}

impl QueuedCall {
    /// Returns the approximate size of the call within a batch, in bytes.
    pub(super) fn size(&self) -> usize {
        self.message.len() + self.method.len() + r#"{"":},"#.len()
    }

    /// Returns whether the caller has gone.
    fn is_dropped(&self) -> bool {
        self.reply.is_closed()
    }

    /// Returns whether the server may run the call without I/O, as it does with the memory engine.
    pub(super) fn may_be_quick(&self) -> bool {
        self.method == PublishRequest::NAME
    }
}

/// Calls with their numbers, which ascend.
pub(super) type Numbered = VecDeque<(u64, QueuedCall)>;

/// Calls that are sent together.
pub(super) struct Batch {
    pub(super) calls: Numbered,
    /// True if the server should run them concurrently.
    pub(super) parallel: bool,
    /// The gate that the batch passes when it is sent.
    pub(super) gate: Gate,
}

impl Batch {
    pub(super) fn new(calls: Numbered, parallel: bool) -> Self {
        Self {
            calls,
            parallel,
            gate: Gate::default(),
        }
    }

    /// Returns whether one of its callers has gone before it was sent, so that it is not sent as it is.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.gate.is_closed()
    }

    /// Returns the number of commands that the server runs one after another: none if it runs them concurrently.
    pub(super) fn sequential(&self) -> usize {
        if self.parallel { 0 } else { self.calls.len() }
    }

    /// Returns what nodes must know of the batch.
    pub(super) fn candidate(&self) -> Candidate {
        let mut candidates = self.calls.iter().map(|(_, call)| call.candidate);
        Candidate {
            is_cheap: self.calls.len() == 1 && candidates.clone().all(|call| call.is_cheap),
            is_retry: candidates.any(|call| call.is_retry),
        }
    }
}

/// Removes the first call whose caller has not gone, and those before it, whose permits it adds to `dropped`.
pub(super) fn pop(calls: &mut Numbered, dropped: &mut Permits<'_>) -> Option<(u64, QueuedCall)> {
    loop {
        let (number, call) = calls.pop_front()?;
        if !call.is_dropped() {
            return Some((number, call));
        }
        dropped.add(call.size());
    }
}

/// Removes the call of that number.
pub(super) fn remove(calls: &mut Numbered, number: u64) -> Option<QueuedCall> {
    let index = calls.binary_search_by_key(&number, |(number, _)| *number);
    let (_, call) = calls.remove(index.ok()?)?;
    Some(call)
}
