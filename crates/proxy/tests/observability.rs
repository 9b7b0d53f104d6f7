//! Observers, spans, continued traces and metrics of events.
#![cfg(all(feature = "http", feature = "metrics", feature = "opentelemetry"))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use centrifugo_proxy::messages::{ConnectRequest, RpcRequest};
use centrifugo_proxy::{
    Caller, ClientError, ConnectReply, Disconnect, EventEnd, EventObserver, EventStart, Handlers,
    Head, Observer, RpcReply, SubscribeReply,
};
use http::{Extensions, HeaderMap, Request, StatusCode};
use http_body_util::Full;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tower::ServiceExt as _;
use tracing_subscriber::prelude::*;

const DENIED: ClientError = ClientError::constant(403, "denied");
const BANNED: Disconnect = Disconnect::constant(4500, "banned");
const RPC: &str = "centrifugal.centrifugo.proxy.CentrifugoProxy/RPC";

/// Answers calls as their methods say.
fn handlers(caller: Caller) -> Handlers {
    Handlers::new(caller)
        .timeout(Duration::from_millis(20))
        .rpc(|event| async move {
            tracing::info_span!("of the handler").in_scope(|| {});
            match event.method() {
                "error" => Err(DENIED.into()),
                "disconnect" => Err(BANNED.into()),
                "fail" => Err("no".parse::<u32>().expect_err("it is no number").into()),
                "panic" => panic!("within the handler"),
                "hang" => std::future::pending().await,
                _ => Ok(RpcReply::empty()),
            }
        })
}

async fn call(handlers: &Handlers, method: &str) {
    let request = RpcRequest::new(method);
    // The outcome is what observers see.
    let _ = handlers.call(request, Head::default()).await;
}

/// The methods, and the outcomes that they have.
const OUTCOMES: [(&str, &str); 6] = [
    ("accept", "accepted"),
    ("error", "error"),
    ("disconnect", "disconnect"),
    ("fail", "handler"),
    ("panic", "panic"),
    ("hang", "timeout"),
];

/// An observer that keeps the names of outcomes.
#[derive(Clone, Default)]
struct Outcomes(Arc<Mutex<Vec<&'static str>>>);

impl Outcomes {
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().expect("no other test panics"))
    }
}

impl Observer for Outcomes {
    fn event(&self, _: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        Some(Box::new(self.clone()))
    }
}

impl EventObserver for Outcomes {
    fn ends(self: Box<Self>, end: &EventEnd<'_>) {
        let mut outcomes = self.0.lock().expect("no other test panics");
        outcomes.push(end.outcome.name());
    }
}

/// An observer that panics.
struct Panicking;

impl Observer for Panicking {
    fn event(&self, _: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        panic!("in the observer")
    }
}

#[tokio::test]
async fn observer_sees_each_outcome_once() {
    let outcomes = Outcomes::default();
    let handlers = handlers(Caller::anyone())
        .observer(Panicking)
        .observer(outcomes.clone());
    for (method, outcome) in OUTCOMES {
        call(&handlers, method).await;
        assert_eq!(outcomes.take(), [outcome]);
    }
}

#[tokio::test]
async fn observer_sees_refused_callers_and_unknown_paths() {
    let outcomes = Outcomes::default();
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    let handlers = handlers(caller).observer(outcomes.clone());
    let request = |path: &str, secret: &str| {
        let request = Request::post(path).header("x-centrifugo-secret", secret);
        let body = Full::new(Bytes::from("{}"));
        request.body(body).expect("the request is valid")
    };
    let Ok(response) = handlers.http().oneshot(request("/rpc", "wrong")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(outcomes.take(), ["unauthenticated"]);
    let Ok(response) = handlers.http().oneshot(request("/x", "s3cret")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(outcomes.take(), ["no_handler"]);
}

#[tokio::test]
async fn observer_sees_event_whose_caller_goes_away() {
    let outcomes = Outcomes::default();
    let handlers = handlers(Caller::anyone())
        .timeout(Duration::from_secs(3600))
        .observer(outcomes.clone());
    let mut hanging = Box::pin(call(&handlers, "hang"));
    assert!(futures_util::poll!(&mut hanging).is_pending());
    drop(hanging);
    assert_eq!(outcomes.take(), ["dropped"]);
}

/// Runs calls whose spans are exported, and returns these.
async fn spans(calls: impl Future<Output = ()>) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing_subscriber::registry().with(layer);
    {
        // The only thread of the test.
        let _guard = tracing::subscriber::set_default(subscriber);
        calls.await;
    }
    exporter.get_finished_spans().expect("the exporter lives")
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let mut attributes = span.attributes.iter();
    let attribute = attributes.find(|attribute| attribute.key.as_str() == name)?;
    Some(match &attribute.value {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    })
}

#[tokio::test]
async fn event_has_a_span_around_its_handler() {
    let handlers = handlers(Caller::anyone());
    let spans = spans(call(&handlers, "accept")).await;
    let [inner, event] = &spans[..] else {
        panic!("there are two spans, not {}", spans.len())
    };
    assert_eq!(inner.name, "of the handler");
    assert_eq!(inner.parent_span_id, event.span_context.span_id());
    assert_eq!(event.name, RPC);
    assert_eq!(event.span_kind, SpanKind::Server);
    assert_eq!(attribute(event, "rpc.method").as_deref(), Some(RPC));
    assert_eq!(attribute(event, "rpc.status_code").as_deref(), Some("OK"));
    assert_eq!(
        attribute(event, "rpc.system.name").as_deref(),
        Some("centrifugo")
    );
}

#[tokio::test]
async fn span_tells_refusals_and_failures() {
    let handlers = handlers(Caller::anyone());
    for (method, code, error_type) in [
        ("error", "centrifugo.403", None),
        ("disconnect", "centrifugo.4500", None),
        ("fail", "handler", Some("handler")),
        ("hang", "timeout", Some("timeout")),
    ] {
        let spans = spans(call(&handlers, method)).await;
        let event = spans.last().expect("there is a span");
        assert_eq!(attribute(event, "rpc.status_code").as_deref(), Some(code));
        assert_eq!(attribute(event, "error.type").as_deref(), error_type);
        let is_error = matches!(event.status, Status::Error { .. });
        assert_eq!(is_error, error_type.is_some(), "{method}");
    }
}

#[tokio::test]
async fn span_continues_the_forwarded_trace_of_the_client() {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let handlers =
        Handlers::new(Caller::anyone()).connect(|_| async { Ok(ConnectReply::anonymous()) });
    let connect = async |traceparent: &'static str| {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_static(traceparent);
        headers.insert("traceparent", value);
        let head = Head::new(headers, Extensions::new());
        let connected = handlers.call(ConnectRequest::default(), head).await;
        connected.expect("the handler accepts");
    };
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let continued = spans(connect(trace)).await;
    let event = continued.first().expect("there is a span");
    let trace = event.span_context.trace_id().to_string();
    assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(event.parent_span_id.to_string(), "b7ad6b7169203331");
    let garbage = spans(connect("00-garbage")).await;
    let event = garbage.first().expect("there is a span");
    assert_eq!(event.parent_span_id.to_string(), "0000000000000000");
}

#[tokio::test]
async fn trace_of_a_stranger_is_not_continued() {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    let service = handlers(caller).http();
    let request = Request::post("/rpc")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .body(Full::new(Bytes::from("{}")))
        .expect("the request is valid");
    let spans = spans(async {
        let Ok(response) = service.oneshot(request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    })
    .await;
    let event = spans.first().expect("there is a span");
    assert_eq!(event.parent_span_id.to_string(), "0000000000000000");
    assert_eq!(
        attribute(event, "error.type").as_deref(),
        Some("unauthenticated")
    );
}

#[tokio::test]
async fn events_are_counted_by_outcome() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let handlers = handlers(Caller::anyone()).subscribe(|_| async { Ok(SubscribeReply::allow()) });
    for (method, _) in OUTCOMES {
        call(&handlers, method).await;
    }
    let mut outcomes = Vec::new();
    let mut durations = 0;
    let mut in_flight = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let label = |name: &str| {
            let mut labels = key.labels();
            let label = labels.find(|label| label.key() == name);
            label.map(|label| label.value().to_owned())
        };
        assert_eq!(label("rpc.method").as_deref(), Some(RPC));
        match (key.name(), value) {
            ("centrifugo.proxy.events", DebugValue::Counter(1)) => {
                outcomes.extend(label("outcome"))
            }
            ("rpc.server.call.duration", DebugValue::Histogram(values)) => {
                durations += values.len()
            }
            ("centrifugo.proxy.events.in_flight", DebugValue::Gauge(value)) => {
                in_flight.push(*value)
            }
            (name, value) => panic!("{name}: {value:?}"),
        }
    }
    outcomes.sort_unstable();
    let mut expected: Vec<_> = OUTCOMES.map(|(_, outcome)| outcome.to_owned()).into();
    expected.sort_unstable();
    assert_eq!(outcomes, expected);
    assert_eq!(durations, OUTCOMES.len());
    assert_eq!(in_flight, [0.0]);
}
