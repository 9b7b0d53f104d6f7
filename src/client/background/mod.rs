//! Calls that nobody waits for: sent in the background, or dropped.

mod queue;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use super::Client;
use super::calls::count_failed;
use crate::api::method::Method;
use crate::error::Error;
use crate::observe::{Carried, DropReason};
use crate::platform::Spawner;
use queue::{Job, Queue, work};

/// The options of [`Client::background`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Background {
    waiting: usize,
    waiting_bytes: usize,
    concurrency: usize,
    drops_newest: bool,
}

impl Default for Background {
    fn default() -> Self {
        Self {
            waiting: 10_000,
            waiting_bytes: 64 * 1024 * 1024,
            concurrency: 16,
            drops_newest: false,
        }
    }
}

impl Background {
    /// Sets the maximal number of calls that wait to be sent. 10,000 by default, at least 1.
    pub fn max_waiting(mut self, calls: usize) -> Self {
        self.waiting = calls.max(1);
        self
    }

    /// Sets the maximal size of the requests that wait, in bytes of their protobuf form. 64 MiB by default. A single
    /// request above it is dropped.
    pub fn max_waiting_bytes(mut self, bytes: usize) -> Self {
        self.waiting_bytes = bytes;
        self
    }

    /// Sets the maximal number of calls in flight, each about another channel. 16 by default, at least 1.
    pub fn max_in_flight(mut self, calls: usize) -> Self {
        self.concurrency = calls.max(1);
        self
    }

    /// Drops the call that comes when there is no room. By default the one that has waited longest is dropped.
    pub fn drop_newest(mut self) -> Self {
        self.drops_newest = true;
        self
    }
}

/// A sender of calls that nobody waits for: the value of [`Client::background`].
///
/// [`send`](Self::send) returns at once and cannot fail: what the application does for its own user is neither slowed
/// down nor broken by Centrifugo. The calls are sent in the background, with the client's timeout and
/// [`Retry`](crate::Retry), and their results are not seen: [`counts`](Self::counts) and observers tell how many
/// failed or were dropped ([`Observer::dropped`](crate::observe::Observer::dropped)).
///
/// - Calls about the same channel are sent in their order, one after another: the next one when the former one has
///   succeeded or finally failed. So are calls about no single channel, such as broadcasts, among one another.
/// - At most [`Background::max_waiting`] calls and [`Background::max_waiting_bytes`] wait. When there is no room, the call
///   that has waited longest is dropped, or the new one with [`Background::drop_newest`].
/// - [`Client::close`] sends what waits, as far as its timeout allows. When the process or the runtime ends
///   without it, what waits is lost. What must not be lost belongs into a transaction of your database and an outbox.
/// - When the last clone is dropped, what waits is sent all the same.
/// - With the feature `opentelemetry` a call belongs to the trace of the one that sent it.
/// - Clones send through the same queue.
///
/// ```no_run
/// use std::time::Duration;
///
/// use centrifugo_api::{Background, Client, PublishRequest};
///
/// # async fn run(client: Client) -> Result<(), centrifugo_api::Error> {
/// let typing = client.background(Background::default().max_waiting(1000));
/// typing.send(PublishRequest::new("chat", r#"{"typing":"alice"}"#));
///
/// // When the service stops:
/// client.close(Duration::from_secs(5)).await?;
/// println!("{} were dropped", typing.counts().dropped);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct BackgroundSender {
    client: Client,
    queue: Arc<Queue>,
    /// The runtime in which it was created, if any, for calls outside a runtime.
    runtime: Option<Spawner>,
}

/// The calls of a [`BackgroundSender`] so far, and those that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackgroundCounts {
    /// The number of calls that succeeded.
    pub succeeded: u64,
    /// The number of calls that failed, wholly or in part.
    pub failed: u64,
    /// The number of calls that were dropped unsent.
    pub dropped: u64,
    /// The number of calls that wait to be sent.
    pub waiting: usize,
    /// The size of these, in bytes of their protobuf form.
    pub waiting_bytes: usize,
    /// The number of calls in flight.
    pub in_flight: usize,
}

impl Client {
    /// Returns a sender whose calls nobody waits for: for what may get lost, such as typing indicators and counters.
    ///
    /// It makes the calls with this client: with its timeout, [`Retry`](crate::Retry) and headers, and in shared batches if
    /// it is [`coalescing`](Self::coalescing). Create one and share it: each has a queue of its own.
    #[must_use]
    pub fn background(&self, options: Background) -> BackgroundSender {
        let queue = Arc::new(Queue::new(options));
        let waiting = Arc::downgrade(&queue);
        self.inner.queues.add(waiting);
        BackgroundSender {
            client: self.with(|options| options.are_queued = true),
            queue,
            runtime: Spawner::current(),
        }
    }
}

impl BackgroundSender {
    /// Sends a request in the background, or drops it or another one if there is no room. Never waits.
    ///
    /// The calls are made in the current tokio runtime, or else in the one in which the sender was created; without any
    /// the request is dropped, and so is one after [`Client::close`].
    pub fn send<M: Method>(&self, request: M) {
        let runtime = Spawner::current().or_else(|| self.runtime.clone());
        self.send_in(runtime, request);
    }

    /// Sends a request in the background of a runtime; drops it without one.
    pub(crate) fn send_in<M: Method>(&self, runtime: Option<Spawner>, request: M) {
        let channel: Arc<str> = (M::GENERATED.channel)(&request).unwrap_or_default().into();
        let Some(runtime) = runtime else {
            self.queue.count_dropped();
            return self.tell(&channel, DropReason::NoRuntime);
        };
        let size = channel.len() + request.encoded_len();
        let client = self.client.clone();
        let context = Carried::current();
        let job = Job::new(size, move || {
            Box::pin(context.run(async move { make(&client, request).await }))
        });
        let put = self.queue.put(channel, job);
        if let Some(reason) = put.reason {
            put.dropped
                .iter()
                .for_each(|(channel, _)| self.tell(channel, reason));
        }
        if let Some(turn) = put.turn {
            runtime.spawn(work(turn));
        }
    }

    /// Waits until no call waits or is in flight.
    pub async fn flush(&self) {
        self.queue.idle().await;
    }

    /// Returns the calls so far, and those that wait.
    #[must_use]
    pub fn counts(&self) -> BackgroundCounts {
        self.queue.counts()
    }

    /// Tells observers of a request that was dropped.
    fn tell(&self, channel: &str, reason: DropReason) {
        self.client.inner.observers.dropped(channel, reason);
    }
}

/// Makes a call, and returns whether all of it succeeded.
async fn make<M: Method>(client: &Client, request: M) -> bool {
    let outcome: Result<M::Result, Error> = client.call(request).await;
    outcome.is_ok_and(|result| count_failed::<M>(&result) == 0)
}

impl fmt::Debug for BackgroundSender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BackgroundSender")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
