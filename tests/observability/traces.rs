//! Spans as OpenTelemetry exports them, and their context in the headers of attempts.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Once;

use centrifugo_api::{Background, Coalescing, PublishRequest};
use centrifugo_api_testing::{Fault, Recorded, Server};
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{
    Extractor, Injector, TextMapCompositePropagator, TextMapPropagator,
};
use opentelemetry::trace::{
    FutureExt as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value, global};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, SpanData,
};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Instrument as _, Level, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::{Outcome, Transport, both_transports};

const PUBLISH: &str = "centrifugal.centrifugo.api.CentrifugoApi/Publish";

/// The propagator of the process, which is that of the test: a test has one thread.
#[derive(Debug)]
struct OfThread;

thread_local! {
    static PROPAGATOR: RefCell<Option<Rc<dyn TextMapPropagator>>> = RefCell::default();
}

impl TextMapPropagator for OfThread {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let propagator = PROPAGATOR.with_borrow(Clone::clone);
        if let Some(propagator) = propagator {
            propagator.inject_context(context, injector);
        }
    }

    fn extract_with_context(&self, context: &Context, _: &dyn Extractor) -> Context {
        context.clone()
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

/// Sets the propagator of the test.
pub(crate) fn propagate(propagator: impl TextMapPropagator + 'static) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| global::set_text_map_propagator(OfThread));
    PROPAGATOR.set(Some(Rc::new(propagator)));
}

fn propagate_w3c() {
    propagate(TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]));
}

/// The spans that a test exports.
pub(crate) struct Traces {
    exporter: InMemorySpanExporter,
    tracer: SdkTracer,
}

impl Traces {
    pub(crate) fn new(sampler: Sampler) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .with_sampler(sampler)
            .build();
        Self {
            exporter,
            tracer: provider.tracer("test"),
        }
    }

    /// Exports the spans of `tracing` with these targets, as long as the guard lives.
    pub(crate) fn subscribe(&self, targets: &[&str]) -> DefaultGuard {
        let targets = targets.iter().map(|target| (*target, Level::TRACE));
        let layer = tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            .with_filter(Targets::new().with_targets(targets));
        tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
    }

    /// Returns the spans so far, by their start, and forgets them.
    pub(crate) fn take(&self) -> Vec<SpanData> {
        let spans = self.exporter.get_finished_spans();
        let mut spans = spans.expect("the spans are in memory");
        self.exporter.reset();
        spans.sort_by_key(|span| span.start_time);
        spans
    }
}

pub(crate) const ALL_TARGETS: [&str; 2] = ["centrifugo_api", "observability"];

/// Returns the value of a header in a request; empty if it has none.
pub(crate) fn header<'a>(request: &'a Recorded, name: &str) -> &'a str {
    let value = request.headers.get(name);
    value.map_or("", |value| value.to_str().expect("the value is text"))
}

/// Returns the header for a span.
fn traceparent(span: &SpanContext) -> String {
    let flags = span.trace_flags().to_u8();
    format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id())
}

fn attribute<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
    let mut attributes = span.attributes.iter();
    let found = attributes.find(|attribute| attribute.key.as_str() == name)?;
    Some(&found.value)
}

#[track_caller]
fn has(span: &SpanData, name: &str, value: impl Into<Value>) {
    assert_eq!(attribute(span, name), Some(&value.into()), "{name}");
}

/// Returns the context of a remote span.
fn remote(flags: TraceFlags) -> SpanContext {
    SpanContext::new(
        TraceId::from(0x1234_5678),
        SpanId::from(0x90),
        flags,
        true,
        TraceState::default(),
    )
}

fn publish() -> PublishRequest {
    PublishRequest::new("chat:news", "{}").idempotency_key("key")
}

/// Checks that a span is that of the only attempt on a node, which got its context.
fn check_attempt(attempt: &SpanData, node: &Server, transport: &Transport) {
    assert_eq!(
        (&*attempt.name, &attempt.span_kind),
        ("attempt", &SpanKind::Client)
    );
    let port = i64::from(crate::port(&(transport.url)(node)));
    has(attempt, "server.port", port);
    has(attempt, "network.peer.address", "127.0.0.1");
    has(attempt, "network.peer.port", port);
    let requests = node.take_requests();
    let [received] = &requests[..] else {
        panic!("{requests:?}")
    };
    let sent = header(received, "traceparent");
    assert_eq!(sent, traceparent(&attempt.span_context));
}

#[tokio::test]
async fn retried_call_is_one_trace_to_both_nodes() -> Outcome {
    propagate_w3c();
    for (first, builder, transport) in both_transports()? {
        let second = Server::start()?;
        let client = builder.endpoint((transport.url)(&second)).build()?;
        first.fail_next(1, Fault::status(transport.unavailable))?;
        let traces = Traces::new(Sampler::AlwaysOn);
        let guard = traces.subscribe(&ALL_TARGETS);
        let call = client.publish(PublishRequest::new("news", "{}").idempotency_key("key"));
        call.instrument(info_span!("request")).await?;
        drop(guard);
        let spans = traces.take();
        let [request, call, failed, succeeded] = &spans[..] else {
            panic!("{spans:?}")
        };
        let trace = request.span_context.trace_id();
        assert!(
            spans
                .iter()
                .all(|span| span.span_context.trace_id() == trace)
        );
        assert_eq!(call.parent_span_id, request.span_context.span_id());
        assert_eq!((&*call.name, &call.span_kind), (PUBLISH, &SpanKind::Client));
        assert_eq!(call.status, Status::Unset);
        has(call, "rpc.status_code", "OK");
        has(call, "rpc.method", PUBLISH);
        for (attempt, node) in [(failed, &first), (succeeded, &second)] {
            assert_eq!(attempt.parent_span_id, call.span_context.span_id());
            check_attempt(attempt, node, &transport);
        }
        assert_eq!(
            (&failed.status, &succeeded.status),
            (&Status::error(""), &Status::Unset)
        );
        has(succeeded, "http.request.resend_count", 1_i64);
        if transport.is_http {
            has(failed, "http.response.status_code", 503_i64);
            has(failed, "error.type", "503");
        } else {
            has(failed, "error.type", "UNAVAILABLE");
        }
    }
    Ok(())
}

#[tokio::test]
async fn shared_batch_has_a_trace_of_its_own() -> Outcome {
    propagate_w3c();
    for (server, builder, _) in both_transports()? {
        let client = builder
            .build()?
            .coalescing(Coalescing::default().max_batches(1));
        let traces = Traces::new(Sampler::AlwaysOn);
        let guard = traces.subscribe(&ALL_TARGETS);
        let (first, second) = tokio::join!(client.publish(publish()), client.publish(publish()));
        first?;
        second?;
        // The worker that sends the batches ends its span.
        drop(client);
        let mut spans = traces.take();
        while spans.len() < 4 {
            tokio::task::yield_now().await;
            spans.extend(traces.take());
        }
        drop(guard);
        spans.sort_by_key(|span| span.start_time);
        let [first, second, batch, attempt] = &spans[..] else {
            panic!("{spans:?}")
        };
        let links = |span: &SpanData| -> Vec<SpanContext> {
            let links = span.links.iter();
            links.map(|link| link.span_context.clone()).collect()
        };
        let calls = [first.span_context.clone(), second.span_context.clone()];
        assert_eq!(links(batch), calls);
        let batches = [batch.span_context.clone()];
        assert_eq!(
            (links(first), links(second)),
            (batches.to_vec(), batches.to_vec())
        );
        assert_eq!(batch.parent_span_id, SpanId::INVALID);
        assert_eq!(attempt.parent_span_id, batch.span_context.span_id());
        has(batch, "centrifugo.commands", 2_i64);
        let requests = server.take_requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(
            header(&requests[0], "traceparent"),
            traceparent(&attempt.span_context)
        );
    }
    Ok(())
}

/// The caller's span may have ended long before the call is made.
#[tokio::test]
async fn call_in_the_background_belongs_to_the_trace_of_its_sender() -> Outcome {
    propagate_w3c();
    for (server, builder, _) in both_transports()? {
        let background = builder.build()?.background(Background::default());
        let traces = Traces::new(Sampler::AlwaysOn);
        let guard = traces.subscribe(&ALL_TARGETS);
        info_span!("request").in_scope(|| background.send(publish()));
        let sender = traces.take();
        let [request] = &sender[..] else {
            panic!("the span of the sender has not ended: {sender:?}")
        };
        background.flush().await;
        drop(guard);
        let spans = traces.take();
        let [call, attempt] = &spans[..] else {
            panic!("{spans:?}")
        };
        assert_eq!(call.parent_span_id, request.span_context.span_id());
        assert_eq!(attempt.parent_span_id, call.span_context.span_id());
        let trace = request.span_context.trace_id();
        assert_eq!(attempt.span_context.trace_id(), trace);
        let requests = server.take_requests();
        let sent = header(&requests[0], "traceparent");
        assert_eq!(sent, traceparent(&attempt.span_context));
    }
    Ok(())
}

#[tokio::test]
async fn parent_that_is_not_sampled_is_passed_on() -> Outcome {
    propagate_w3c();
    for (server, builder, _) in both_transports()? {
        let client = builder.build()?;
        let traces = Traces::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
        let guard = traces.subscribe(&ALL_TARGETS);
        let parent = remote(TraceFlags::NOT_SAMPLED);
        let request = info_span!("request");
        request.set_parent(Context::new().with_remote_span_context(parent.clone()))?;
        client.publish(publish()).instrument(request).await?;
        drop(guard);
        assert!(traces.take().is_empty());
        let requests = server.take_requests();
        let sent = header(&requests[0], "traceparent");
        let trace = format!("00-{}-", parent.trace_id());
        assert!(sent.starts_with(&trace) && sent.ends_with("-00"), "{sent}");
    }
    Ok(())
}

#[tokio::test]
async fn baggage_and_state_reach_the_server() -> Outcome {
    propagate_w3c();
    for (server, builder, _) in both_transports()? {
        let client = builder.build()?;
        let traces = Traces::new(Sampler::AlwaysOn);
        let guard = traces.subscribe(&ALL_TARGETS);
        let state = TraceState::from_key_value([("vendor", "1")])?;
        let parent = remote(TraceFlags::SAMPLED);
        let (trace, span) = (parent.trace_id(), parent.span_id());
        let parent = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state);
        let context = Context::new()
            .with_remote_span_context(parent)
            .with_baggage([KeyValue::new("tenant", "acme")]);
        let request = info_span!("request");
        request.set_parent(context)?;
        client.publish(publish()).instrument(request).await?;
        drop(guard);
        let requests = server.take_requests();
        assert_eq!(header(&requests[0], "baggage"), "tenant=acme");
        assert_eq!(header(&requests[0], "tracestate"), "vendor=1");
    }
    Ok(())
}

#[tokio::test]
async fn context_without_tracing_is_passed_on() -> Outcome {
    propagate_w3c();
    for (server, builder, Transport { unavailable, .. }) in both_transports()? {
        let client = builder.build()?;
        let shared = client.clone().coalescing(Coalescing::default());
        let traces = Traces::new(Sampler::AlwaysOn);
        let _guard = tracing::subscriber::set_default(NoSubscriber::default());
        let context = Context::new().with_span(traces.tracer.start("request"));
        let expected = traceparent(context.span().span_context());
        server.fail_next(1, Fault::status(unavailable))?;
        client
            .publish(publish())
            .with_context(context.clone())
            .await?;
        shared.publish(publish()).with_context(context).await?;
        let requests = server.take_requests();
        assert_eq!(requests.len(), 3);
        for request in &requests {
            assert_eq!(header(request, "traceparent"), expected);
        }
    }
    Ok(())
}

#[tokio::test]
async fn batch_of_several_callers_without_tracing_has_no_context() -> Outcome {
    propagate_w3c();
    for (server, builder, _) in both_transports()? {
        let client = builder
            .build()?
            .coalescing(Coalescing::default().max_batches(1));
        let traces = Traces::new(Sampler::AlwaysOn);
        let _guard = tracing::subscriber::set_default(NoSubscriber::default());
        let call = |name: &'static str| {
            let context = Context::new().with_span(traces.tracer.start(name));
            client.publish(publish()).with_context(context)
        };
        let (first, second) = tokio::join!(call("first"), call("second"));
        first?;
        second?;
        let requests = server.take_requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(header(&requests[0], "traceparent"), "");
    }
    Ok(())
}

#[tokio::test]
async fn span_of_the_caller_is_passed_on_if_ours_are_filtered() -> Outcome {
    propagate_w3c();
    for (server, builder, _) in both_transports()? {
        let client = builder.build()?;
        let traces = Traces::new(Sampler::AlwaysOn);
        let guard = traces.subscribe(&["observability"]);
        let call = client.publish(publish());
        call.instrument(info_span!("request")).await?;
        drop(guard);
        let spans = traces.take();
        let [request] = &spans[..] else {
            panic!("{spans:?}")
        };
        let requests = server.take_requests();
        assert_eq!(
            header(&requests[0], "traceparent"),
            traceparent(&request.span_context)
        );
    }
    Ok(())
}
