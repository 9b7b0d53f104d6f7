//! The callers: tasks and threads that call without end until they are stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use centrifugo_api::{Client, Coalescing, Error, Retry, blocking};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::calls::{Call, Keys};
use crate::cluster::Access;
use crate::groups::{Group, Kind};
use crate::ledger::{CallOutcome, Ended, Ledger, Record, Told, told};
use crate::rng::Rng;

/// The number of times that a caller repeats a call that failed.
const REPEATS: u32 = 4;

/// The size above which calls are sent as several requests: one or two events.
const SPLIT: usize = 120;

/// The shortest timeout of a call, and of an attempt.
const FLOOR: Duration = Duration::from_millis(50);

/// The longest timeout of a call.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The time that the last calls may take after the callers were stopped. Only a failing test waits
/// this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all callers share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    pub(crate) stopped: AtomicBool,
}

/// A caller. Its clones of the client differ in their deadlines and retries.
struct Caller<C> {
    group: Group,
    client: C,
    rng: Rng,
    shared: Arc<Shared>,
}

/// How long a caller waits for a call.
struct Limits {
    timeout: Duration,
    attempt_timeout: Option<Duration>,
    deadline: Option<Instant>,
    retry: Retry,
    /// When the caller drops the call.
    dropped_after: Option<Duration>,
}

impl<C> Caller<C> {
    fn new(group: Group, client: C, rng: Rng, shared: Arc<Shared>) -> Self {
        Self {
            group,
            client,
            rng,
            shared,
        }
    }

    fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Relaxed)
    }

    /// Returns the next call, given the last one with its outcome, if it was not dropped: that which repeats it, or else
    /// a new one.
    fn next(&mut self, last: Option<(Call, CallOutcome)>) -> Call {
        let again = last.and_then(|(call, outcome)| call.again(&outcome));
        let repeated = again.filter(|again| again.repeat <= REPEATS);
        repeated
            .unwrap_or_else(|| Call::random(self.group.kind, &mut self.rng, &self.shared.ledger))
    }

    fn millis(&mut self, end: usize) -> Duration {
        Duration::from_millis(self.rng.below(end) as u64)
    }

    fn limits(&mut self, call: &Call) -> Limits {
        let longest = TIMEOUT.as_millis() as usize;
        let end = self.rng.pick(&[250, 1000, longest - 50]);
        let timeout = FLOOR + self.millis(end);
        let retry = match call.keys {
            Keys::Generated => Retry::default().idempotency_keys(),
            _ => Retry::default(),
        };
        let is_dropping = self.group.kind == Kind::Dropping && self.rng.chance(70);
        let has_deadline = self.rng.chance(20);
        let has_attempt_timeout = self.rng.chance(20);
        Limits {
            timeout: if has_deadline { TIMEOUT } else { timeout },
            attempt_timeout: has_attempt_timeout.then(|| FLOOR + self.millis(500)),
            deadline: has_deadline.then(|| Instant::now() + timeout),
            dropped_after: is_dropping.then(|| self.millis(500) / self.rng.pick(&[1, 10, 10])),
            retry,
        }
    }

    /// Records a call that began at `began`; without an outcome it was dropped.
    fn record(&self, call: &Call, limits: &Limits, began: Instant, outcome: Option<&CallOutcome>) {
        let ended = Instant::now();
        let count = call.events.len();
        let told = outcome.map_or(vec![Told::Dropped; count], |outcome| told(outcome, count));
        let record = |(event, told)| Record {
            group: self.group,
            event,
            repeat: call.repeat,
            told,
        };
        let events = call.events.iter().copied();
        let deadline = limits.deadline.unwrap_or(began + limits.timeout);
        self.shared.ledger.record(
            events.zip(told).map(record).collect(),
            Ended {
                group: self.group,
                deadline,
                ended,
                unexpected: unexpected(outcome),
            },
        );
    }
}

/// Returns the text of an error that no fault explains.
fn unexpected(outcome: Option<&CallOutcome>) -> Option<String> {
    match outcome?.as_ref().err()? {
        Error::Network { .. } | Error::Timeout { .. } | Error::Transport { .. } | Error::Api(_) => {
            None
        }
        error => Some(error.to_string()),
    }
}

/// Returns a clone of a client, async or blocking, with these limits.
macro_rules! limited {
    ($client:expr, $limits:expr) => {{
        let client = $client.with_timeout($limits.timeout);
        let mut client = client.with_retry($limits.retry.clone());
        if let Some(deadline) = $limits.deadline {
            client = client.with_deadline(deadline);
        }
        if let Some(timeout) = $limits.attempt_timeout {
            client = client.with_attempt_timeout(timeout);
        }
        client
    }};
}

impl Caller<Client> {
    async fn run(mut self) {
        let mut last = None;
        while !self.is_stopped() {
            let call = self.next(last.take());
            let outcome = self.make(&call).await;
            last = outcome.map(|outcome| (call, outcome));
            tokio::time::sleep(self.millis(30)).await;
        }
    }

    /// Makes a call, and returns its outcome unless it was dropped.
    async fn make(&mut self, call: &Call) -> Option<CallOutcome> {
        let limits = self.limits(call);
        let client = limited!(self.client, limits);
        let began = Instant::now();
        let calling = call.make(&client);
        let outcome = match limits.dropped_after {
            Some(after) => tokio::time::timeout(after, calling).await.ok(),
            None => Some(calling.await),
        };
        self.record(call, &limits, began, outcome.as_ref());
        outcome
    }
}

impl Caller<blocking::Client> {
    fn run_blocking(mut self) {
        let mut last = None;
        while !self.is_stopped() {
            let call = self.next(last.take());
            let limits = self.limits(&call);
            let client = limited!(self.client, limits);
            let began = Instant::now();
            let outcome = call.make_blocking(&client);
            self.record(&call, &limits, began, Some(&outcome));
            last = Some((call, outcome));
            thread::sleep(self.millis(30));
        }
    }
}

/// The callers of a round, and their clients.
pub(crate) struct Callers {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    threads: Vec<oneshot::Receiver<()>>,
    clients: Vec<(Group, GroupClient)>,
}

#[derive(Clone)]
pub(crate) enum GroupClient {
    Async(Client),
    Blocking(blocking::Client),
}

fn client(access: &Access, group: Group, is_for_both: bool) -> Result<GroupClient, Error> {
    let builder = access
        .builder(group.transport, is_for_both)
        .timeout(TIMEOUT);
    Ok(match group.kind {
        Kind::Blocking => GroupClient::Blocking(builder.build_blocking()?),
        Kind::Coalescing => GroupClient::Async(builder.build()?.coalescing(Coalescing::default())),
        Kind::Split => GroupClient::Async(builder.split_above(SPLIT).build()?),
        _ => GroupClient::Async(builder.build()?),
    })
}

impl Callers {
    /// Starts the callers of all groups. One caller of each group calls a single node, the others
    /// share a client of both.
    pub(crate) fn start(access: &Access, seed: u64, shared: &Arc<Shared>) -> Result<Self, Error> {
        let mut callers = Self {
            shared: Arc::clone(shared),
            tasks: JoinSet::new(),
            threads: Vec::new(),
            clients: Vec::new(),
        };
        let mut rng = Rng::new(seed);
        for group in Group::all() {
            let of_both = client(access, group, true)?;
            let of_one = client(access, group, false)?;
            for caller in 0..group.kind.callers() {
                let client = if caller == 0 { &of_one } else { &of_both };
                callers.spawn(group, client.clone(), Rng::new(rng.next()));
            }
            callers.clients.extend([(group, of_both), (group, of_one)]);
        }
        Ok(callers)
    }

    fn spawn(&mut self, group: Group, client: GroupClient, rng: Rng) {
        let shared = Arc::clone(&self.shared);
        match client {
            GroupClient::Async(client) => {
                let caller = Caller::new(group, client, rng, shared);
                self.tasks.spawn(caller.run());
            }
            GroupClient::Blocking(client) => {
                let caller = Caller::new(group, client, rng, shared);
                let (ended, has_ended) = oneshot::channel();
                thread::spawn(move || {
                    caller.run_blocking();
                    let _ = ended.send(());
                });
                self.threads.push(has_ended);
            }
        }
    }

    /// Waits for the callers' last calls, and returns their clients.
    pub(crate) async fn end(mut self) -> Outcome<Vec<(Group, GroupClient)>> {
        let ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended?;
            }
            for thread in self.threads {
                thread.await.map_err(|_| "a caller's thread panicked")?;
            }
            Outcome::Ok(())
        };
        let ended = tokio::time::timeout(PATIENCE, ended).await;
        ended.map_err(|_| "a call has not ended")??;
        Ok(self.clients)
    }
}
