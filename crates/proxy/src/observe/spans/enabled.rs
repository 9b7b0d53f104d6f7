//! Spans of `tracing`, with the names of OpenTelemetry's conventions for RPC.

use std::error::Error as _;

use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span, info_span, warn};

#[cfg(not(feature = "opentelemetry"))]
use super::no_parent as parent;
#[cfg(feature = "opentelemetry")]
use super::parent;
use crate::event::EventKind;
use crate::observe::names::{self, system};
use crate::observe::{EventStart, Outcome};

/// The span of an event.
pub(crate) struct EventSpan {
    span: Span,
    kind: Option<EventKind>,
}

impl EventSpan {
    pub(crate) fn start(start: &EventStart<'_>) -> Self {
        let method = names::method(start.kind);
        let span = info_span!(
            "event",
            otel.name = method,
            otel.kind = "server",
            otel.status_code = Empty,
            rpc.system.name = system(start.transport),
            rpc.method = method,
            rpc.status_code = Empty,
            error.type = Empty,
        );
        if !span.is_disabled() {
            parent::set(&span, start.headers);
        }
        Self {
            span,
            kind: start.kind,
        }
    }

    /// Runs the work on an event within its span.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        work.instrument(self.span.clone()).await
    }

    pub(crate) fn end(self, outcome: Outcome<'_>) {
        self.span
            .record("rpc.status_code", display(names::Code(outcome)));
        let Outcome::Failed(failure) = outcome else {
            return;
        };
        self.span.record("otel.status_code", "ERROR");
        self.span.record("error.type", failure.kind());
        let _entered = self.span.enter();
        let event = self.kind.map_or("unknown", EventKind::name);
        match failure.source() {
            Some(cause) => warn!(event, %failure, %cause, "the event has no answer"),
            None => warn!(event, %failure, "the event has no answer"),
        }
    }
}
