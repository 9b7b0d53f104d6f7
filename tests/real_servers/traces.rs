//! A trace that begins with the caller goes on in Centrifugo, which exports its own spans.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use centrifugo_api::PublishRequest;
use centrifugo_api::bytes::Bytes;
use opentelemetry::global;
use opentelemetry::trace::{SpanKind, TracerProvider as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tracing::{Instrument as _, Level, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::Outcome;
use crate::server::{Backend, Server, Transport, Version};

/// The message `ExportTraceServiceRequest` of OTLP.
#[derive(Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<Resource>,
}

#[derive(Message)]
struct Resource {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<Scope>,
}

#[derive(Message)]
struct Scope {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    /// 2 is a server's.
    #[prost(int32, tag = "6")]
    kind: i32,
}

/// Starts a receiver of OTLP over HTTP. Returns its URL, and the spans that it receives.
async fn receiver() -> std::io::Result<(String, mpsc::UnboundedReceiver<Span>)> {
    let (sender, spans) = mpsc::unbounded_channel();
    let receive = async move |body: Bytes| {
        let export = Export::decode(body).expect("the server exports protobuf");
        let scopes = export.resources.into_iter().flat_map(|one| one.scopes);
        for span in scopes.flat_map(|scope| scope.spans) {
            // The test may have ended.
            let _ = sender.send(span);
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/v1/traces", post(receive));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, spans))
}

#[tokio::test]
#[ignore = "needs Centrifugo 6.9.1"]
async fn trace_of_the_caller_goes_on_in_the_server() -> Outcome {
    let (url, mut received) = receiver().await?;
    let options = [
        ("CENTRIFUGO_OPENTELEMETRY_ENABLED", "true"),
        ("CENTRIFUGO_OPENTELEMETRY_API", "true"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ];
    let server = Server::start_with(Backend::Real(Version::V6), &options).await;
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
    let tracer = provider.build().tracer("test");
    let targets = ["centrifugo_api", "real_servers"].map(|target| (target, Level::TRACE));
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(Targets::new().with_targets(targets));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    for transport in [Transport::Http, Transport::Grpc] {
        let client = server.client(transport);
        let publish = client.publish(PublishRequest::new("plain:news", "{}"));
        publish.instrument(info_span!("request")).await?;
        let mut spans = exporter.get_finished_spans()?;
        exporter.reset();
        spans.sort_by_key(|span| span.start_time);
        let [request, call, attempt] = &spans[..] else {
            panic!("{spans:?}")
        };
        assert_eq!(call.parent_span_id, request.span_context.span_id());
        assert_eq!(attempt.parent_span_id, call.span_context.span_id());
        assert_eq!(attempt.span_kind, SpanKind::Client);
        let parent = attempt.span_context.span_id().to_bytes();
        let arrives = async {
            loop {
                let span = received.recv().await.expect("the receiver runs");
                if span.parent_span_id == parent {
                    return span;
                }
            }
        };
        let of_server = tokio::time::timeout(Duration::from_secs(20), arrives).await?;
        let trace = request.span_context.trace_id().to_bytes();
        assert_eq!((&of_server.trace_id[..], of_server.kind), (&trace[..], 2));
        assert!(!of_server.name.is_empty());
    }
    Ok(())
}
