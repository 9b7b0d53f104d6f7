//! Concurrent calls that share batches.

mod pace;
mod queue;
mod wire;
mod worker;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use queue::{Entry, Queue};
use tokio::sync::oneshot;

use crate::Error;
use crate::call::{self, Call, Shared, Time};
use crate::error::Attempts;
use crate::method::Carried;
use crate::transport::{PerRuntime, Written};

/// How calls share batches, for [`Client::coalescing`](crate::Client::coalescing): how many batches at once, and how large they get.
///
/// No call waits for others to come: as long as fewer than [`max_batches`](Self::max_batches) are under way a batch
/// goes at once, with whatever calls there are, a single one too; those that come meanwhile make up the next.
///
/// - Each call keeps its own deadline, [`Retry`](crate::Retry), outcome and error. One that is dropped before its batch
///   goes is not sent.
/// - A request larger than an eighth of [`max_bytes`](Self::max_bytes) goes alone, as without coalescing. So do
///   [`Client::batch`](crate::Client::batch), [`Client::call_raw`](crate::Client::call_raw), methods that a batch cannot carry, `rpc`, and all calls of a
///   client with [`legacy_commands`](crate::ClientBuilder::legacy_commands).
/// - Calls that read payloads, such as `history`, share batches with one another alone: over HTTP, Centrifugo cannot
///   write a reply with a payload that is not JSON, and fails the batch. Its calls are then sent in smaller ones, until
///   the failure is that of one call.
/// - The server runs the commands of a batch concurrently. Those of one that has nothing but `publish` it runs one after
///   another, which costs it about a third less, as long as that takes it less than 50 µs each: with Centrifugo's memory
///   engine, but not with Redis. A batch of at most 32 finds that out, now and then.
/// - A batch that is too large for the server (HTTP 413, gRPC `ResourceExhausted`) is sent again in halves, and the
///   next ones are smaller.
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
    order: Order,
}

/// How the server runs the commands of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Measured,
    OneAfterAnother,
    Concurrent,
}

impl Default for Coalescing {
    fn default() -> Self {
        Self {
            batches: 2,
            commands: 1000,
            bytes: 512 * 1024,
            waiting: 10_000,
            order: Order::Measured,
        }
    }
}

impl Coalescing {
    /// How many batches are under way at once, of each runtime. 2 by default, at least 1: more make smaller batches.
    pub fn max_batches(mut self, batches: usize) -> Self {
        self.batches = batches.max(1);
        self
    }

    /// How many calls a batch carries at most. 1000 by default, at least 1.
    pub fn max_commands(mut self, commands: usize) -> Self {
        self.commands = commands.max(1);
        self
    }

    /// How many bytes of requests a batch carries at most. 512 KiB by default, which proxies and gRPC's 4 MiB allow.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How many calls wait for their batch or its answer at most, of each runtime; more wait, within their time, to be
    /// let in. 10,000 by default, at least 1.
    pub fn max_waiting(mut self, calls: usize) -> Self {
        self.waiting = calls.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// Lets the server run the commands of every batch one after another.
    pub fn one_after_another(mut self) -> Self {
        self.order = Order::OneAfterAnother;
        self
    }

    /// Lets the server run the commands of every batch concurrently.
    pub fn concurrent(mut self) -> Self {
        self.order = Order::Concurrent;
        self
    }
}

impl Coalescing {
    /// No batch is larger than any request of the client may be.
    pub(crate) fn within(mut self, max_request_size: usize) -> Self {
        /// What a batch is without its commands.
        const FRAME: usize = 64;
        self.bytes = self.bytes.min(max_request_size.saturating_sub(FRAME));
        self
    }
}

/// The queues of a client that coalesces.
pub(crate) struct Coalescer {
    options: Coalescing,
    queues: PerRuntime<Arc<Queues>>,
}

struct Queues {
    /// Of calls whose answers hold payloads.
    reads: Arc<Queue>,
    others: Arc<Queue>,
}

impl Coalescer {
    pub(crate) fn new(options: Coalescing) -> Self {
        let queue = {
            let options = options.clone();
            move || Arc::new(Queue::new(options.clone()))
        };
        let queues = move || {
            Ok(Arc::new(Queues {
                reads: queue(),
                others: queue(),
            }))
        };
        Self {
            options,
            queues: PerRuntime::new(queues),
        }
    }

    /// Whether a request goes with others.
    pub(crate) fn takes(&self, call: &Call<'_>, carried: Carried, body: &Written) -> bool {
        // What cannot be sent again must not suffer from what others read.
        let is_safe = !carried.has_payloads || call.is_repeatable();
        is_safe && body.len() <= self.options.bytes / 8
    }

    /// One try of a call, within a batch: answers its part of the reply.
    pub(crate) async fn attempt(
        &self,
        shared: &Arc<Shared>,
        call: &Call<'_>,
        carried: Carried,
        body: &Written,
        time: Time,
    ) -> Result<Bytes, Error> {
        let queues = self.queues.get()?;
        let queue = if carried.has_payloads {
            &queues.reads
        } else {
            &queues.others
        };
        if !queue.try_enter() && call::within(time, queue.enter()).await.is_err() {
            return Err(call::timeout(call.method, true, time.given));
        }
        let (answer, answered) = oneshot::channel();
        let entry = Entry {
            method: call.method,
            tag: carried.tag,
            body: shared.nodes.first().message(body),
            time,
            answer,
        };
        let (number, needs_worker) = queue.push(entry);
        if needs_worker {
            tokio::spawn(worker::run(
                Arc::clone(shared),
                Arc::clone(queue),
                carried.has_payloads,
            ));
        }
        let outcome = call::within(time, answered).await;
        match outcome {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(lost(shared, call.method, time)),
            Err(_) => Err(call::timeout(
                call.method,
                queue.withdraw(number),
                time.given,
            )),
        }
    }
}

/// The worker is gone: it panicked, or its runtime ends.
fn lost(shared: &Shared, method: &'static str, time: Time) -> Error {
    Error::Network {
        method,
        url: shared.urls().first().copied().unwrap_or_default().into(),
        unsent: false,
        elapsed: time.elapsed(),
        hint: "",
        source: "the task that sends the batches was dropped".into(),
        attempts: Attempts::default(),
    }
}

impl fmt::Debug for Coalescer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(formatter)
    }
}
