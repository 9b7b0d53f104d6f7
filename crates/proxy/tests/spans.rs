//! Spans of events, and the traces that they continue.
//!
//! In a file of their own: `tracing` asks once whether anybody listens to a span, and remembers the answer, so a test without
//! a subscriber would switch off the spans of tests beside it.
#![cfg(all(feature = "http", feature = "opentelemetry"))]

use std::time::Duration;

use bytes::Bytes;
use centrifugo_proxy::messages::{ConnectRequest, RpcRequest};
use centrifugo_proxy::{Caller, ClientError, ConnectReply, Disconnect, Handlers, Head, RpcReply};
use http::{Extensions, HeaderMap, Request, StatusCode};
use http_body_util::Full;
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
                "fail" => Err("no".parse::<u32>().expect_err("it is not a number").into()),
                "hang" => std::future::pending().await,
                _ => Ok(RpcReply::empty()),
            }
        })
}

async fn call(handlers: &Handlers, method: &str) {
    let request = RpcRequest::new(method);
    // The outcome is what spans tell.
    let _ = handlers.call(request, Head::default()).await;
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
