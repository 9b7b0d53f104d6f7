//! The context that the installed propagator of OpenTelemetry writes into the headers of attempts.

use std::sync::Once;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::Injector;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, global};
use tracing::{Span, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The context of a call's caller, for attempts that no span of this crate is exported for.
pub(in crate::observe) struct Caller(Context);

impl Caller {
    /// Returns whether the current context has anything to propagate: a span or baggage.
    pub(in crate::observe) fn is_present() -> bool {
        Context::map_current(|context| context.has_active_span() || !context.baggage().is_empty())
    }

    /// Returns the caller whose context is the current one.
    pub(in crate::observe) fn current() -> Self {
        Self(Context::current())
    }

    /// Returns the caller of a batch that these calls share. Several of them are none, as their contexts may differ.
    pub(in crate::observe) fn of_batch<'a>(mut calls: impl Iterator<Item = &'a Self>) -> Self {
        match (calls.next(), calls.next()) {
            (Some(Self(context)), None) => Self(context.clone()),
            _ => Self(Context::new()),
        }
    }

    /// Adds the headers for the context of the first of these spans that is exported, or else of the caller.
    pub(in crate::observe) fn inject(&self, spans: [&Span; 2], headers: &mut HeaderMap) {
        let mut contexts = spans.into_iter().map(|span| span.context());
        let exported = contexts.find(|context| context.span().span_context().is_valid());
        let context = exported.as_ref().unwrap_or(&self.0);
        global::get_text_map_propagator(|propagator| {
            if context.has_active_span() && propagator.fields().next().is_none() {
                warn_of_missing_propagator();
            }
            propagator.inject_context(context, &mut Headers(headers));
        });
    }
}

/// Warns once per process that contexts go nowhere.
fn warn_of_missing_propagator() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        warn!(
            "there is no propagator, so requests carry no trace context: set one by \
             opentelemetry::global::set_text_map_propagator"
        );
    });
}

/// The headers of an attempt. What is not a valid header is left out.
struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        let value = HeaderValue::try_from(value);
        if let (Ok(name), Ok(value)) = (name, value)
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};
    use opentelemetry_sdk::propagation::TraceContextPropagator;

    use super::*;
    use crate::observe::{CallStart, ObservedCall, Observers};

    const SERVER: &str = "http://localhost:8000/api";

    fn start(observers: &Observers, trace: u128) -> ObservedCall {
        let (trace, span) = (trace.into(), 1_u64.into());
        let state = TraceState::default();
        let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state);
        let _current = Context::new().with_remote_span_context(span).attach();
        observers.call(|| CallStart::raw("info", SERVER))
    }

    /// Returns the headers of a batch that calls share.
    fn headers(observers: &Observers, calls: &[&ObservedCall]) -> HeaderMap {
        let shared: Vec<_> = calls.iter().map(|call| call.share()).collect();
        let batch = observers.shared_batch(SERVER, shared.iter());
        let mut headers = HeaderMap::new();
        let _attempt = batch.attempt("batch", SERVER, 1, None, &mut headers);
        headers
    }

    /// Nobody subscribes to spans, and the batch is not sent in the task of a caller.
    #[test]
    fn batch_of_a_single_call_has_its_context() {
        global::set_text_map_propagator(TraceContextPropagator::new());
        let observers = Observers::new(Vec::new());
        let [first, second] = [1, 2].map(|trace| start(&observers, trace));
        let of_one = headers(&observers, &[&first]);
        assert_eq!(
            of_one["traceparent"],
            "00-00000000000000000000000000000001-0000000000000001-01"
        );
        assert!(headers(&observers, &[&first, &second]).is_empty());
    }
}
