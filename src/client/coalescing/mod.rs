//! Concurrent calls that share batches.

mod batch;
mod capacity;
mod order;
mod queue;
mod size;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::api::method::{BatchSlot, Method};
use crate::call::{self, Attempt, CallInfo, Deadline, Inner};
use crate::codec::EncodedBody;
use crate::error::{Attempts, Effect, Error, cause};
use crate::platform::PerRuntime;
use batch::QueuedCall;
use queue::Queue;

/// The options of [`Client::coalescing`](crate::Client::coalescing), whose calls share batches: the number of
/// batches, and their size.
///
/// No call waits for others: while fewer than [`max_batches`](Self::max_batches) are in flight a batch is sent at
/// once, even with a single call. Calls that arrive meanwhile form the next one. They wait at most
/// [`slow_after`](Self::slow_after), 50 ms, for the batches in flight.
///
/// - Each call keeps its own deadline, [`Retry`](crate::Retry), outcome and error. A call that is dropped while it
///   waits for its batch is not sent. Nor is one that times out before its batch is sent: a batch that is still
///   connecting is sent without it. A batch is abandoned when all its callers have timed out or were dropped; as
///   always, its calls may have run.
/// - Calls of different tasks are published in no particular order. For a fixed order await each call before the
///   next, or put the publications into one [`Client::batch`](crate::Client::batch).
/// - A request larger than an eighth of [`max_bytes`](Self::max_bytes) is sent alone, as without coalescing. So are
///   [`Client::batch`](crate::Client::batch), [`Client::call_raw`](crate::Client::call_raw), calls with headers of their
///   own ([`Client::with_header`](crate::Client::with_header)), methods that a batch cannot carry, `rpc`, and all calls of a client with [`legacy_commands`](crate::ClientBuilder::legacy_commands).
/// - Methods that ask all nodes or list all there is (`channels`, `connections`, `device_list`, `device_topic_list`,
///   `user_topic_list`) are sent alone too: neither their time nor the size of their reply has a bound.
/// - Calls that read payloads, such as `history`, are batched separately, and each limit counts for them separately:
///   over HTTP, Centrifugo cannot write a reply with a payload that is not JSON, and fails the whole batch. Its calls
///   are then sent in smaller batches, until only the offending call fails. So are the calls of a batch whose reply
///   is too large.
/// - The server runs the commands of a batch concurrently. It runs the commands of a batch that only publishes one
///   after another, which costs it about a third less, as long as each takes less than 50 µs: with Centrifugo's
///   memory engine, but not with Redis. The client measures this occasionally, with a batch of at most 32 commands.
/// - A batch that is too large for the server or a proxy (HTTP 413, gRPC `ResourceExhausted` for the request's size) is
///   split into halves, and the next batches are smaller. They grow again after 16 or more large ones have succeeded.
/// - A node that was down is tried with a single call, not with a batch.
///
/// ```no_run
/// use centrifugo_api::{Client, Coalescing, PublishRequest};
///
/// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
/// let client = client.coalescing(Coalescing::default());
/// // From many tasks:
/// client.publish(PublishRequest::new("news", r#"{"text":"hello"}"#)).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Coalescing {
    batches: usize,
    commands: usize,
    bytes: usize,
    waiting: usize,
    waiting_bytes: usize,
    slow_after: Duration,
    order: Order,
}

/// The order in which the server runs the commands of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The faster one, as measured.
    Measured,
    Sequential,
    Concurrent,
}

impl Default for Coalescing {
    fn default() -> Self {
        Self {
            batches: 2,
            commands: 1000,
            bytes: 512 * 1024,
            waiting: 10_000,
            waiting_bytes: 64 * 1024 * 1024,
            slow_after: Duration::from_millis(50),
            order: Order::Measured,
        }
    }
}

impl Coalescing {
    /// Sets the maximal number of batches in flight per runtime, not counting those that are
    /// [slow](Self::slow_after). 2 by default, at least 1. With more batches in flight each is smaller.
    pub fn max_batches(mut self, batches: usize) -> Self {
        self.batches = batches.max(1);
        self
    }

    /// Sets the maximal number of calls in a batch. 1000 by default, at least 1.
    pub fn max_commands(mut self, commands: usize) -> Self {
        self.commands = commands.max(1);
        self
    }

    /// Sets the maximal size of a batch, in bytes. 512 KiB by default, which proxies and the 4 MiB of gRPC allow.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets the maximal number of calls that wait for their batch or its reply, per runtime; further calls wait,
    /// within their timeout, to be admitted. 10,000 by default, at least 1.
    pub fn max_waiting(mut self, calls: usize) -> Self {
        self.waiting = calls.max(1);
        self
    }

    /// Sets the maximal size of all these calls together, in bytes, per runtime. 64 MiB by default. A call that is
    /// larger waits until there is no other call.
    pub fn max_waiting_bytes(mut self, bytes: usize) -> Self {
        self.waiting_bytes = bytes.max(1);
        self
    }

    /// Sets the time after which a batch in flight is slow. 50 ms by default.
    ///
    /// A slow batch does not count towards [`max_batches`](Self::max_batches): the next one is sent without waiting for
    /// it. Raise it if the server is far away and more batches in flight are not wanted. With [`Duration::MAX`] no
    /// batch is slow, and calls may wait until those before them time out.
    pub fn slow_after(mut self, time: Duration) -> Self {
        self.slow_after = time;
        self
    }

    /// Lets the server run the commands of every batch one after another.
    pub fn one_after_another(mut self) -> Self {
        self.order = Order::Sequential;
        self
    }

    /// Lets the server run the commands of every batch concurrently.
    pub fn concurrent(mut self) -> Self {
        self.order = Order::Concurrent;
        self
    }
}

impl Coalescing {
    /// Returns the options for a client with this limit on requests: no batch may be larger.
    pub(crate) fn within(mut self, max_request_size: usize) -> Self {
        /// The size of a batch without its commands, in bytes.
        const FRAME: usize = 64;
        self.bytes = self.bytes.min(max_request_size.saturating_sub(FRAME));
        self
    }
}

/// The place of a request in a shared batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The number of its field in `Command`.
    tag: u32,
    /// True if its result has payloads.
    reads_payloads: bool,
    /// True if the call may take long or return much.
    is_unbounded: bool,
}

impl Place {
    pub(super) fn of<M: Method>(slot: &BatchSlot<M>) -> Self {
        Self {
            tag: slot.tag,
            reads_payloads: slot.has_payloads,
            is_unbounded: slot.is_unbounded,
        }
    }
}

/// The queues of a client that coalesces, per runtime.
pub(super) struct Coalescer {
    options: Coalescing,
    queues: PerRuntime<Arc<Queues>>,
}

struct Queues {
    /// The calls whose results have payloads.
    reads: Arc<Queue>,
    others: Arc<Queue>,
}

impl Queues {
    fn new(options: &Coalescing) -> Self {
        Self {
            reads: Arc::new(Queue::new(options.clone(), true)),
            others: Arc::new(Queue::new(options.clone(), false)),
        }
    }
}

impl Coalescer {
    pub(super) fn new(options: Coalescing) -> Self {
        let queues = {
            let options = options.clone();
            PerRuntime::new(move || Ok(Arc::new(Queues::new(&options))))
        };
        Self { options, queues }
    }

    /// Returns whether a request shares batches.
    pub(super) fn accepts(&self, place: Place, call: &CallInfo) -> bool {
        // A call that cannot be sent again must not fail because of a payload that another one reads.
        let is_safe = !place.reads_payloads || call.repeatable;
        is_safe && !place.is_unbounded && call.size <= self.options.bytes / 8
    }

    /// Makes an attempt of a call within a batch, and returns its item of the reply.
    pub(super) async fn attempt(
        &self,
        inner: &Arc<Inner>,
        call: &CallInfo,
        place: Place,
        body: &EncodedBody,
        attempt: Attempt<'_>,
    ) -> Result<Bytes, Error> {
        let deadline = attempt.deadline;
        let queues = self.queues.get()?;
        let queue = if place.reads_payloads {
            &queues.reads
        } else {
            &queues.others
        };
        let (reply, mut received) = oneshot::channel();
        let queued = QueuedCall {
            method: call.method,
            tag: place.tag,
            message: inner.codec().message(body),
            deadline,
            candidate: attempt.candidate,
            observed: attempt.call.share(),
            reply,
        };
        let size = queued.size();
        let is_admitted = queue.capacity.try_take(size)
            || deadline.timeout(queue.capacity.take(size)).await.is_ok();
        if !is_admitted {
            return Err(call::timeout(call.method, Effect::Unsent, deadline.given));
        }
        let pushed = queue.push(queued);
        if pushed.needs_worker {
            worker::start(Arc::clone(inner), Arc::clone(queue));
        }
        match deadline.timeout(&mut received).await {
            Ok(Ok(item)) => item,
            Ok(Err(_)) => Err(worker_lost(inner, call.method, deadline)),
            Err(_) => {
                // No batch takes the call from now on.
                let withdrawn = queue.withdraw(pushed.number, &mut received);
                // An outcome may have arrived meanwhile.
                received.try_recv().unwrap_or_else(|_| {
                    let error = call::timeout(call.method, withdrawn.effect, deadline.given);
                    let error = error.through(inner.nodes.current().proxy());
                    Err(error.with_request_id(withdrawn.request_id.as_deref()))
                })
            }
        }
    }
}

/// Returns the error of a call whose worker is gone: it panicked, or its runtime is shutting down.
fn worker_lost(inner: &Inner, method: &'static str, deadline: Deadline) -> Error {
    Error::Network {
        method,
        url: inner.nodes.current().first().url().into(),
        effect: Effect::MayHaveRun,
        elapsed: deadline.elapsed(),
        reason: "",
        hint: "",
        source: cause("the task that sends the batches was dropped"),
        attempts: Attempts::default(),
    }
}

impl fmt::Debug for Coalescer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(formatter)
    }
}
