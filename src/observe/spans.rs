//! Spans and events of `tracing`, with the names of OpenTelemetry's conventions for RPC (stable since 1.45) and HTTP.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Uri};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, debug, debug_span, info, info_span, warn};

use super::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallObserver, CallStart, NodeChange, Observer,
    Outcome,
};
use crate::api::messages::BatchRequest;
use crate::api::method::Method as _;
use crate::error::{Error, Status};

/// Returns whether a subscriber listens to anything: one load of a number, if not.
pub(super) fn are_wanted() -> bool {
    LevelFilter::current() != LevelFilter::OFF
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
}

impl Observer for Spans {
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
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
            server.port = server.port,
            error.type = Empty,
            centrifugo.namespace = call.namespace(),
            centrifugo.commands = call.commands,
            centrifugo.failed = Empty,
            centrifugo.coalesced = Empty,
        );
        CallSpans::of(call.method, span, &server)
    }

    fn shared_batch(&self, batch: &BatchStart<'_>) -> Option<Arc<dyn CallObserver>> {
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
            server.port = server.port,
            error.type = Empty,
            centrifugo.commands = batch.commands,
        );
        for call in &batch.calls {
            let call: &dyn Any = &**call;
            if let Some(call) = call.downcast_ref::<CallSpans>() {
                span.follows_from(&call.call);
                call.call.follows_from(&span);
            }
        }
        CallSpans::of(BatchRequest::NAME, span, &server)
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
    fn of(method: &'static str, call: Span, server: &Server) -> Option<Arc<dyn CallObserver>> {
        if call.is_none() {
            return None;
        }
        Some(Arc::new(Self {
            method,
            call,
            attempt: Mutex::new(Span::none()),
            is_http: server.system == "centrifugo",
        }))
    }

    fn set_attempt(&self, span: Span) -> Span {
        let mut attempt = self.attempt.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut attempt, span)
    }
}

impl CallObserver for CallSpans {
    fn attempt_starts(&self, attempt: &AttemptStart<'_>, _: &mut HeaderMap) {
        let server = Server::of(attempt.node);
        let span = debug_span!(
            parent: &self.call,
            "attempt",
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = self.is_http.then_some("POST"),
            http.request.resend_count = attempt.number - 1,
            http.request.body.size = attempt.bytes,
            http.response.status_code = Empty,
            http.response.body.size = Empty,
            url.full = self.is_http.then(|| format!("{}/{}", attempt.node, self.method)),
            server.address = server.address,
            server.port = server.port,
            error.type = Empty,
            request_id = attempt.request_id,
        );
        self.set_attempt(span);
    }

    fn attempt_ends(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let span = self.set_attempt(Span::none());
        if let Some(bytes) = end.bytes {
            span.record("http.response.body.size", bytes);
        }
        match status(end.outcome) {
            Some(Status::Http(status)) => span.record("http.response.status_code", status),
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
        self.call.record("centrifugo.failed", end.failed);
        self.call.record("centrifugo.coalesced", end.is_coalesced);
        self.call.record("rpc.status_code", code(end.outcome));
        record_failure(&self.call, end.outcome);
        if let Some(error) = end.outcome.error() {
            let _entered = self.call.enter();
            warn!(method = self.method, %error, "the call failed");
        }
    }
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

/// Returns the code of an outcome as the conventions have it: `OK`, Centrifugo's or gRPC's; else the kind of the error.
fn code(outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::Success => "OK".to_owned(),
        _ => error_type(outcome),
    }
}

fn error_type(outcome: Outcome<'_>) -> String {
    let Some(error) = outcome.error() else {
        return "dropped".to_owned();
    };
    if let Some(code) = error.api_code() {
        return format!("centrifugo.{code}");
    }
    match error.status() {
        Some(Status::Http(status)) => status.to_string(),
        Some(Status::Grpc(code)) => grpc_name(*code).to_owned(),
        None => error.kind().to_owned(),
    }
}

/// Returns the name of a gRPC code.
fn grpc_name(code: i32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let index = usize::try_from(code).ok();
    index
        .and_then(|index| NAMES.get(index))
        .copied()
        .unwrap_or("UNKNOWN")
}

/// Returns the method as the conventions name it, the same over both transports.
fn rpc_method(grpc_path: &'static str, method: &'static str) -> &'static str {
    match grpc_path.strip_prefix('/') {
        Some(path) => path,
        None => method,
    }
}

/// A server, as the conventions describe it.
struct Server {
    /// The RPC system: `grpc`, or `centrifugo` over HTTP.
    system: &'static str,
    address: Option<String>,
    port: Option<u16>,
}

impl Server {
    /// Returns the server that a URL names.
    fn of(url: &str) -> Self {
        let uri = url.parse::<Uri>().unwrap_or_default();
        let scheme = uri.scheme_str().unwrap_or_default();
        let usual_port = match scheme {
            "http" => Some(80),
            "https" | "grpcs" => Some(443),
            _ => None,
        };
        Self {
            system: if scheme.starts_with("grpc") {
                "grpc"
            } else {
                "centrifugo"
            },
            address: uri.host().map(str::to_owned),
            port: uri.port_u16().or(usual_port),
        }
    }
}
