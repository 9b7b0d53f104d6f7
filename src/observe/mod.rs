//! Hooks: observers of calls, attempts, shared batches and nodes.
//!
//! [`Observer`] is a hook of your own. Three features have observers ready: `tracing` makes spans, `opentelemetry` passes
//! their context on to the server, and `metrics` records metrics.
//!
//! # Spans
//!
//! With the feature `tracing` the crate makes spans of [`tracing`](https://docs.rs/tracing), which a layer such as that of
//! `tracing-opentelemetry` exports. Their fields have the names of OpenTelemetry's conventions for RPC and HTTP.
//!
//! | span | level | fields |
//! |---|---|---|
//! | `call`, over all its attempts | info | `otel.name` and `rpc.method` (such as `centrifugal.centrifugo.api.CentrifugoApi/Publish`), `otel.kind`, `rpc.system.name` (`grpc`, or `centrifugo` over HTTP), `server.address`, `server.port`, `rpc.status_code`, `centrifugo.namespace`, `centrifugo.commands`, `centrifugo.failed`, `centrifugo.coalesced` |
//! | `attempt`, in the span of its call | debug | `http.request.method`, `url.full`, `http.request.resend_count`, `http.request.body.size`, `http.response.status_code`, `http.response.body.size`, `server.address`, `server.port`, `network.peer.address`, `network.peer.port`, `request_id` |
//! | `shared_batch`, which calls share, linked with them both ways | info | those of a call |
//!
//! `rpc.status_code` is `OK`, Centrifugo's code such as `centrifugo.102`, the HTTP status, the name of the gRPC code, or the
//! kind of the [`Error`]. A failure also has `error.type` and `otel.status_code`. Failed calls are warnings,
//! failed attempts are debug events, and nodes that go or come back are info events. The channel, the key and payloads
//! are in no span.
//!
//! # Traces that reach Centrifugo
//!
//! With the feature `opentelemetry` each attempt carries the W3C context of its span in its headers (over gRPC: in its
//! metadata): `traceparent`, `tracestate` and `baggage`, as the global propagator of
//! [`opentelemetry`](https://docs.rs/opentelemetry) writes them. Centrifugo continues the trace if `opentelemetry.enabled`
//! and `opentelemetry.api` are true in its configuration.
//!
//! - The program sets the propagator, as below. OpenTelemetry's default is to propagate nothing; so does the crate then, and
//!   says so once per process by a warning of `tracing`.
//! - The context is that of the first of these spans that is exported: the attempt's, the call's, the caller's. A program
//!   without `tracing` has only the last one, the current `opentelemetry::Context`.
//! - A shared batch has a trace of its own, since its calls belong to several; it is linked with them. Without spans
//!   of `tracing` a batch of a single call carries that call's context, and a larger one carries none.
//! - The versions of `opentelemetry` and `tracing-opentelemetry` in the program must be those of this crate, 0.33 and 0.34:
//!   other versions have globals and layers of their own.
//!
//! This handler's trace goes on in Centrifugo:
//!
//! ```no_run
//! # #[cfg(all(feature = "http", feature = "opentelemetry"))]
//! # mod example {
//! use axum::extract::State;
//! use axum::http::StatusCode;
//! use centrifugo_api::{Client, PublishRequest};
//! use opentelemetry::global;
//! use opentelemetry::trace::TracerProvider as _;
//! use opentelemetry_sdk::propagation::TraceContextPropagator;
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use tracing::{Instrument as _, info_span};
//! use tracing_subscriber::prelude::*;
//!
//! /// Runs once, when the program starts.
//! fn start_tracing() {
//!     global::set_text_map_propagator(TraceContextPropagator::new());
//!     // Here an exporter is added, such as that of the crate opentelemetry-otlp.
//!     let provider = SdkTracerProvider::builder().build();
//!     let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
//!     tracing_subscriber::registry().with(layer).init();
//! }
//!
//! async fn handler(State(client): State<Client>) -> Result<String, StatusCode> {
//!     let publish = client.publish(PublishRequest::new("news", r#"{"text":"hello"}"#));
//!     // Usually a middleware makes the span, and continues the trace of whoever called the handler.
//!     let span = info_span!("POST /messages", otel.kind = "server");
//!     let result = publish.instrument(span).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
//!     Ok(format!("published at offset {}", result.offset))
//! }
//! # }
//! ```
//!
//! # Metrics
//!
//! With the feature `metrics` the crate records metrics of the facade [`metrics`](https://docs.rs/metrics), which a recorder
//! such as `metrics-exporter-prometheus` exports. There `rpc.client.call.duration` is `rpc_client_call_duration`.
//!
//! | metric | kind | labels | what it tells |
//! |---|---|---|---|
//! | `rpc.client.call.duration` | histogram, seconds | method, server, outcome | calls, over all their attempts. Suitable buckets: 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10 |
//! | `centrifugo.client.calls.in_flight` | gauge | method, server | calls that have started and not ended |
//! | `centrifugo.client.calls.waiting` | gauge | method, server | those of them that wait because of [`max_in_flight`](crate::ClientBuilder::max_in_flight) |
//! | `centrifugo.client.attempt.duration` | histogram, seconds | method, node, outcome | attempts, those of shared batches included; their number is the histogram's count |
//! | `centrifugo.client.retries.refused` | counter | method, server | retries that were due, but for which the client had none left in store |
//! | `centrifugo.client.batch.commands` | histogram | method, server, coalesced | commands per batch |
//! | `centrifugo.client.batch.size` | histogram, bytes | method, server, coalesced | bytes per request that is a batch, without headers |
//! | `centrifugo.client.nodes.skipped` | gauge | node | clients that skip the node, because it is down |
//! | `centrifugo.client.background.dropped` | counter | reason: `full`, `closed`, `no_runtime` | calls of the background that were not sent |
//!
//! The labels have the names and values of the spans' fields. *Method* is `rpc.method` and `rpc.system.name`; *server* is
//! `server.address` and `server.port` of the first node, and *node* those of the node, with `rpc.system.name`; *outcome* is
//! `rpc.status_code`, and `error.type` for failures; *coalesced* is `centrifugo.coalesced`, true for batches that calls share.
//! No label has a channel, a namespace or anything else that could have many values.
//!
//! # Cost
//!
//! The allocations of a publish over HTTP and gRPC, and the time of the client's thread, relative to a client that nobody
//! observes, which took 30 µs and 17 µs: `cargo bench --all-features --bench calls`.
//!
//! | who listens | HTTP | gRPC |
//! |---|---|---|
//! | nobody (with the features off: as many allocations) | 61 | 20 |
//! | `tracing_subscriber::fmt` at level info | 78, 1.2 times the time | 39, 1.2 |
//! | the same at level debug, with attempts | 88, 1.5 | 46, 1.5 |
//! | `tracing-opentelemetry` and a propagator | 129, 1.7 | 84, 1.6 |
//! | a recorder of metrics | 104, 1.3 | 65, 1.3 |
//!
//! With nobody listening, the three features together change the instructions of a call by less than one in a hundred, counted by
//! callgrind: 75,200 without them and 75,000 with them over HTTP, 52,100 and 52,300 over gRPC. A call then loads the highest
//! level that `tracing` is asked for, with `opentelemetry` it looks at the
//! thread's context, and with `metrics` at the recorder. A subscriber that wants nothing of this crate costs about ten
//! allocations.

mod built_in;
mod carried;
mod dispatch;
mod events;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod names;
#[cfg(feature = "tracing")]
mod propagation;
#[cfg(feature = "tracing")]
mod spans;

use std::any::Any;
use std::sync::Arc;

use http::HeaderMap;

use crate::error::Error;

pub(crate) use carried::Carried;
pub(crate) use dispatch::{ObservedAttempt, ObservedCall, Observers, Shared};
pub use events::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallStart, DropReason, Dropped, NodeChange,
    Outcome,
};

/// A hook that sees every call of a client, for logs, traces and metrics: see
/// [`ClientBuilder::observer`](crate::ClientBuilder::observer).
///
/// Its functions run within the call, in the caller's task (those about shared batches in a task of the client), and should
/// return quickly: no timeout bounds them, and a blocking client whose calls they see must not be called. A panic in one of them is
/// caught and changes nothing. Observers see no key, token or header of others,
/// and no payload unless they ask for the request by its type: [`CallStart::request`]. Only the error of a reply that
/// cannot be decoded shows the start of the reply.
///
/// ```
/// use std::sync::Arc;
///
/// use centrifugo_api::observe::{AttemptEnd, AttemptStart, CallEnd, CallObserver, CallStart, NodeChange, Observer};
/// use centrifugo_api::Client;
///
/// /// Prints what happens.
/// struct Printer;
///
/// struct Call(&'static str);
///
/// impl Observer for Printer {
///     fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
///         Some(Arc::new(Call(call.method)))
///     }
///
///     fn node(&self, change: &NodeChange<'_>) {
///         println!("{} is {}", change.node, if change.is_up { "up" } else { "down" });
///     }
/// }
///
/// impl CallObserver for Call {
///     fn attempt_ends(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
///         println!("{}: attempt {} on {} took {:?}", self.0, attempt.number, attempt.node, end.duration);
///     }
///
///     fn ends(&self, end: &CallEnd<'_>) {
///         match end.outcome.error() {
///             Some(error) => println!("{error}"),
///             None => println!("{} took {:?}", self.0, end.duration),
///         }
///     }
/// }
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// let client = Client::builder("http://localhost:8000/api").api_key("secret").observer(Printer).build()?;
/// # Ok(()) }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Sees a call that starts. Returns what observes this call, or `None` to see no more of it, which is the default.
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        let _ = call;
        None
    }

    /// Sees a batch that starts, which calls of [`Client::coalescing`](crate::Client::coalescing) share. Returns what
    /// observes it: its attempts and its end are those of a call.
    fn shared_batch(&self, batch: &BatchStart<'_>) -> Option<Arc<dyn CallObserver>> {
        let _ = batch;
        None
    }

    /// Sees that a call of a [`BackgroundSender`](crate::BackgroundSender) was dropped.
    fn dropped(&self, dropped: &Dropped<'_>) {
        let _ = dropped;
    }

    /// Sees that a node is skipped from now on, or called again. A client with a single node always calls it.
    fn node(&self, change: &NodeChange<'_>) {
        let _ = change;
    }
}

/// A hook that sees one call, from [`Observer::call`].
pub trait CallObserver: Any + Send + Sync {
    /// Sees that the call waits, because [`max_in_flight`](crate::ClientBuilder::max_in_flight) others are in flight.
    fn wait_starts(&self) {}

    /// Sees that the call waits no longer: it goes on, or its time is over.
    fn wait_ends(&self) {}

    /// Sees an attempt that starts, and may add headers to it (over gRPC: metadata): `headers` is empty. They replace those
    /// of the call. Headers that the client sets itself, such as the key's, are ignored, and all those of a function that
    /// panics.
    ///
    /// Attempts of a call follow one another. A call that shares a batch has none of its own: the batch has.
    fn attempt_starts(&self, attempt: &AttemptStart<'_>, headers: &mut HeaderMap) {
        let _ = (attempt, headers);
    }

    /// Sees an attempt that has ended.
    fn attempt_ends(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let _ = (attempt, end);
    }

    /// Returns whether the call may be attempted again after this error, where [`Retry`](crate::Retry) allows it. One
    /// observer that says no is enough.
    fn may_retry(&self, error: &Error) -> bool {
        let _ = error;
        true
    }

    /// Sees that another attempt was due, but the client has no retry left in store: many calls have failed.
    fn retry_refused(&self) {}

    /// Sees the end of the call.
    fn ends(&self, end: &CallEnd<'_>) {
        let _ = end;
    }
}
