//! The metrics of the facade `metrics`.

use std::time::Duration;

use centrifugo_api::{Coalescing, InfoRequest, PublishRequest, Retry};
use centrifugo_api_testing::{Fault, Server};
use metrics::LocalRecorderGuard;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::{Outcome, both_transports, port};

const PUBLISH: &str = "centrifugal.centrifugo.api.CentrifugoApi/Publish";
const BATCH: &str = "centrifugal.centrifugo.api.CentrifugoApi/Batch";

/// A metric: its name, its labels, and its value since the last look. Of a histogram it has the number of values.
#[derive(Debug)]
struct Metric {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
    values: Vec<f64>,
}

impl Metric {
    fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        let (_, value) = labels.find(|(label, _)| label == name)?;
        Some(value)
    }
}

/// Records the metrics of the test, whose only thread this is.
fn record(recorder: &DebuggingRecorder) -> (Snapshotter, LocalRecorderGuard<'_>) {
    let guard = metrics::set_default_local_recorder(recorder);
    (recorder.snapshotter(), guard)
}

/// Returns the metrics that have changed since the last look, and forgets their values.
fn take(snapshotter: &Snapshotter) -> Vec<Metric> {
    let snapshot = snapshotter.snapshot().into_vec().into_iter();
    let metrics = snapshot.map(|(key, _, _, value)| {
        let (_, key) = key.into_parts();
        let labels = key.labels();
        let labels = labels.map(|label| (label.key().to_owned(), label.value().to_owned()));
        let values: Vec<f64> = match &value {
            DebugValue::Histogram(values) => values.iter().map(|value| **value).collect(),
            _ => Vec::new(),
        };
        Metric {
            name: key.name().to_owned(),
            labels: labels.collect(),
            value: match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => *value,
                DebugValue::Histogram(values) => values.len() as f64,
            },
            values,
        }
    });
    metrics.filter(|metric| metric.value != 0.0).collect()
}

fn named<'a>(metrics: &'a [Metric], name: &str) -> Vec<&'a Metric> {
    metrics
        .iter()
        .filter(|metric| metric.name == name)
        .collect()
}

/// Returns the sum of a metric's values, over all its labels.
fn sum(metrics: &[Metric], name: &str) -> f64 {
    named(metrics, name).iter().map(|metric| metric.value).sum()
}

#[tokio::test]
async fn call_and_its_attempts_are_measured() -> Outcome {
    for (first, builder, transport) in both_transports()? {
        let second = Server::start()?;
        let urls = [&first, &second].map(|server| (transport.url)(server));
        let client = builder.endpoint(&urls[1]).build()?;
        first.fail_next(1, Fault::status(transport.unavailable))?;
        let recorder = DebuggingRecorder::new();
        let (snapshotter, _guard) = record(&recorder);
        let request = PublishRequest::new("news", r#"{"text":"payload"}"#).idempotency_key("key");
        client.publish(request).await?;
        let metrics = take(&snapshotter);
        let calls = named(&metrics, "rpc.client.call.duration");
        let [call] = &calls[..] else {
            panic!("{metrics:?}")
        };
        let system = if transport.is_http {
            "centrifugo"
        } else {
            "grpc"
        };
        let ports = urls.map(|url| port(&url).to_string());
        for (label, value) in [
            ("rpc.method", Some(PUBLISH)),
            ("rpc.system.name", Some(system)),
            ("rpc.status_code", Some("OK")),
            ("server.address", Some("127.0.0.1")),
            ("server.port", Some(&*ports[0])),
            ("error.type", None),
        ] {
            assert_eq!(call.label(label), value, "{label}");
        }
        assert!(call.values[0] > 0.0 && call.values[0] < 10.0, "{call:?}");
        let attempts = named(&metrics, "centrifugo.client.attempt.duration");
        let [one, other] = &attempts[..] else {
            panic!("{metrics:?}")
        };
        let error = if transport.is_http {
            "503"
        } else {
            "UNAVAILABLE"
        };
        assert_eq!(one.label("server.port"), Some(&*ports[0]));
        assert_eq!(one.label("error.type"), Some(error));
        assert_eq!(other.label("server.port"), Some(&*ports[1]));
        assert_eq!(other.label("error.type"), None);
        // The call has ended. The node that failed is skipped, until the client is gone.
        assert_eq!(sum(&metrics, "centrifugo.client.calls.in_flight"), 0.0);
        let skipped = named(&metrics, "centrifugo.client.nodes.skipped");
        assert_eq!(skipped[0].label("server.port"), Some(&*ports[0]));
        drop(client);
        assert_eq!(
            sum(&take(&snapshotter), "centrifugo.client.nodes.skipped"),
            -1.0
        );
        assert!(!format!("{metrics:?}").contains("news"), "{metrics:?}");
    }
    Ok(())
}

#[tokio::test]
async fn calls_in_flight_and_waiting_are_counted() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.max_in_flight(1).build()?;
        server.fail_next(1, Fault::delay(Duration::from_secs(20)))?;
        let recorder = DebuggingRecorder::new();
        let (snapshotter, _guard) = record(&recorder);
        let info = || client.info(InfoRequest::new());
        let arrives = async {
            while server.requests().is_empty() {
                tokio::task::yield_now().await;
            }
            take(&snapshotter)
        };
        let metrics = tokio::select! {
            biased;
            outcome = info() => panic!("{outcome:?}"),
            outcome = info() => panic!("{outcome:?}"),
            metrics = arrives => metrics,
        };
        assert_eq!(sum(&metrics, "centrifugo.client.calls.in_flight"), 2.0);
        assert_eq!(sum(&metrics, "centrifugo.client.calls.waiting"), 1.0);
        // Both are dropped.
        let metrics = take(&snapshotter);
        assert_eq!(sum(&metrics, "centrifugo.client.calls.in_flight"), -2.0);
        assert_eq!(sum(&metrics, "centrifugo.client.calls.waiting"), -1.0);
        let calls = named(&metrics, "rpc.client.call.duration");
        assert_eq!((calls.len(), calls[0].value), (1, 2.0));
        assert_eq!(calls[0].label("error.type"), Some("dropped"));
    }
    Ok(())
}

#[tokio::test]
async fn batches_are_measured() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.build()?;
        let shared = client
            .clone()
            .coalescing(Coalescing::default().max_batches(1));
        let recorder = DebuggingRecorder::new();
        let (snapshotter, _guard) = record(&recorder);
        let publish = || PublishRequest::new("chat:news", "{}");
        client.batch(vec![publish(); 3]).await?.all_ok()?;
        let (first, second) = tokio::join!(shared.publish(publish()), shared.publish(publish()));
        first?;
        second?;
        let metrics = take(&snapshotter);
        let requests = server.take_requests();
        let size = |index: usize| -> Option<f64> {
            let length = requests[index].headers.get("content-length")?;
            length.to_str().ok()?.parse().ok()
        };
        for (is_shared, commands, size) in [("false", 3.0, size(0)), ("true", 2.0, size(1))] {
            let value = |name| {
                let mut metrics = named(&metrics, name).into_iter();
                let found =
                    metrics.find(|one| one.label("centrifugo.coalesced") == Some(is_shared));
                found.expect("the batch is measured").values[0]
            };
            assert_eq!(value("centrifugo.client.batch.commands"), commands);
            let measured = value("centrifugo.client.batch.size");
            // gRPC has no such header.
            assert!(
                measured > 30.0 && size.is_none_or(|size| size == measured),
                "{measured}"
            );
        }
        let calls = named(&metrics, "rpc.client.call.duration");
        let mut counts: Vec<_> = calls
            .iter()
            .map(|call| (call.label("rpc.method"), call.value))
            .collect();
        counts.sort_by_key(|(method, _)| *method);
        assert_eq!(counts, [(Some(BATCH), 1.0), (Some(PUBLISH), 2.0)]);
        assert!(!format!("{metrics:?}").contains("chat"), "{metrics:?}");
    }
    Ok(())
}

#[tokio::test]
async fn refused_retries_are_counted() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.build()?;
        server.fail_always(Fault::api_error(100))?;
        let recorder = DebuggingRecorder::new();
        let (snapshotter, _guard) = record(&recorder);
        // The store of 20 retries lasts for 10 calls with 2 retries each.
        for _ in 0..11 {
            client.info(InfoRequest::new()).await.unwrap_err();
        }
        let metrics = take(&snapshotter);
        assert_eq!(sum(&metrics, "centrifugo.client.retries.refused"), 1.0);
        assert_eq!(sum(&metrics, "centrifugo.client.attempt.duration"), 31.0);
        let calls = named(&metrics, "rpc.client.call.duration");
        assert_eq!(calls[0].label("rpc.status_code"), Some("centrifugo.100"));
    }
    Ok(())
}

#[tokio::test]
async fn recorder_that_comes_late_sees_later_calls() -> Outcome {
    for (_server, builder, _) in both_transports()? {
        let client = builder.retry(Retry::none()).build()?;
        client.info(InfoRequest::new()).await?;
        let recorder = DebuggingRecorder::new();
        let (snapshotter, _guard) = record(&recorder);
        client.info(InfoRequest::new()).await?;
        let metrics = take(&snapshotter);
        assert_eq!(sum(&metrics, "rpc.client.call.duration"), 1.0);
    }
    Ok(())
}
