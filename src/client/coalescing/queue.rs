//! Calls that wait for their batch.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot::Receiver;

use super::batch::{Batch, Numbered, QueuedCall, pop, remove};
use super::capacity::{Capacity, Permits};
use super::order::OrderProbe;
use super::size::BatchSize;
use super::{Coalescing, Order};
use crate::call::Candidate;
use crate::error::Effect;
use crate::transport::Gate;

/// Calls that wait, and the number of workers that send them.
pub(super) struct Queue {
    options: Coalescing,
    /// True if all its calls read payloads. They are repeatable, so that a batch that failed may be sent in halves.
    pub(super) reads_payloads: bool,
    /// The permits to wait or to be in flight, of which each call has taken its own.
    pub(super) capacity: Capacity,
    state: Mutex<State>,
}

struct State {
    waiting: Numbered,
    /// Halves of batches that the server refused, and batches that were withdrawn. The last one is sent next, before the
    /// calls in `waiting`.
    halves: Vec<Batch>,
    /// The batches that workers send.
    sending: Vec<Sending>,
    next_number: u64,
    /// The number of workers, without those whose batch is slow.
    workers: usize,
    size: BatchSize,
    order: OrderProbe,
}

/// A batch that a worker sends.
struct Sending {
    /// The numbers of its calls, which ascend.
    numbers: Vec<u64>,
    gate: Gate,
}

/// A call that was removed from the queue, or from its batch.
#[derive(Debug)]
pub(super) struct Withdrawn {
    pub(super) effect: Effect,
    /// The id of the batch that the call was in.
    pub(super) request_id: Option<String>,
}

impl Withdrawn {
    fn unsent() -> Self {
        Self {
            effect: Effect::Unsent,
            request_id: None,
        }
    }
}

/// A call that was added to the queue.
pub(super) struct Pushed {
    pub(super) number: u64,
    /// True if the caller must start a worker, which is counted already.
    pub(super) needs_worker: bool,
}

impl State {
    /// Removes the call of that number, if it waits.
    fn remove(&mut self, number: u64) -> Option<QueuedCall> {
        let halves = self.halves.iter_mut().map(|half| &mut half.calls);
        let mut places = halves.chain([&mut self.waiting]);
        places.find_map(|calls| remove(calls, number))
    }

    /// Removes the batch with that gate from those that are sent.
    fn ended(&mut self, gate: &Gate) {
        self.sending.retain(|batch| !batch.gate.is(gate));
    }

    /// Removes the first calls if their callers have gone, and returns what nodes must know of the next one.
    fn first(&mut self, dropped: &mut Permits<'_>) -> Option<Candidate> {
        loop {
            let half = self.halves.last_mut().map(|half| &mut half.calls);
            let calls = half.unwrap_or(&mut self.waiting);
            if let Some((number, call)) = pop(calls, dropped) {
                let candidate = call.candidate;
                calls.push_front((number, call));
                return Some(candidate);
            }
            // The half has no calls any more.
            self.halves.pop()?;
        }
    }

    /// Takes a half of a batch that the server refused, if there is one.
    fn take_half(&mut self, max_calls: usize, dropped: &mut Permits<'_>) -> Option<Batch> {
        let half = self.halves.last_mut()?;
        let parallel = half.parallel;
        let mut calls = Numbered::new();
        while calls.len() < max_calls
            && let Some(call) = pop(&mut half.calls, dropped)
        {
            calls.push_back(call);
        }
        if half.calls.is_empty() {
            self.halves.pop();
        }
        Some(Batch::new(calls, parallel))
    }
}

impl Queue {
    pub(super) fn new(options: Coalescing, reads_payloads: bool) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            halves: Vec::new(),
            sending: Vec::new(),
            next_number: 0,
            workers: 0,
            size: BatchSize::new(options.bytes),
            order: OrderProbe::default(),
        };
        Self {
            capacity: Capacity::new(options.waiting, options.waiting_bytes),
            state: Mutex::new(state),
            reads_payloads,
            options,
        }
    }

    /// Returns the time after which a batch in flight is slow.
    pub(super) fn slow_after(&self) -> Duration {
        self.options.slow_after
    }

    /// Returns the permits of these calls as a guard, which gives them back when it is dropped.
    pub(super) fn permits(&self, calls: &Numbered) -> Permits<'_> {
        let mut permits = self.capacity.permits();
        for (_, call) in calls {
            permits.add(call.size());
        }
        permits
    }

    /// Adds a call that has its permits.
    pub(super) fn push(&self, call: QueuedCall) -> Pushed {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push_back((number, call));
        Pushed {
            number,
            needs_worker: self.count_worker(&mut state),
        }
    }

    /// Removes a call whose caller has no more time, and returns its effect: unsent if it was still waiting, or if its
    /// batch was not sent yet. Such a batch is withdrawn, and sent without the call.
    pub(super) fn withdraw<T>(&self, number: u64, received: &mut Receiver<T>) -> Withdrawn {
        let mut state = self.state();
        // Under the lock: otherwise a worker could forget the call before it is looked for.
        received.close();
        if let Some(call) = state.remove(number) {
            self.capacity.permits().add(call.size());
            return Withdrawn::unsent();
        }
        let mut sending = state.sending.iter();
        let batch = sending.find(|batch| batch.numbers.binary_search(&number).is_ok());
        Withdrawn {
            effect: batch.map_or(Effect::MayHaveRun, |batch| batch.gate.close()),
            request_id: batch.and_then(|batch| batch.gate.request_id().map(str::to_owned)),
        }
    }

    /// Takes the next batch: a single call if `is_alone` says so of the first one. Returns `None` if no call waits; the
    /// worker is then no longer counted, and must end.
    pub(super) fn take(&self, is_alone: impl Fn(Candidate) -> bool) -> Option<Batch> {
        let mut dropped = self.capacity.permits();
        let mut state = self.state();
        let Some(first) = state.first(&mut dropped) else {
            state.workers -= 1;
            return None;
        };
        let max_calls = if is_alone(first) {
            1
        } else {
            self.options.commands
        };
        let half = state.take_half(max_calls, &mut dropped);
        let batch = half.unwrap_or_else(|| self.take_waiting(&mut state, max_calls, &mut dropped));
        if batch.parallel {
            state.order.ran_in_parallel();
        }
        state.sending.push(Sending {
            numbers: batch.calls.iter().map(|(number, _)| *number).collect(),
            gate: batch.gate.clone(),
        });
        Some(batch)
    }

    /// Takes a batch of the calls that arrived first.
    fn take_waiting(
        &self,
        state: &mut State,
        max_calls: usize,
        dropped: &mut Permits<'_>,
    ) -> Batch {
        let mut calls = Numbered::new();
        let mut bytes = 0_usize;
        let mut max_sequential = self.max_sequential(state);
        while let Some((number, next)) = pop(&mut state.waiting, dropped) {
            bytes = bytes.saturating_add(next.size());
            let max_calls = max_sequential.unwrap_or(usize::MAX).min(max_calls);
            let is_full = calls.len() >= max_calls || bytes > state.size.max();
            // A call that is too large for any batch is sent alone.
            if is_full && !calls.is_empty() {
                state.waiting.push_front((number, next));
                break;
            }
            if self.options.order == Order::Measured && !next.may_be_quick() {
                // One call that waits for I/O makes the batch run concurrently.
                max_sequential = None;
            }
            calls.push_back((number, next));
        }
        let parallel = max_sequential.is_none() && calls.len() > 1;
        Batch::new(calls, parallel)
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
}

/// # The outcomes of batches
impl Queue {
    /// Records that a batch of that size succeeded.
    pub(super) fn succeeded(&self, bytes: usize) {
        self.state().size.succeeded(bytes);
    }

    /// Records how long a batch took whose commands ran one after another.
    pub(super) fn measured(&self, commands: usize, took: Duration) {
        self.state().order.record(commands, took);
    }

    /// Records that a batch whose commands run one after another has taken that long without success.
    pub(super) fn lasted(&self, commands: usize, took: Duration) {
        self.state().order.record_unfinished(commands, took);
    }

    /// Records that a server refused a batch because of its size.
    pub(super) fn refused(&self, bytes: usize) {
        self.state().size.refused(bytes);
    }

    /// Lets the calls of a batch wait again, in halves, which are sent next.
    pub(super) fn halve(&self, mut batch: Batch) {
        let second_calls = batch.calls.split_off(batch.calls.len() / 2);
        let second_half = Batch::new(second_calls, batch.parallel);
        let mut state = self.state();
        state.ended(&batch.gate);
        state.halves.extend([second_half, batch]);
    }

    /// Lets the calls of a batch that was withdrawn wait again; those that have not gone are sent next.
    pub(super) fn again(&self, batch: Batch) {
        let mut state = self.state();
        state.ended(&batch.gate);
        state.halves.push(batch);
    }

    /// Records that a batch has ended, and that its calls have their outcomes.
    pub(super) fn ended(&self, gate: &Gate) {
        self.state().ended(gate);
    }

    /// Counts a worker if calls wait and there may be one more, and returns whether it does.
    pub(super) fn enter(&self) -> bool {
        self.count_worker(&mut self.state())
    }

    /// Stops counting a worker.
    pub(super) fn leave(&self) {
        self.state().workers -= 1;
    }

    fn count_worker(&self, state: &mut State) -> bool {
        let is_empty = state.waiting.is_empty() && state.halves.is_empty();
        let is_counted = !is_empty && state.workers < self.options.batches;
        state.workers += usize::from(is_counted);
        is_counted
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::oneshot;

    use super::*;
    use crate::call::Deadline;
    use crate::error::Error;

    type Reply = oneshot::Receiver<Result<Bytes, Error>>;

    /// Returns a queue with that many calls, and the receivers of their replies.
    fn queue(calls: usize) -> (Queue, Vec<Reply>) {
        let queue = Queue::new(Coalescing::default(), false);
        let replies = (0..calls).map(|_| push(&queue)).collect();
        (queue, replies)
    }

    fn push(queue: &Queue) -> Reply {
        let (reply, received) = oneshot::channel();
        let call = QueuedCall {
            method: "publish",
            tag: 1,
            message: Bytes::new(),
            deadline: Deadline::new(Duration::from_secs(60), None, None),
            candidate: Candidate {
                is_cheap: true,
                is_retry: false,
            },
            observed: None,
            reply,
        };
        queue.push(call);
        received
    }

    fn numbers(batch: Option<Batch>) -> Vec<u64> {
        let calls = batch.into_iter().flat_map(|batch| batch.calls);
        calls.map(|(number, _)| number).collect()
    }

    #[test]
    fn call_that_is_to_be_alone_is_taken_alone() {
        let (queue, _replies) = queue(4);
        assert_eq!(numbers(queue.take(|_| true)), [0]);
        queue.halve(queue.take(|_| false).unwrap());
        for number in 1..4 {
            assert_eq!(numbers(queue.take(|_| true)), [number]);
        }
        assert_eq!(numbers(queue.take(|_| true)), [0; 0]);
    }

    #[test]
    fn halves_are_taken_first_without_calls_whose_callers_have_gone() {
        let (queue, mut replies) = queue(6);
        queue.halve(queue.take(|_| false).unwrap());
        replies.push(push(&queue));
        replies.drain(1..4);
        assert_eq!(queue.withdraw(5, &mut replies[2]).effect, Effect::Unsent);
        assert_eq!(numbers(queue.take(|_| false)), [0]);
        assert_eq!(numbers(queue.take(|_| false)), [4]);
        let batch = queue.take(|_| false).unwrap();
        assert!(!batch.is_withdrawn());
        assert_eq!(queue.withdraw(6, &mut replies[3]).effect, Effect::Unsent);
        assert!(batch.is_withdrawn());
        queue.ended(&batch.gate);
        assert_eq!(
            queue.withdraw(6, &mut replies[3]).effect,
            Effect::MayHaveRun
        );
    }
}
