//! Spans and events of `tracing`, with the names of OpenTelemetry's conventions for RPC (stable since 1.45) and HTTP.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use tracing::field::{Empty, display};
use tracing::level_filters::LevelFilter;
use tracing::{Span, debug, debug_span, info, info_span, warn};

use super::names::{Server, code, error_type, rpc_method};
use super::propagation::Caller;
use super::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallObserver, CallStart, NodeChange, Observer,
    Outcome,
};
use crate::api::messages::BatchRequest;
use crate::api::method::Method as _;
use crate::error::{Error, Status};

/// Returns whether a subscriber listens to anything, or the caller has a context to pass on: one load of a number, if not,
/// and with the feature `opentelemetry` a look at the thread's context.
pub(super) fn are_wanted() -> bool {
    LevelFilter::current() != LevelFilter::OFF || Caller::is_present()
}

/// The observer that makes spans.
pub(crate) struct Spans;

/// The spans of a call, or of a batch that calls share.
struct CallSpans {
    method: &'static str,
    call: Span,
    /// The attempt that is being made.
    attempt: Mutex<Span>,
    is_http: bool,
    caller: Caller,
}

impl Observer for Spans {
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        if !are_wanted() {
            return None;
        }
        let server = Server::of(call.server);
        let rpc_method = rpc_method(call.grpc_path, call.method);
        let span = info_span!(
            "call",
            otel.name = rpc_method,
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system.name = server.system,
            rpc.method = rpc_method,
            rpc.status_code = Empty,
            server.address = server.address,
            server.port = server.port.map(i64::from),
            error.type = Empty,
            centrifugo.namespace = call.namespace(),
            centrifugo.commands = integer(call.commands),
            centrifugo.failed = Empty,
            centrifugo.coalesced = Empty,
        );
        CallSpans::of(call.method, span, &server, Caller::current())
    }

    fn shared_batch(&self, batch: &BatchStart<'_>) -> Option<Arc<dyn CallObserver>> {
        if batch.calls.is_empty() {
            return None;
        }
        let server = Server::of(batch.server);
        let rpc_method = rpc_method(BatchRequest::GRPC_PATH, BatchRequest::NAME);
        let span = info_span!(
            parent: None,
            "shared_batch",
            otel.name = rpc_method,
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system.name = server.system,
            rpc.method = rpc_method,
            rpc.status_code = Empty,
            server.address = server.address,
            server.port = server.port.map(i64::from),
            error.type = Empty,
            centrifugo.commands = integer(batch.commands),
        );
        let calls = || batch.calls.iter().filter_map(CallSpans::downcast);
        for call in calls() {
            span.follows_from(&call.call);
            call.call.follows_from(&span);
        }
        let caller = Caller::of_batch(calls().map(|call| &call.caller));
        CallSpans::of(BatchRequest::NAME, span, &server, caller)
    }

    fn node(&self, change: &NodeChange<'_>) {
        if change.is_up {
            info!(node = change.node, "the node is called again");
        } else {
            info!(node = change.node, "the node is skipped");
        }
    }
}

impl CallSpans {
    fn of(
        method: &'static str,
        call: Span,
        server: &Server,
        caller: Caller,
    ) -> Option<Arc<dyn CallObserver>> {
        Some(Arc::new(Self {
            method,
            call,
            attempt: Mutex::new(Span::none()),
            is_http: server.system == "centrifugo",
            caller,
        }))
    }

    fn downcast(call: &Arc<dyn CallObserver>) -> Option<&Self> {
        let call: &dyn Any = &**call;
        call.downcast_ref()
    }

    fn set_attempt(&self, span: Span) -> Span {
        let mut attempt = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut attempt, span)
    }
}

impl CallObserver for CallSpans {
    fn attempt_starts(&self, attempt: &AttemptStart<'_>, headers: &mut HeaderMap) {
        let server = Server::of(attempt.node);
        let span = debug_span!(
            parent: &self.call,
            "attempt",
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = self.is_http.then_some("POST"),
            http.request.resend_count = i64::from(attempt.number) - 1,
            http.request.body.size = integer(attempt.bytes),
            http.response.status_code = Empty,
            http.response.body.size = Empty,
            url.full = self.is_http.then(|| format!("{}/{}", attempt.node, self.method)),
            server.address = server.address,
            server.port = server.port.map(i64::from),
            network.peer.address = Empty,
            network.peer.port = Empty,
            error.type = Empty,
            request_id = attempt.request_id,
        );
        self.set_attempt(span.clone());
        self.caller.inject([&span, &self.call], headers);
    }

    fn attempt_ends(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let span = self.set_attempt(Span::none());
        if let Some(bytes) = end.bytes {
            span.record("http.response.body.size", integer(bytes));
        }
        if let Some(peer) = end.peer {
            span.record("network.peer.address", display(peer.ip()));
            span.record("network.peer.port", i64::from(peer.port()));
        }
        match status(end.outcome) {
            Some(Status::Http(status)) => {
                span.record("http.response.status_code", i64::from(status))
            }
            None if self.is_http && end.bytes.is_some() => {
                span.record("http.response.status_code", 200)
            }
            _ => &span,
        };
        record_failure(&span, end.outcome);
        if let Some(error) = end.outcome.error() {
            let _entered = span.enter();
            debug!(node = attempt.node, number = attempt.number, %error, "the attempt failed");
        }
    }

    fn retry_refused(&self) {
        let _entered = self.call.enter();
        debug!("another attempt is due, but the client has no retry left in store");
    }

    fn ends(&self, end: &CallEnd<'_>) {
        self.call.record("centrifugo.failed", integer(end.failed));
        self.call.record("centrifugo.coalesced", end.is_coalesced);
        self.call.record("rpc.status_code", code(end.outcome));
        record_failure(&self.call, end.outcome);
        if let Some(error) = end.outcome.error() {
            let _entered = self.call.enter();
            warn!(method = self.method, %error, "the call failed");
        }
    }
}

/// Returns a number as spans have it: OpenTelemetry's attributes are signed, others would be exported as text.
fn integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Records that a call or an attempt failed, if it did.
fn record_failure(span: &Span, outcome: Outcome<'_>) {
    if !matches!(outcome, Outcome::Success) {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error_type(outcome));
    }
}

fn status(outcome: Outcome<'_>) -> Option<Status> {
    outcome.error().and_then(Error::status).copied()
}
