//! The calls that wait: in the order of each channel, within bounds.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Background, BackgroundCounts};
use crate::call::Waiting;
use crate::observe::DropReason;

type Call = Pin<Box<dyn Future<Output = bool> + Send>>;

/// A call that waits.
pub(super) struct Job {
    /// In bytes.
    size: usize,
    start: Box<dyn FnOnce() -> Call + Send>,
}

impl Job {
    pub(super) fn new(size: usize, start: impl FnOnce() -> Call + Send + 'static) -> Self {
        Self {
            size,
            start: Box::new(start),
        }
    }

    /// Makes the call, and returns whether it succeeded.
    pub(super) async fn run(self) -> bool {
        (self.start)().await
    }
}

/// The calls of a sender.
pub(super) struct Queue {
    options: Background,
    state: Mutex<State>,
    /// Notified when no call waits or is in flight.
    idle: Notify,
}

#[derive(Default)]
struct State {
    /// The calls that wait, and their channels, by their numbers: the oldest first.
    waiting: BTreeMap<u64, (Arc<str>, Job)>,
    waiting_bytes: usize,
    /// The number of the next call.
    next: u64,
    /// The channels with a call that waits or is in flight, and the numbers of those that wait.
    channels: HashMap<Arc<str>, VecDeque<u64>>,
    /// The channels whose next call may be made: they have none in flight. A channel whose calls were dropped meanwhile
    /// may still be here.
    due: VecDeque<Arc<str>>,
    /// The number of tasks that make calls, each one at a time.
    tasks: usize,
    in_flight: usize,
    succeeded: u64,
    failed: u64,
    dropped: u64,
    is_closed: bool,
}

/// What became of a call that was put into the queue.
#[derive(Default)]
pub(super) struct Put {
    /// The calls that were dropped: this one, or others for it.
    pub(super) dropped: Vec<(Arc<str>, Job)>,
    /// The reason for it.
    pub(super) reason: Option<DropReason>,
    /// The turn of another task, if one is needed.
    pub(super) turn: Option<Turn>,
}

/// A task that makes calls. The call that it makes is about `channel`.
pub(super) struct Turn {
    queue: Arc<Queue>,
    channel: Option<Arc<str>>,
    has_ended: bool,
}

impl Queue {
    pub(super) fn new(options: Background) -> Self {
        Self {
            options,
            state: Mutex::default(),
            idle: Notify::new(),
        }
    }

    /// Puts a call into the queue, or drops it or others.
    pub(super) fn put(self: &Arc<Self>, channel: Arc<str>, job: Job) -> Put {
        let mut state = self.state();
        let mut put = Put::default();
        if state.is_closed {
            put.reason = Some(DropReason::Closed);
        } else if !self.make_room(&mut state, job.size, &mut put.dropped) {
            put.reason = Some(DropReason::Full);
        }
        if put.reason.is_some() {
            put.dropped.push((channel, job));
        } else {
            state.add(channel, job);
        }
        if !put.dropped.is_empty() {
            put.reason.get_or_insert(DropReason::Full);
        }
        state.dropped += count(put.dropped.len());
        if state.tasks < self.options.concurrency && !state.due.is_empty() {
            state.tasks += 1;
            put.turn = Some(Turn {
                queue: Arc::clone(self),
                channel: None,
                has_ended: false,
            });
        }
        put
    }

    /// Returns whether a call of that size may wait. Drops the oldest ones for it, if the options say so.
    fn make_room(
        &self,
        state: &mut State,
        size: usize,
        dropped: &mut Vec<(Arc<str>, Job)>,
    ) -> bool {
        let Background {
            waiting,
            waiting_bytes,
            drops_newest,
            ..
        } = self.options;
        if size > waiting_bytes {
            return false;
        }
        while state.waiting.len() >= waiting || state.waiting_bytes + size > waiting_bytes {
            match state.oldest() {
                Some(number) if !drops_newest => dropped.extend(state.remove(number)),
                _ => return false,
            }
        }
        true
    }

    /// Counts a call that was dropped before it was put into the queue.
    pub(super) fn count_dropped(&self) {
        self.state().dropped += 1;
    }

    pub(super) fn counts(&self) -> BackgroundCounts {
        let state = self.state();
        BackgroundCounts {
            succeeded: state.succeeded,
            failed: state.failed,
            dropped: state.dropped,
            waiting: state.waiting.len(),
            waiting_bytes: state.waiting_bytes,
            in_flight: state.in_flight,
        }
    }

    /// Waits until no call waits or is in flight.
    pub(super) async fn idle(&self) {
        loop {
            // Registered before the state is read, so that no end of a call is missed.
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if self.state().is_idle() {
                return;
            }
            idle.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting for Queue {
    fn refuse(&self) {
        self.state().is_closed = true;
    }

    fn sent(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.idle())
    }

    fn drop_rest(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        let dropped = std::mem::take(&mut state.waiting);
        state.waiting_bytes = 0;
        state.channels.values_mut().for_each(VecDeque::clear);
        state.dropped += count(dropped.len());
        if state.is_idle() {
            self.idle.notify_waiters();
        }
        dropped.into_values().map(|(channel, _)| channel).collect()
    }
}

impl State {
    fn add(&mut self, channel: Arc<str>, job: Job) {
        let number = self.next;
        self.next += 1;
        match self.channels.get_mut(&channel) {
            Some(waiting) => waiting.push_back(number),
            None => {
                self.channels.insert(Arc::clone(&channel), [number].into());
                self.due.push_back(Arc::clone(&channel));
            }
        }
        self.waiting_bytes += job.size;
        self.waiting.insert(number, (channel, job));
    }

    /// Returns the number of the call that has waited longest.
    fn oldest(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// Removes a call that is the next one of its channel.
    fn remove(&mut self, number: u64) -> Option<(Arc<str>, Job)> {
        let (channel, job) = self.waiting.remove(&number)?;
        if let Some(waiting) = self.channels.get_mut(&channel) {
            waiting.pop_front();
        }
        self.waiting_bytes -= job.size;
        Some((channel, job))
    }

    /// Returns the next call that may be made.
    fn next_due(&mut self) -> Option<(Arc<str>, Job)> {
        while let Some(channel) = self.due.pop_front() {
            let waiting = self.channels.get(&channel);
            match waiting.and_then(|waiting| waiting.front().copied()) {
                Some(number) => return self.remove(number),
                // Its calls were dropped.
                None => drop(self.channels.remove(&channel)),
            }
        }
        None
    }

    /// Lets the next call about a channel be made.
    fn free(&mut self, channel: Arc<str>) {
        let has_more = self
            .channels
            .get(&channel)
            .is_some_and(|waiting| !waiting.is_empty());
        if has_more {
            self.due.push_back(channel);
        } else {
            self.channels.remove(&channel);
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight == 0
    }
}

impl Turn {
    /// Returns the next call to make, or `None` if none is due.
    pub(super) fn next(&mut self) -> Option<Job> {
        let mut state = self.queue.state();
        let Some((channel, job)) = state.next_due() else {
            state.tasks -= 1;
            self.has_ended = true;
            return None;
        };
        state.in_flight += 1;
        drop(state);
        self.channel = Some(channel);
        Some(job)
    }

    /// Takes the outcome of the call.
    pub(super) fn ended(&mut self, succeeded: bool) {
        let Some(channel) = self.channel.take() else {
            return;
        };
        let mut state = self.queue.state();
        state.in_flight -= 1;
        state.free(channel);
        if succeeded {
            state.succeeded += 1;
        } else {
            state.failed += 1;
        }
        if state.is_idle() {
            self.queue.idle.notify_waiters();
        }
    }
}

/// A task that is dropped during a call, with its runtime, has not finished it.
impl Drop for Turn {
    fn drop(&mut self) {
        self.ended(false);
        if !self.has_ended {
            self.queue.state().tasks -= 1;
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
