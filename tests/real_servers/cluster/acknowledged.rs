//! The publications of all callers and their outcomes, to be compared with the contents of the
//! channels.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use centrifugo_api::{
    BroadcastRequest, BroadcastResult, Client, Error, HistoryRequest, PublishRequest, PublishResult,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{CALLERS, PATIENCE, SLACK, TIMEOUT};
use crate::Outcome;

const CHANNELS: usize = 8;

/// The number of channels of a broadcast.
const BROADCAST: usize = 3;

/// Returns a channel of the namespace that keeps all its history.
fn channel(number: usize) -> String {
    format!("kept:{}", number % CHANNELS)
}

/// A publication into one channel, and its offset if it was acknowledged.
struct Entry {
    began: Instant,
    channel: String,
    data: String,
    offset: Option<u64>,
}

/// The record of a load. Its callers continue until they are stopped.
#[derive(Default)]
pub(crate) struct Acknowledged {
    entries: Mutex<Vec<Entry>>,
    errors: Mutex<Vec<Error>>,
    longest: Mutex<Duration>,
    acknowledged: watch::Sender<usize>,
    failed: watch::Sender<usize>,
    /// While it is set, a caller that got an error waits.
    is_down: watch::Sender<bool>,
    stopped: AtomicBool,
}

/// The next call of a caller.
enum Call {
    Publish(PublishRequest),
    Broadcast(BroadcastRequest),
    Read(HistoryRequest),
}

impl Call {
    /// Returns a call of each kind, in turn. The data is unique.
    fn new(caller: usize, number: usize) -> Self {
        let data = format!("\"{caller}-{number}\"");
        let first = caller + number;
        match number % 3 {
            0 => Self::Publish(PublishRequest::new(channel(first), data)),
            1 => Self::Broadcast(BroadcastRequest::new(
                (first..first + BROADCAST).map(channel),
                data,
            )),
            _ => Self::Read(HistoryRequest::new(channel(first))),
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let (channels, data) = match self {
            Self::Publish(request) => (std::slice::from_ref(&request.channel), &request.data),
            Self::Broadcast(request) => (&request.channels[..], &request.data),
            Self::Read(_) => return Vec::new(),
        };
        let began = Instant::now();
        let data = String::from_utf8_lossy(data).into_owned();
        channels
            .iter()
            .map(|channel: &String| Entry {
                began,
                channel: channel.clone(),
                data: data.clone(),
                offset: None,
            })
            .collect()
    }
}

/// The outcome of a call: an offset for each channel.
type CallOutcome = Result<Vec<u64>, Error>;

fn published(result: PublishResult) -> Vec<u64> {
    vec![result.offset]
}

fn broadcast(result: BroadcastResult) -> CallOutcome {
    Ok(result
        .all_ok()?
        .iter()
        .map(|result| result.offset)
        .collect())
}

impl Acknowledged {
    /// Starts callers that continue until they are stopped.
    pub(crate) fn callers(self: &Arc<Self>, client: &Client) -> Vec<JoinHandle<()>> {
        let caller = |number| {
            let client = client.clone();
            let acknowledged = Arc::clone(self);
            tokio::spawn(async move { acknowledged.run(number, &client).await })
        };
        (0..CALLERS).map(caller).collect()
    }

    /// Publishes, broadcasts and reads, one call after another.
    async fn run(&self, caller: usize, client: &Client) {
        for number in 0.. {
            let Some(call) = self.next(caller, number) else {
                return;
            };
            let entries = call.entries();
            let began = Instant::now();
            let outcome = match call {
                Call::Publish(request) => client.publish(request).await.map(published),
                Call::Broadcast(request) => client.broadcast(request).await.and_then(broadcast),
                Call::Read(request) => client.history(request).await.map(|_| Vec::new()),
            };
            if !self.record(entries, outcome, began) {
                let _ = self.is_down.subscribe().wait_for(|down| !down).await;
            }
        }
    }

    /// Does the same from a thread.
    pub(crate) fn run_blocking(&self, caller: usize, client: &centrifugo_api::blocking::Client) {
        for number in 0.. {
            let Some(call) = self.next(caller, number) else {
                return;
            };
            let entries = call.entries();
            let began = Instant::now();
            let outcome = match call {
                Call::Publish(request) => client.publish(request).map(published),
                Call::Broadcast(request) => client.broadcast(request).and_then(broadcast),
                Call::Read(request) => client.history(request).map(|_| Vec::new()),
            };
            self.record(entries, outcome, began);
        }
    }

    fn next(&self, caller: usize, number: usize) -> Option<Call> {
        (!self.stopped.load(Ordering::Relaxed)).then(|| Call::new(caller, number))
    }

    /// Records the outcome of a call, and returns whether it succeeded.
    fn record(&self, mut entries: Vec<Entry>, outcome: CallOutcome, began: Instant) -> bool {
        let mut longest = lock(&self.longest);
        *longest = longest.max(began.elapsed());
        drop(longest);
        let is_good = outcome.is_ok();
        match outcome {
            Ok(offsets) => {
                assert_eq!(offsets.len(), entries.len());
                entries
                    .iter_mut()
                    .zip(offsets)
                    .for_each(|(entry, offset)| entry.offset = Some(offset));
            }
            Err(error) => lock(&self.errors).push(error),
        }
        lock(&self.entries).append(&mut entries);
        let counter = if is_good {
            &self.acknowledged
        } else {
            &self.failed
        };
        counter.send_modify(|calls| *calls += 1);
        is_good
    }

    /// Waits until this many more calls have succeeded.
    pub(crate) async fn wait_for_successes(&self, calls: usize) -> Outcome {
        let mut acknowledged = self.acknowledged.subscribe();
        let wanted = *acknowledged.borrow() + calls;
        tokio::time::timeout(PATIENCE, acknowledged.wait_for(|now| *now >= wanted)).await??;
        Ok(())
    }

    /// Waits for the callers' last calls.
    pub(crate) async fn stop(&self, callers: Vec<JoinHandle<()>>) -> Outcome {
        self.stopped.store(true, Ordering::Relaxed);
        for caller in callers {
            tokio::time::timeout(PATIENCE, caller).await??;
        }
        Ok(())
    }

    /// Sets whether a caller that gets an error waits.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.send_replace(is_down);
    }

    /// Waits until this many calls have failed.
    pub(crate) async fn wait_for_failures(&self, calls: usize) -> Outcome {
        let mut failed = self.failed.subscribe();
        tokio::time::timeout(PATIENCE, failed.wait_for(|now| *now >= calls)).await??;
        Ok(())
    }

    /// Takes the errors that callers got.
    pub(crate) fn take_errors(&self) -> Vec<Error> {
        std::mem::take(&mut lock(&self.errors))
    }

    /// Compares the outcomes with the contents of the channels: an acknowledged publication is
    /// there once, at its
    /// offset; any other at most once; and nothing else is there. No call took longer than its
    /// timeout.
    ///
    /// The server may have lost acknowledged publications of calls that began before `since`.
    pub(crate) async fn check(&self, client: &Client, since: Instant) -> Outcome {
        let longest = *lock(&self.longest);
        assert!(longest < TIMEOUT + SLACK, "a call took {longest:?}");
        let mut held: HashMap<(String, String), Vec<u64>> = HashMap::new();
        for channel in (0..CHANNELS).map(channel) {
            let history = client
                .history(HistoryRequest::new(&channel).limit(-1))
                .await?;
            assert_eq!(
                history.offset,
                history.publications.len() as u64,
                "{channel} has lost its first publications"
            );
            for publication in history.publications {
                let data = String::from_utf8_lossy(&publication.data).into_owned();
                held.entry((channel.clone(), data))
                    .or_default()
                    .push(publication.offset);
            }
        }
        let mut acknowledged = 0;
        for Entry {
            began,
            channel,
            data,
            offset,
        } in lock(&self.entries).drain(..)
        {
            let offsets = held
                .remove(&(channel.clone(), data.clone()))
                .unwrap_or_default();
            match offset.filter(|_| began >= since) {
                Some(offset) => assert_eq!(offsets, [offset], "{data} in {channel}, acknowledged"),
                None => assert!(offsets.len() <= 1, "{data} in {channel} is at {offsets:?}"),
            }
            acknowledged += usize::from(offset.is_some());
        }
        assert!(held.is_empty(), "nobody published {held:?}");
        // Shown when a test fails, and with `--nocapture`.
        let calls = *self.acknowledged.borrow();
        let errors = *self.failed.borrow();
        println!(
            "{calls} calls, {acknowledged} publications; {errors} errors; at longest {longest:?}"
        );
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
