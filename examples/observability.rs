//! Shows what a client does: by spans of `tracing`, by OpenTelemetry, and by metrics.
//!
//! `cargo run --example observability` prints the log of a call that fails over to another node and of
//! one that fails, the trace in a request, and the metrics. The example `nodes` has an observer.

mod support;

use centrifugo_api::{InfoRequest, PublishRequest};
use metrics_util::debugging::DebuggingRecorder;
use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use support::Report;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::{self, format::FmtSpan};
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Report> {
    // The feature `tracing`: a span per call at level info, and per attempt at level debug.
    let log = fmt::layer()
        .with_target(false)
        .with_span_events(FmtSpan::CLOSE);
    // The feature `opentelemetry`: Centrifugo continues the trace. A real program adds an exporter.
    global::set_text_map_propagator(TraceContextPropagator::new());
    let traces = SdkTracerProvider::builder().build().tracer("shop");
    let traces = tracing_opentelemetry::layer().with_tracer(traces);
    let log = log.with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(log).with(traces).init();
    // The feature `metrics`. A real program installs a recorder such as that of Prometheus.
    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    recorder.install()?;

    let (builder, server) = support::builder()?;
    let client = builder.endpoint(support::closed_node()).build()?;
    println!("Two calls on two nodes, of which the second is down:");
    client.info(InfoRequest::new()).await?;
    client.info(InfoRequest::new()).await?;
    if let Some(server) = &server {
        println!(
            "\nThe trace of the last one:\n  {:?}",
            server.requests()[1].headers["traceparent"]
        );
    }

    println!("\nA call that fails:");
    let publish = PublishRequest::new("not-configured:news", "1");
    client
        .publish(publish)
        .await
        .err()
        .ok_or("it is configured")?;

    println!("\nThe metrics:");
    for (key, _, _, value) in metrics.snapshot().into_vec() {
        println!("  {}: {value:?}", key.key().name());
    }
    Ok(())
}
