//! Calls that wait for their batch.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::order::OrderProbe;
use super::{Coalescing, Order};
use crate::api::messages::PublishRequest;
use crate::api::method::Method as _;
use crate::call::Deadline;
use crate::error::{Effect, Error};

/// A call that waits for its batch.
pub(super) struct QueuedCall {
    pub(super) method: &'static str,
    /// The number of its field in `Command`.
    pub(super) tag: u32,
    /// The encoded request, without a frame.
    pub(super) message: Bytes,
    pub(super) deadline: Deadline,
    /// The channel for its item of the batch's reply.
    pub(super) reply: oneshot::Sender<Result<Bytes, Error>>,
}

impl QueuedCall {
    /// Returns the approximate size of the call within a batch, in bytes.
    fn size(&self) -> usize {
        self.message.len() + self.method.len() + r#"{"":},"#.len()
    }

    /// Returns whether the caller has gone.
    fn is_dropped(&self) -> bool {
        self.reply.is_closed()
    }

    /// Returns whether the server may run the call without I/O, as it does with the memory engine.
    fn may_be_quick(&self) -> bool {
        self.method == PublishRequest::NAME
    }
}

/// Calls that wait, and the number of workers that send them.
pub(super) struct Queue {
    options: Coalescing,
    /// The permits to wait or to be in flight. Each call takes one; batches return those of their calls together.
    capacity: Semaphore,
    state: Mutex<State>,
}

struct State {
    /// The calls that wait, with their numbers, which ascend.
    waiting: VecDeque<(u64, QueuedCall)>,
    next_number: u64,
    workers: usize,
    /// The maximal size of a batch, in bytes: less than the option once a server refused that much.
    max_bytes: usize,
    order: OrderProbe,
}

/// Calls that are sent together.
pub(super) struct Batch {
    pub(super) calls: Vec<QueuedCall>,
    /// Whether the server should run them concurrently.
    pub(super) parallel: bool,
}

/// A call that was added to the queue.
pub(super) struct Pushed {
    pub(super) number: u64,
    /// Whether the caller must start a worker, which is counted already.
    pub(super) needs_worker: bool,
}

/// The permits of calls, which are returned to the queue when this is dropped.
pub(super) struct Permits<'a> {
    queue: &'a Queue,
    calls: usize,
}

impl Drop for Permits<'_> {
    fn drop(&mut self) {
        self.queue.capacity.add_permits(self.calls);
    }
}

impl State {
    /// Removes the calls at the front whose callers have gone, and returns their number.
    fn remove_dropped(&mut self) -> usize {
        let mut removed = 0;
        while self
            .waiting
            .front()
            .is_some_and(|(_, call)| call.is_dropped())
        {
            self.waiting.pop_front();
            removed += 1;
        }
        removed
    }
}

impl Queue {
    pub(super) fn new(options: Coalescing) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            next_number: 0,
            workers: 0,
            max_bytes: options.bytes,
            order: OrderProbe::default(),
        };
        Self {
            capacity: Semaphore::new(options.waiting),
            state: Mutex::new(state),
            options,
        }
    }

    /// Takes a permit, and returns whether one was free.
    pub(super) fn try_acquire(&self) -> bool {
        let permit = self.capacity.try_acquire();
        permit.map(SemaphorePermit::forget).is_ok()
    }

    /// Waits for a permit.
    pub(super) async fn acquire(&self) {
        let permit = self.capacity.acquire().await;
        // The semaphore is never closed.
        let _ = permit.map(SemaphorePermit::forget);
    }

    /// Returns the permits of that many calls as a guard, which gives them back when it is dropped.
    pub(super) fn permits(&self, calls: usize) -> Permits<'_> {
        Permits { queue: self, calls }
    }

    /// Adds a call that has a permit.
    pub(super) fn push(&self, call: QueuedCall) -> Pushed {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push_back((number, call));
        let needs_worker = state.workers < self.options.batches;
        state.workers += usize::from(needs_worker);
        Pushed {
            number,
            needs_worker,
        }
    }

    /// Removes a call, and returns its effect: unsent if it was still waiting.
    pub(super) fn withdraw(&self, number: u64) -> Effect {
        let mut state = self.state();
        let index = state
            .waiting
            .binary_search_by_key(&number, |(number, _)| *number);
        let withdrawn = index.ok().and_then(|index| state.waiting.remove(index));
        drop(state);
        if withdrawn.is_none() {
            return Effect::MayHaveRun;
        }
        self.capacity.add_permits(1);
        Effect::Unsent
    }

    /// Takes the next batch. Returns `None` if no call waits; the worker is then no longer counted, and must end.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut state = self.state();
        let mut calls: Vec<QueuedCall> = Vec::new();
        let mut bytes = 0_usize;
        let mut max_sequential = self.max_sequential(&state);
        let mut dropped = 0;
        loop {
            dropped += state.remove_dropped();
            let Some((_, next)) = state.waiting.front() else {
                break;
            };
            bytes = bytes.saturating_add(next.size());
            let max_calls = max_sequential
                .unwrap_or(usize::MAX)
                .min(self.options.commands);
            let is_full = calls.len() >= max_calls || bytes > state.max_bytes;
            // A call that is too large for any batch is sent alone.
            if is_full && !calls.is_empty() {
                break;
            }
            if self.options.order == Order::Measured && !next.may_be_quick() {
                // One call that waits for I/O makes the batch run concurrently.
                max_sequential = None;
            }
            calls.extend(state.waiting.pop_front().map(|(_, call)| call));
        }
        self.capacity.add_permits(dropped);
        if calls.is_empty() {
            state.workers -= 1;
            return None;
        }
        let parallel = max_sequential.is_none() && calls.len() > 1;
        if parallel {
            state.order.ran_in_parallel();
        }
        Some(Batch { calls, parallel })
    }

    /// Returns the maximal number of calls of a batch that the server runs one after another; `None` if it runs them
    /// concurrently.
    fn max_sequential(&self, state: &State) -> Option<usize> {
        match self.options.order {
            Order::Measured => state.order.max_sequential(),
            Order::Sequential => Some(usize::MAX),
            Order::Concurrent => None,
        }
    }

    /// Records how long a batch took.
    pub(super) fn record(&self, calls: usize, parallel: bool, took: Duration) {
        if !parallel {
            self.state().order.record(calls, took);
        }
    }

    /// Records that a server refused a batch of that size.
    pub(super) fn refused(&self, bytes: usize) {
        let mut state = self.state();
        state.max_bytes = state.max_bytes.min(bytes / 2);
    }

    /// Stops counting a worker that ends without having found the queue empty.
    pub(super) fn abandon(&self) {
        self.state().workers -= 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
