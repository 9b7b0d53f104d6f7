//! The calls that wait: in the order of each channel, within bounds.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::Notify;

use super::{Background, BackgroundCounts};
use crate::call::Waiting;
use crate::observe::DropReason;
use crate::platform;

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

    /// Makes the call, and returns whether it succeeded. A panic in it is a failure.
    async fn run(self) -> bool {
        let Ok(mut call) = catch_unwind(AssertUnwindSafe(self.start)) else {
            return false;
        };
        poll_fn(move |context| {
            let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
            polled.unwrap_or(Poll::Ready(false))
        })
        .await
    }
}

/// Makes one call after another, until none is due.
pub(super) async fn work(mut turn: Turn) {
    while let Some(job) = turn.next() {
        let succeeded = job.run().await;
        turn.ended(succeeded);
    }
}

/// The calls of a sender.
pub(super) struct Queue {
    options: Background,
    state: Mutex<State>,
    /// Notified when no call waits or is in flight any more, and when a task was dropped.
    changed: Notify,
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

/// The outcome of putting a call into the queue.
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
            changed: Notify::new(),
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
        if !put.dropped.is_empty() {
            state.forget_channels(self.options.waiting);
        }
        put.turn = self.turn(&mut state);
        put
    }

    /// Returns the turn of another task, if one is needed.
    fn turn(self: &Arc<Self>, state: &mut State) -> Option<Turn> {
        let is_needed = state.tasks < self.options.concurrency && !state.due.is_empty();
        is_needed.then(|| {
            state.tasks += 1;
            Turn {
                queue: Arc::clone(self),
                channel: None,
                has_ended: false,
            }
        })
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

    #[cfg(test)]
    pub(super) fn channels(&self) -> usize {
        self.state().channels.len()
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

    /// Waits until no call waits or is in flight. Makes the calls in the current runtime if the one that made them has
    /// ended.
    pub(super) async fn idle(self: &Arc<Self>) {
        loop {
            // Registered before the state is read, so that no end of a call is missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let turn = {
                let mut state = self.state();
                if state.is_idle() {
                    return;
                }
                self.turn(&mut state)
            };
            match turn {
                Some(turn) => platform::spawn(work(turn)),
                None => changed.await,
            }
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

    fn sent(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.idle().await })
    }

    fn drop_rest(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        let dropped = std::mem::take(&mut state.waiting);
        state.waiting_bytes = 0;
        state.channels.values_mut().for_each(VecDeque::clear);
        state.dropped += count(dropped.len());
        if state.is_idle() {
            self.changed.notify_waiters();
        }
        // Requests are dropped without the lock.
        drop(state);
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

    /// Forgets the channels whose calls were all dropped, if they are many: so that they do not add up.
    fn forget_channels(&mut self, waiting: usize) {
        if self.due.len() <= 2 * waiting {
            return;
        }
        let channels = &mut self.channels;
        self.due.retain(|channel| {
            let has_calls = channels.get(channel).is_some_and(|calls| !calls.is_empty());
            if !has_calls {
                channels.remove(channel);
            }
            has_calls
        });
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
            self.queue.changed.notify_waiters();
        }
    }
}

/// A task that is dropped during a call, with its runtime, has not finished it.
impl Drop for Turn {
    fn drop(&mut self) {
        self.ended(false);
        if !self.has_ended {
            self.queue.state().tasks -= 1;
            self.queue.changed.notify_waiters();
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
