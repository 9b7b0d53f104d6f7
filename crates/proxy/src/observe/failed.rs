//! Events that have failed, as functions for failures and observers of streams see them.

use std::fmt;
use std::sync::Arc;

use super::{EventEnd, EventObserver, EventStart, Observer, Observers, Outcome, caught};
use crate::event::{DetailsSlot, EventDetails, EventKind};
use crate::failure::Failure;

/// An event that has failed, or an open stream: see [`Handlers::on_failure`](crate::Handlers::on_failure).
///
/// Its text is a line for a log, such as `rpc "echo" of user 42: the handler failed: database is down`.
#[derive(Clone, Copy, Debug)]
pub struct FailedEvent<'a> {
    kind: Option<EventKind>,
    details: &'a EventDetails,
    failure: &'a Failure,
}

impl<'a> FailedEvent<'a> {
    /// Returns the kind; `None` if the path names none.
    #[must_use]
    pub fn kind(&self) -> Option<EventKind> {
        self.kind
    }

    /// Returns the failure.
    #[must_use]
    pub fn failure(&self) -> &'a Failure {
        self.failure
    }

    /// Returns the user, the channel and so on; empty if the request was not read.
    #[must_use]
    pub fn details(&self) -> &'a EventDetails {
        self.details
    }
}

impl fmt::Display for FailedEvent<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            details,
            failure,
        } = self;
        let name = kind.map_or("unknown event", EventKind::name);
        write!(formatter, "{name}{details}: {failure}")
    }
}

/// An observer that is a function for failures.
pub(crate) struct OnFailure<F>(pub(crate) F);

struct FailureOf<F> {
    function: Arc<F>,
    kind: Option<EventKind>,
}

impl<F> Observer for OnFailure<Arc<F>>
where
    F: Fn(&FailedEvent<'_>) + Send + Sync + 'static,
{
    fn event(&self, event: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        Some(Box::new(FailureOf {
            function: Arc::clone(&self.0),
            kind: event.kind,
        }))
    }

    fn stream_failed(&self, failed: &FailedEvent<'_>) {
        (self.0)(failed);
    }
}

impl<F> EventObserver for FailureOf<F>
where
    F: Fn(&FailedEvent<'_>) + Send + Sync,
{
    fn ends(self: Box<Self>, end: &EventEnd<'_>) {
        if let Outcome::Failed(failure) = end.outcome {
            (self.function)(&FailedEvent {
                kind: self.kind,
                details: end.details,
                failure,
            });
        }
    }
}

/// Those who are told that an open stream has failed.
pub(crate) struct StreamObservers {
    pub(crate) observers: Observers,
    pub(crate) kind: EventKind,
    pub(crate) details: DetailsSlot,
}

impl StreamObservers {
    /// Tells observers that the stream has failed.
    pub(crate) fn failed(&self, failure: &Failure) {
        let failed = FailedEvent {
            kind: Some(self.kind),
            details: self.details.get(),
            failure,
        };
        for observer in &self.observers {
            caught(|| observer.stream_failed(&failed));
        }
    }
}
