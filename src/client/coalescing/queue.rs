use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::pace::Pace;
use super::{Coalescing, Order};
use crate::call::Time;
use crate::{Error, Method as _, PublishRequest};

/// A call that waits for its batch.
pub(super) struct Entry {
    pub(super) method: &'static str,
    /// The number of its field in `Command`.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(super) tag: u32,
    pub(super) body: Bytes,
    pub(super) time: Time,
    /// Gets its part of the batch's reply.
    pub(super) answer: oneshot::Sender<Result<Bytes, Error>>,
}

impl Entry {
    /// What it takes of a batch, in bytes, or a little less.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.method.len() + r#"{"":},"#.len()
    }

    /// Whether it waits for nothing but the engine: others may ask all nodes.
    fn may_be_quick(&self) -> bool {
        self.method == PublishRequest::NAME
    }
}

/// Calls that wait, and how many workers send them.
pub(super) struct Queue {
    pub(super) options: Coalescing,
    /// Places for calls that wait or are under way, which are taken one by one and given back in batches.
    room: Semaphore,
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<(u64, Entry)>,
    next_number: u64,
    workers: usize,
    /// What a batch may have, in bytes: less than the options say once a server refused that much.
    max_bytes: usize,
    pace: Pace,
}

/// Calls that go together.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// Whether the server is to run them concurrently.
    pub(super) parallel: bool,
}

/// Places of calls.
pub(super) struct Places<'a> {
    queue: &'a Queue,
    calls: usize,
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        self.queue.room.add_permits(self.calls);
    }
}

impl Queue {
    pub(super) fn new(options: Coalescing) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            next_number: 0,
            workers: 0,
            max_bytes: options.bytes,
            pace: Pace::default(),
        };
        Self {
            room: Semaphore::new(options.waiting),
            state: Mutex::new(state),
            options,
        }
    }

    /// Takes a place, if there is one.
    pub(super) fn try_enter(&self) -> bool {
        self.room.try_acquire().map(SemaphorePermit::forget).is_ok()
    }

    /// Waits for a place.
    pub(super) async fn enter(&self) {
        // It is never closed.
        let _ = self.room.acquire().await.map(SemaphorePermit::forget);
    }

    /// The places of so many calls, which are given back when it is dropped.
    pub(super) fn places(&self, calls: usize) -> Places<'_> {
        Places { queue: self, calls }
    }

    /// Adds a call that has a place, and answers its number, and whether another worker is to come, which it counts
    /// already.
    pub(super) fn push(&self, entry: Entry) -> (u64, bool) {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push_back((number, entry));
        let needs_worker = state.workers < self.options.batches;
        state.workers += usize::from(needs_worker);
        (number, needs_worker)
    }

    /// Takes a call back, and says whether it still waited.
    pub(super) fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state();
        // The numbers ascend.
        let index = state
            .waiting
            .binary_search_by_key(&number, |(number, _)| *number);
        let withdrawn = index.ok().and_then(|index| state.waiting.remove(index));
        drop(state);
        drop(self.places(usize::from(withdrawn.is_some())));
        withdrawn.is_some()
    }

    /// Takes the next batch; without one, the worker that asks is no longer counted.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut state = self.state();
        let (mut batch, mut size, mut dropped_calls) = (Vec::new(), 0_usize, 0);
        // How many commands may run one after another, as long as none is of another kind.
        let mut in_turn = match self.options.order {
            Order::Measured => state.pace.limit(),
            Order::OneAfterAnother => Some(usize::MAX),
            Order::Concurrent => None,
        };
        while let Some((_, entry)) = state.waiting.front() {
            let is_dropped = entry.answer.is_closed();
            size = size.saturating_add(entry.size());
            let most = in_turn.unwrap_or(usize::MAX).min(self.options.commands);
            let is_full = batch.len() >= most || size > state.max_bytes;
            if !is_dropped && is_full && !batch.is_empty() {
                break;
            }
            if self.options.order == Order::Measured && !entry.may_be_quick() {
                in_turn = None;
            }
            match state.waiting.pop_front() {
                Some((_, entry)) if !is_dropped => batch.push(entry),
                dropped => {
                    size -= dropped.map_or(0, |(_, entry)| entry.size());
                    dropped_calls += 1;
                }
            }
        }
        drop(self.places(dropped_calls));
        if batch.is_empty() {
            state.workers -= 1;
            return None;
        }
        let parallel = in_turn.is_none() && batch.len() > 1;
        if parallel {
            state.pace.went_concurrently();
        }
        Some(Batch {
            entries: batch,
            parallel,
        })
    }

    /// A batch that ran took so long.
    pub(super) fn learn(&self, commands: usize, parallel: bool, took: Duration) {
        if !parallel {
            self.state().pace.learn(commands, took);
        }
    }

    /// A server refused a batch of that size.
    pub(super) fn refused(&self, bytes: usize) {
        let mut state = self.state();
        state.max_bytes = state.max_bytes.min(bytes / 2);
    }

    /// A worker ends without having found the queue empty.
    pub(super) fn abandon(&self) {
        self.state().workers -= 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
