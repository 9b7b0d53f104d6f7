//! The cost of a publish that is observed: by nobody, by subscribers of `tracing`, by a recorder of `metrics`.

use std::io::sink;

use centrifugo_api::{Client, Error};
use centrifugo_api_testing::Server;
use metrics_util::debugging::DebuggingRecorder;
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Runtime;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::with_default;
use tracing_subscriber::prelude::*;

use crate::{Outcome, publish};

const CALLS: u32 = 200;

/// The observers take turns, so that all are measured under the same conditions.
const ROUNDS: usize = 15;

/// Somebody who observes calls: a function that runs others.
type Observer = fn(&mut dyn FnMut());

const OBSERVERS: [(&str, Observer); 5] = [
    ("nobody", nobody),
    ("tracing, fmt, info", |run| {
        with_default(fmt(Level::INFO), run)
    }),
    ("tracing, fmt, debug", |run| {
        with_default(fmt(Level::DEBUG), run)
    }),
    ("tracing-opentelemetry", |run| {
        let tracer = SdkTracerProvider::builder().build().tracer("bench");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let layer = layer.with_filter(LevelFilter::DEBUG);
        with_default(tracing_subscriber::registry().with(layer), run);
    }),
    ("metrics, a recorder", |run| {
        let recorder = DebuggingRecorder::new();
        metrics::with_local_recorder(&recorder, || nobody(run));
    }),
];

/// As if there had never been a subscriber: `tracing` remembers the level of the last one.
fn nobody(run: &mut dyn FnMut()) {
    with_default(tracing_subscriber::registry().with(LevelFilter::OFF), run);
}

fn fmt(level: Level) -> impl tracing::Subscriber + Send + Sync {
    let subscriber = tracing_subscriber::fmt().with_writer(sink);
    subscriber.with_max_level(level).finish()
}

/// Prints the allocations of a publish, and the time of the client's thread.
pub(crate) fn print(runtime: &Runtime, server: &Server) -> Outcome {
    global::set_text_map_propagator(TraceContextPropagator::new());
    println!(
        "\n{:<32} {:>12} {:>10} {:>8}",
        "a publish, seen by", "allocations", "µs", "ratio"
    );
    for (transport, client) in [("HTTP", server.client()), ("gRPC", server.grpc_client())] {
        let mut times = vec![Vec::new(); OBSERVERS.len()];
        let mut allocations = vec![0.0; OBSERVERS.len()];
        for _ in 0..ROUNDS {
            for (index, (_, observer)) in OBSERVERS.iter().enumerate() {
                let mut outcome = Ok(());
                observer(&mut || outcome = calls(runtime, &client));
                outcome?;
                let mut took = 0.0;
                let counted = allocation_counter::measure(|| {
                    observer(&mut || {
                        let before = thread_time();
                        let _ = calls(runtime, &client);
                        took = thread_time() - before;
                    });
                });
                times[index].push(took / f64::from(CALLS));
                allocations[index] = counted.count_total as f64 / f64::from(CALLS);
            }
        }
        let medians: Vec<f64> = times.into_iter().map(median).collect();
        for (index, (name, _)) in OBSERVERS.iter().enumerate() {
            println!(
                "{:<32} {:>12.1} {:>10.1} {:>8.2}",
                format!("{transport}, {name}"),
                allocations[index],
                medians[index],
                medians[index] / medians[0]
            );
        }
    }
    Ok(())
}

fn calls(runtime: &Runtime, client: &Client) -> Result<(), Error> {
    runtime.block_on(async {
        for _ in 0..CALLS {
            client.publish(publish("news")).await?;
        }
        Ok(())
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the time that this thread has run, in microseconds.
fn thread_time() -> f64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = times
        .split(' ')
        .next()
        .and_then(|time| time.parse::<f64>().ok());
    nanoseconds.unwrap_or(f64::NAN) / 1000.0
}
