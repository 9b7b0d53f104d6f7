//! Spans of `tracing`, with the names of OpenTelemetry's conventions for RPC.

use tracing::field::{Empty, display};
use tracing::{Instrument as _, Level, Span, enabled, info_span, warn};

#[cfg(not(feature = "opentelemetry"))]
use super::no_parent as parent;
#[cfg(feature = "opentelemetry")]
use super::parent;
use crate::event::{EventDetails, EventKind};
use crate::observe::names::{self, system};
use crate::observe::{EventStart, Outcome};

/// The span of an event. Dropped before its end, the event was dropped.
pub(crate) struct EventSpan {
    span: Span,
    kind: Option<EventKind>,
    has_ended: bool,
}

impl EventSpan {
    /// Starts the span, which continues the trace in the headers of a caller who may ask.
    pub(crate) fn start(start: &EventStart<'_>, is_allowed: bool) -> Self {
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
        if is_allowed && !span.is_disabled() {
            parent::set(&span, start.headers);
        }
        Self {
            span,
            kind: start.kind,
            has_ended: false,
        }
    }

    /// Runs the work on an event within its span.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        work.instrument(self.span.clone()).await
    }

    /// Returns whether a failure is reported with its details.
    #[allow(clippy::unused_self)] // As without the feature.
    pub(crate) fn is_watched(&self) -> bool {
        enabled!(Level::WARN)
    }

    pub(crate) fn end(mut self, outcome: Outcome<'_>, details: &EventDetails) {
        self.has_ended = true;
        self.record(outcome, details);
    }

    fn record(&self, outcome: Outcome<'_>, details: &EventDetails) {
        self.span
            .record("rpc.status_code", display(names::Code(outcome)));
        let Outcome::Failed(failure) = outcome else {
            return;
        };
        self.span.record("otel.status_code", "ERROR");
        self.span.record("error.type", failure.kind());
        let _entered = self.span.enter();
        let event = self.kind.map_or("unknown", EventKind::name);
        warn!(
            event,
            method = details.method(),
            channel = details.channel(),
            user = details.user(),
            client = details.client(),
            %failure,
            "the event has no answer"
        );
    }
}

impl Drop for EventSpan {
    fn drop(&mut self) {
        if !self.has_ended {
            self.record(Outcome::Dropped, EventDetails::UNKNOWN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use http::{Extensions, HeaderMap};
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::Transport;
    use crate::failure::Failure;

    /// The values that spans get for `rpc.status_code`, and the fields of warnings.
    #[derive(Clone, Default)]
    struct Codes {
        codes: Arc<Mutex<Vec<String>>>,
        warnings: Arc<Mutex<Vec<String>>>,
    }

    /// The fields of an event of `tracing`.
    #[derive(Default)]
    struct Fields(String);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0 += &format!("{field}={value:?} ");
        }
    }

    impl Visit for Codes {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() == "rpc.status_code" {
                let mut codes = self.codes.lock().expect("no other test panics");
                codes.push(format!("{value:?}"));
            }
        }
    }

    impl Subscriber for Codes {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut self.clone());
        }

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let mut warnings = self.warnings.lock().expect("no other test panics");
            warnings.push(fields.0);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn span_has_the_outcome_once_also_of_a_dropped_event() {
        let codes = Codes::default();
        let headers = HeaderMap::new();
        let extensions = Extensions::new();
        let start = EventStart {
            kind: Some(EventKind::Rpc),
            transport: Transport::Http,
            headers: &headers,
            extensions: &extensions,
        };
        tracing::subscriber::with_default(codes.clone(), || {
            let unknown = EventDetails::UNKNOWN;
            EventSpan::start(&start, true).end(Outcome::Accepted, unknown);
            drop(EventSpan::start(&start, true));
        });
        let codes = codes.codes.lock().expect("no other test panics");
        assert_eq!(*codes, ["OK", "dropped"]);
    }

    #[test]
    fn warning_tells_whom_the_event_was_about() {
        let codes = Codes::default();
        let headers = HeaderMap::new();
        let extensions = Extensions::new();
        let start = EventStart {
            kind: Some(EventKind::Rpc),
            transport: Transport::Http,
            headers: &headers,
            extensions: &extensions,
        };
        let details = EventDetails {
            method: "echo".to_owned(),
            user: "42".to_owned(),
            ..EventDetails::default()
        };
        let failure = Failure::Handler("database is down".into());
        tracing::subscriber::with_default(codes.clone(), || {
            let span = EventSpan::start(&start, true);
            assert!(span.is_watched());
            span.end(Outcome::Failed(&failure), &details);
        });
        let warnings = codes.warnings.lock().expect("no other test panics");
        let expected =
            r#"event="rpc" method="echo" user="42" failure=the handler failed: database is down "#;
        assert!(warnings[0].ends_with(expected), "{warnings:?}");
    }
}
