//! Without the feature `tracing` events have no spans.

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

    pub(crate) fn end(self, _: Outcome<'_>) {}
}
