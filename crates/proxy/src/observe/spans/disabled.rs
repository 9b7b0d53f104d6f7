//! Without the feature `tracing` events have no spans.

use crate::event::EventDetails;
use crate::observe::{EventStart, Outcome};

/// The span of an event, which is none.
pub(crate) struct EventSpan;

impl EventSpan {
    pub(crate) fn start(_: &EventStart<'_>, _: bool) -> Self {
        Self
    }

    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        work.await
    }

    /// Returns whether a failure is reported with its details.
    pub(crate) fn is_watched(&self) -> bool {
        false
    }

    pub(crate) fn end(self, _: Outcome<'_>, _: &EventDetails) {}
}
