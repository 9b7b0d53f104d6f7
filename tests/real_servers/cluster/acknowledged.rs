//! What callers published, and what they were told of it: to be compared with what the channels hold.

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

/// How many channels a broadcast goes to.
const BROADCAST: usize = 3;

/// A channel of the namespace that keeps all its history.
fn channel(number: usize) -> String {
    format!("kept:{}", number % CHANNELS)
}

/// A publication into one channel, and its offset where it was acknowledged.
struct Entry {
    began: Instant,
    channel: String,
    data: String,
    offset: Option<u64>,
}

/// The record of a load. Its callers go on until they are stopped.
#[derive(Default)]
pub(crate) struct Acknowledged {
    entries: Mutex<Vec<Entry>>,
    errors: Mutex<Vec<Error>>,
    longest: Mutex<Duration>,
    acknowledged: watch::Sender<usize>,
    failed: watch::Sender<usize>,
    /// Who saw an error waits until it is over.
    is_down: watch::Sender<bool>,
    stopped: AtomicBool,
}

/// What a caller does next.
enum Turn {
    Publish(PublishRequest),
    Broadcast(BroadcastRequest),
    Read(HistoryRequest),
}

impl Turn {
    /// One of each kind, in turn. The data is unique.
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
        let entry = |channel: &String| Entry {
            began,
            channel: channel.clone(),
            data: data.clone(),
            offset: None,
        };
        channels.iter().map(entry).collect()
    }
}

/// What a caller was told: an offset for each channel.
type Told = Result<Vec<u64>, Error>;

fn published(result: PublishResult) -> Vec<u64> {
    vec![result.offset]
}

fn broadcast(result: BroadcastResult) -> Told {
    Ok(result
        .all_ok()?
        .iter()
        .map(|result| result.offset)
        .collect())
}

impl Acknowledged {
    /// Callers that go on until they are stopped.
    pub(crate) fn callers(self: &Arc<Self>, client: &Client) -> Vec<JoinHandle<()>> {
        let caller = |number| {
            let client = client.clone();
            let acknowledged = Arc::clone(self);
            tokio::spawn(async move { acknowledged.run(number, &client).await })
        };
        (0..CALLERS).map(caller).collect()
    }

    /// Publishes, broadcasts and reads, one after another.
    async fn run(&self, caller: usize, client: &Client) {
        for number in 0.. {
            let Some(turn) = self.next(caller, number) else {
                return;
            };
            let entries = turn.entries();
            let began = Instant::now();
            let told = match turn {
                Turn::Publish(request) => client.publish(request).await.map(published),
                Turn::Broadcast(request) => client.broadcast(request).await.and_then(broadcast),
                Turn::Read(request) => client.history(request).await.map(|_| Vec::new()),
            };
            if !self.note(entries, told, began) {
                let _ = self.is_down.subscribe().wait_for(|down| !down).await;
            }
        }
    }

    /// The same, from a thread.
    pub(crate) fn run_blocking(&self, caller: usize, client: &centrifugo_api::blocking::Client) {
        for number in 0.. {
            let Some(turn) = self.next(caller, number) else {
                return;
            };
            let entries = turn.entries();
            let began = Instant::now();
            let told = match turn {
                Turn::Publish(request) => client.publish(request).map(published),
                Turn::Broadcast(request) => client.broadcast(request).and_then(broadcast),
                Turn::Read(request) => client.history(request).map(|_| Vec::new()),
            };
            self.note(entries, told, began);
        }
    }

    fn next(&self, caller: usize, number: usize) -> Option<Turn> {
        (!self.stopped.load(Ordering::Relaxed)).then(|| Turn::new(caller, number))
    }

    /// Notes what a caller was told, and says whether it was good.
    fn note(&self, mut entries: Vec<Entry>, told: Told, began: Instant) -> bool {
        let mut longest = lock(&self.longest);
        *longest = longest.max(began.elapsed());
        drop(longest);
        let is_good = told.is_ok();
        match told {
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

    /// Waits until so many more calls have succeeded.
    pub(crate) async fn goes_on(&self, calls: usize) -> Outcome {
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

    /// Who sees an error from now on waits until it is over.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.send_replace(is_down);
    }

    /// Waits until so many calls have failed.
    pub(crate) async fn has_failed(&self, calls: usize) -> Outcome {
        let mut failed = self.failed.subscribe();
        tokio::time::timeout(PATIENCE, failed.wait_for(|now| *now >= calls)).await??;
        Ok(())
    }

    /// The errors that callers saw.
    pub(crate) fn take_errors(&self) -> Vec<Error> {
        std::mem::take(&mut lock(&self.errors))
    }

    /// Compares what callers were told with what the channels hold: what was acknowledged is there once, at its
    /// offset; what was not, at most once; and nothing else. No caller waited beyond its time.
    ///
    /// Of calls that began before `since`, the server may have forgotten what it acknowledged.
    pub(crate) async fn check(&self, client: &Client, since: Instant) -> Outcome {
        let longest = *lock(&self.longest);
        assert!(longest < TIMEOUT + SLACK, "a caller waited for {longest:?}");
        let mut held: HashMap<(String, String), Vec<u64>> = HashMap::new();
        for channel in (0..CHANNELS).map(channel) {
            let history = client
                .history(HistoryRequest::new(&channel).limit(-1))
                .await?;
            assert_eq!(
                history.offset,
                history.publications.len() as u64,
                "{channel} has lost its beginning"
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
        // Told where a test fails, and with `--nocapture`.
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
