//! Metrics of the facade `metrics`, with the names of OpenTelemetry's conventions where they have one.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::{Arc, Mutex, Once, PoisonError};

use ::metrics::{
    Label, Recorder, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram, with_recorder,
};
use http::HeaderMap;

use super::names::{Server, code, error_type, rpc_method};
use super::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallObserver, CallStart, DropReason, Dropped,
    NodeChange, Observer, Outcome,
};
use crate::api::messages::BatchRequest;
use crate::api::method::Method as _;

const CALL_DURATION: &str = "rpc.client.call.duration";
const CALLS_IN_FLIGHT: &str = "centrifugo.client.calls.in_flight";
const CALLS_WAITING: &str = "centrifugo.client.calls.waiting";
const ATTEMPT_DURATION: &str = "centrifugo.client.attempt.duration";
const RETRIES_REFUSED: &str = "centrifugo.client.retries.refused";
const BATCH_COMMANDS: &str = "centrifugo.client.batch.commands";
const BATCH_SIZE: &str = "centrifugo.client.batch.size";
const NODES_SKIPPED: &str = "centrifugo.client.nodes.skipped";
const BACKGROUND_DROPPED: &str = "centrifugo.client.background.dropped";

/// Returns whether a recorder is installed.
pub(super) fn are_wanted() -> bool {
    with_recorder(|recorder| is_installed(recorder))
}

/// Returns whether a recorder is an installed one, rather than the one that stands for none: a static without a size.
///
/// `metrics` keeps an installed recorder in a box, and the address of a box without a size is its alignment. Looking at that
/// saves the labels and allocations of metrics that nobody sees. If it changes, recorders without a size count as none.
fn is_installed(recorder: &dyn Recorder) -> bool {
    let address = ptr::from_ref(recorder).cast::<()>().addr();
    size_of_val(recorder) > 0 || address == align_of_val(recorder)
}

/// Describes the metrics, once per process.
fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        describe_histogram!(
            CALL_DURATION,
            Unit::Seconds,
            "The duration of calls, over all their attempts."
        );
        describe_gauge!(
            CALLS_IN_FLIGHT,
            "The calls that have started and not ended."
        );
        describe_gauge!(
            CALLS_WAITING,
            "The calls in flight that wait because of max_in_flight."
        );
        describe_histogram!(
            ATTEMPT_DURATION,
            Unit::Seconds,
            "The duration of attempts: requests to a node."
        );
        describe_counter!(
            RETRIES_REFUSED,
            "The retries that were due, but not affordable: many calls had failed."
        );
        describe_histogram!(BATCH_COMMANDS, "The number of commands in a batch.");
        describe_histogram!(
            BATCH_SIZE,
            Unit::Bytes,
            "The size of requests that are batches, without headers."
        );
        describe_gauge!(
            NODES_SKIPPED,
            "The number of clients that skip the node, because it is down."
        );
        describe_counter!(
            BACKGROUND_DROPPED,
            "The calls of the background that were dropped and not sent."
        );
    });
}

/// The observer that records metrics.
#[derive(Default)]
pub(super) struct Metrics {
    /// The labels of the nodes that are skipped, by their URLs.
    skipped: Mutex<BTreeMap<String, Vec<Label>>>,
}

/// A call, or a batch that calls share.
struct CallMetrics {
    method: &'static str,
    /// Those of all its metrics.
    labels: Vec<Label>,
    is_shared: bool,
}

impl Observer for Metrics {
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        if !are_wanted() {
            return None;
        }
        describe();
        let method = rpc_method(call.grpc_path, call.method);
        let labels = labels(Some(method), call.server);
        gauge!(CALLS_IN_FLIGHT, labels.clone()).increment(1.0);
        let call_metrics = CallMetrics {
            method,
            labels,
            is_shared: false,
        };
        if call.method == BatchRequest::NAME {
            call_metrics.has_commands(call.commands);
        }
        Some(Arc::new(call_metrics))
    }

    fn shared_batch(&self, batch: &BatchStart<'_>) -> Option<Arc<dyn CallObserver>> {
        if !are_wanted() {
            return None;
        }
        describe();
        let method = rpc_method(BatchRequest::GRPC_PATH, BatchRequest::NAME);
        let call_metrics = CallMetrics {
            method,
            labels: labels(Some(method), batch.server),
            is_shared: true,
        };
        call_metrics.has_commands(batch.commands);
        Some(Arc::new(call_metrics))
    }

    fn dropped(&self, dropped: &Dropped<'_>) {
        if are_wanted() {
            describe();
            let reason = match dropped.reason {
                DropReason::Full => "full",
                DropReason::Closed => "closed",
                DropReason::NoRuntime => "no_runtime",
            };
            counter!(BACKGROUND_DROPPED, "reason" => reason).increment(1);
        }
    }

    fn node(&self, change: &NodeChange<'_>) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        if change.is_up {
            if let Some(labels) = skipped.remove(change.node) {
                gauge!(NODES_SKIPPED, labels).decrement(1.0);
            }
        } else if are_wanted() {
            describe();
            let labels = labels(None, change.node);
            skipped.insert(change.node.to_owned(), labels.clone());
            gauge!(NODES_SKIPPED, labels).increment(1.0);
        }
    }
}

/// A client that is gone skips no node.
impl Drop for Metrics {
    fn drop(&mut self) {
        let skipped = self
            .skipped
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for labels in std::mem::take(skipped).into_values() {
            gauge!(NODES_SKIPPED, labels).decrement(1.0);
        }
    }
}

impl CallMetrics {
    /// Records the number of commands in a batch.
    fn has_commands(&self, commands: usize) {
        histogram!(BATCH_COMMANDS, self.labels_of_batch()).record(commands as f64);
    }

    fn labels_of_batch(&self) -> Vec<Label> {
        let is_shared = if self.is_shared { "true" } else { "false" };
        with(
            &self.labels,
            [("centrifugo.coalesced", is_shared.to_owned())],
        )
    }
}

impl CallObserver for CallMetrics {
    fn wait_starts(&self) {
        gauge!(CALLS_WAITING, self.labels.clone()).increment(1.0);
    }

    fn wait_ends(&self) {
        gauge!(CALLS_WAITING, self.labels.clone()).decrement(1.0);
    }

    fn attempt_starts(&self, attempt: &AttemptStart<'_>, _: &mut HeaderMap) {
        if attempt.method == BatchRequest::NAME {
            histogram!(BATCH_SIZE, self.labels_of_batch()).record(attempt.bytes as f64);
        }
    }

    fn attempt_ends(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let labels = labels(Some(self.method), attempt.node);
        let labels = with(&labels, of_outcome(end.outcome));
        histogram!(ATTEMPT_DURATION, labels).record(end.duration);
    }

    fn retry_refused(&self) {
        counter!(RETRIES_REFUSED, self.labels.clone()).increment(1);
    }

    fn ends(&self, end: &CallEnd<'_>) {
        // The calls in a shared batch are counted, not the batch.
        if !self.is_shared {
            gauge!(CALLS_IN_FLIGHT, self.labels.clone()).decrement(1.0);
            let labels = with(&self.labels, of_outcome(end.outcome));
            histogram!(CALL_DURATION, labels).record(end.duration);
        }
    }
}

/// Returns the labels of a method and a node.
fn labels(method: Option<&'static str>, url: &str) -> Vec<Label> {
    let server = Server::of(url);
    let mut labels = vec![Label::new("rpc.system.name", server.system)];
    labels.extend(method.map(|method| Label::new("rpc.method", method)));
    let address = server.address;
    labels.extend(address.map(|address| Label::new("server.address", address)));
    let port = server.port;
    labels.extend(port.map(|port| Label::new("server.port", port.to_string())));
    labels
}

/// Returns the names and values of the labels that tell an outcome.
fn of_outcome(outcome: Outcome<'_>) -> impl Iterator<Item = (&'static str, String)> {
    let has_failed = !matches!(outcome, Outcome::Success);
    let error = has_failed.then(|| ("error.type", error_type(outcome)));
    [("rpc.status_code", code(outcome))]
        .into_iter()
        .chain(error)
}

/// Returns these labels and further ones.
fn with(labels: &[Label], further: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Label> {
    let further = further.into_iter();
    let further = further.map(|(name, value)| Label::new(name, value));
    labels.iter().cloned().chain(further).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ::metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, NoopRecorder, SharedString,
        with_local_recorder,
    };

    use super::*;

    /// A recorder that keeps the names and units that it is told.
    #[derive(Default)]
    struct Described(Mutex<Vec<(String, Option<Unit>)>>);

    impl Described {
        fn add(&self, name: &KeyName, unit: Option<Unit>) {
            self.0
                .lock()
                .unwrap()
                .push((name.as_str().to_owned(), unit));
        }
    }

    impl Recorder for Described {
        fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
            self.add(&name, unit);
        }

        fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
            self.add(&name, unit);
        }

        fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
            self.add(&name, unit);
        }

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn metrics_are_described_once() {
        let recorder = Described::default();
        let start = CallStart::raw("info", "http://localhost:8000/api");
        with_local_recorder(&recorder, || {
            for _ in 0..2 {
                let metrics = Metrics::default();
                assert!(metrics.call(&start).is_some());
            }
        });
        let described = recorder.0.into_inner().unwrap();
        let units: BTreeMap<String, Option<Unit>> = described.iter().cloned().collect();
        assert_eq!((described.len(), units.len()), (9, 9));
        assert_eq!(units[CALL_DURATION], Some(Unit::Seconds));
        assert_eq!(units[BATCH_SIZE], Some(Unit::Bytes));
    }

    #[test]
    fn nothing_is_measured_without_recorder() {
        let start = CallStart::raw("info", "http://localhost:8000/api");
        assert!(!are_wanted());
        assert!(Metrics::default().call(&start).is_none());
        // What a recorder without a size looks like when it is installed.
        let installed: &dyn Recorder = &*Box::new(NoopRecorder);
        assert!(is_installed(installed));
    }
}
