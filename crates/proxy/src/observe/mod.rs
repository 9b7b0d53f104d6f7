//! Hooks: observers of events.

mod failed;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod names;
mod spans;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Extensions, HeaderMap};

pub(crate) use spans::EventSpan;

pub use failed::FailedEvent;
pub(crate) use failed::{OnFailure, StreamObservers};

use crate::event::{DetailsSlot, EventDetails, EventKind, Names};
use crate::failure::Failure;

/// A hook that sees every event, for logs, traces and metrics: see [`Handlers::observer`](crate::Handlers::observer).
///
/// Its functions run within the answer to the event, and should return quickly. A panic in one of them is caught and changes
/// nothing.
pub trait Observer: Send + Sync + 'static {
    /// Sees an event that starts. Returns what observes this event, or `None` to see no more of it, which is the default.
    fn event(&self, event: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        let _ = event;
        None
    }

    /// Sees that a stream of publications, which had been opened, has failed: its client subscribes again.
    fn stream_failed(&self, failed: &FailedEvent<'_>) {
        let _ = failed;
    }
}

/// A hook that sees one event, from [`Observer::event`].
pub trait EventObserver: Send {
    /// Sees the end of the event.
    fn ends(self: Box<Self>, end: &EventEnd<'_>);
}

/// The start of an event.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct EventStart<'a> {
    /// The kind; `None` if the path names none.
    pub kind: Option<EventKind>,
    /// The transport of the event.
    pub transport: Transport,
    /// The headers, or the metadata. The caller is not verified yet. Secrets are among them.
    pub headers: &'a HeaderMap,
    /// The extensions of the request.
    pub extensions: &'a Extensions,
}

/// Shows the names of the headers only.
impl fmt::Debug for EventStart<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EventStart")
            .field("kind", &self.kind)
            .field("transport", &self.transport)
            .field("headers", &Names(self.headers))
            .finish_non_exhaustive()
    }
}

/// The transport of an event, between Centrifugo and the handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// HTTP with JSON.
    Http,
    /// gRPC.
    Grpc,
    /// A call within the process: [`Handlers::call`](crate::Handlers::call).
    InProcess,
}

/// The end of an event.
#[derive(Debug)]
#[non_exhaustive]
pub struct EventEnd<'a> {
    /// The outcome.
    pub outcome: Outcome<'a>,
    /// The time since the head of the request was there.
    pub duration: Duration,
    /// The user, the channel and so on; empty if the request was not read.
    pub details: &'a EventDetails,
}

/// The outcome of an event.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The handler accepted. For a stream: it was opened.
    Accepted,
    /// The handler refused with an error of this code.
    Error(u32),
    /// The handler ended the connection with this code.
    Disconnect(u32),
    /// There is no answer.
    Failed(&'a Failure),
    /// Centrifugo went away before the answer.
    Dropped,
}

impl Outcome<'_> {
    /// Returns a word for the outcome: `accepted`, `error`, `disconnect`, `dropped`, or the kind of the failure.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Error(_) => "error",
            Self::Disconnect(_) => "disconnect",
            Self::Failed(failure) => failure.kind(),
            Self::Dropped => "dropped",
        }
    }
}

/// The outcome of an event that has an answer.
#[derive(Clone, Copy, Debug)]
pub enum Summary {
    Accepted,
    Error(u32),
    Disconnect(u32),
}

impl From<Summary> for Outcome<'_> {
    fn from(summary: Summary) -> Self {
        match summary {
            Summary::Accepted => Self::Accepted,
            Summary::Error(code) => Self::Error(code),
            Summary::Disconnect(code) => Self::Disconnect(code),
        }
    }
}

/// The observers of handlers.
pub(crate) type Observers = Vec<Arc<dyn Observer>>;

/// Returns the observers that features add.
#[cfg(feature = "metrics")]
pub(crate) fn built_in() -> Observers {
    vec![Arc::new(metrics::Metrics)]
}

/// Returns the observers that features add.
#[cfg(not(feature = "metrics"))]
pub(crate) fn built_in() -> Observers {
    Observers::new()
}

/// An event that is observed. Dropped before its end, the event was dropped.
pub(crate) struct ObservedEvent {
    watching: Vec<Box<dyn EventObserver>>,
    /// `None` if nobody watches.
    started: Option<Instant>,
    details: DetailsSlot,
}

impl ObservedEvent {
    /// Starts to observe an event.
    pub(crate) fn start(observers: &Observers, start: &EventStart<'_>) -> Self {
        let observers = observers.iter();
        let watching = observers.filter_map(|observer| caught(|| observer.event(start)).flatten());
        let watching: Vec<_> = watching.collect();
        let is_watched = !watching.is_empty();
        Self {
            watching,
            started: is_watched.then(Instant::now),
            details: DetailsSlot::default(),
        }
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.started.is_some()
    }

    /// Sets where the work on the event puts its details.
    pub(crate) fn set_details(&mut self, details: DetailsSlot) {
        self.details = details;
    }

    pub(crate) fn end(mut self, outcome: Outcome<'_>) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Outcome<'_>) {
        let Some(started) = self.started else { return };
        let end = EventEnd {
            outcome,
            duration: started.elapsed(),
            details: self.details.get(),
        };
        for observer in self.watching.drain(..) {
            caught(|| observer.ends(&end));
        }
    }
}

impl Drop for ObservedEvent {
    fn drop(&mut self) {
        if !self.watching.is_empty() {
            self.tell(Outcome::Dropped);
        }
    }
}

/// Calls an observer. A panic in it changes nothing.
fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
