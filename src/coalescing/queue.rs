use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot};

use super::Coalescing;
use crate::call::Time;
use crate::{Error, Reply};

/// A call that waits for its batch.
pub(super) struct Entry {
    pub(super) method: &'static str,
    /// The number of its field in `Command`.
    #[cfg_attr(not(feature = "grpc"), allow(dead_code))]
    pub(super) tag: u32,
    pub(super) body: Bytes,
    pub(super) time: Time,
    pub(super) answer: oneshot::Sender<Result<Reply, Error>>,
}

impl Entry {
    /// What it takes of a batch, in bytes, or a little less.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.method.len() + r#"{"":},"#.len()
    }
}

/// Calls that wait, and how many workers send them.
pub(super) struct Queue {
    pub(super) options: Coalescing,
    /// For calls that wait or are under way.
    pub(super) room: Semaphore,
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<(u64, Entry)>,
    next_number: u64,
    workers: usize,
    /// What a batch may have, in bytes: less than the options say once a server refused that much.
    max_bytes: usize,
}

impl Queue {
    pub(super) fn new(options: Coalescing) -> Self {
        let state = State { waiting: VecDeque::new(), next_number: 0, workers: 0, max_bytes: options.bytes };
        Self { room: Semaphore::new(options.waiting), state: Mutex::new(state), options }
    }

    /// Adds a call, and answers its number, and whether another worker is to come, which it counts already.
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
        match state.waiting.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(index) => state.waiting.remove(index).is_some(),
            Err(_) => false,
        }
    }

    /// Takes the next batch; without one, the worker that asks is no longer counted.
    pub(super) fn take(&self) -> Option<Vec<Entry>> {
        let mut state = self.state();
        let (mut batch, mut size) = (Vec::new(), 0_usize);
        while let Some((_, entry)) = state.waiting.front() {
            let is_dropped = entry.answer.is_closed();
            size = size.saturating_add(entry.size());
            let is_full = batch.len() >= self.options.commands || size > state.max_bytes;
            if !is_dropped && is_full && !batch.is_empty() {
                break;
            }
            match state.waiting.pop_front() {
                Some((_, entry)) if !is_dropped => batch.push(entry),
                dropped => size -= dropped.map_or(0, |(_, entry)| entry.size()),
            }
        }
        if batch.is_empty() {
            state.workers -= 1;
            return None;
        }
        Some(batch)
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
