//! Metrics of the facade `metrics`, with the names of OpenTelemetry's conventions where they have one.

use std::sync::Once;

use ::metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use super::names::{method, system};
use super::{EventEnd, EventObserver, EventStart, FailedEvent, Observer};

const DURATION: &str = "rpc.server.call.duration";
const EVENTS: &str = "centrifugo.proxy.events";
const IN_FLIGHT: &str = "centrifugo.proxy.events.in_flight";
const STREAMS_FAILED: &str = "centrifugo.proxy.streams.failed";

/// Describes the metrics, once per process.
fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        describe_histogram!(
            DURATION,
            Unit::Seconds,
            "The duration of answers to events."
        );
        describe_counter!(EVENTS, "The events, by their outcome.");
        describe_gauge!(IN_FLIGHT, "The events that have started and not ended.");
        describe_counter!(
            STREAMS_FAILED,
            "The streams of publications that have failed."
        );
    });
}

/// The observer that records metrics.
pub(super) struct Metrics;

/// An event of these labels.
struct EventMetrics(Vec<Label>);

impl Observer for Metrics {
    fn event(&self, event: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        describe();
        let labels = vec![
            Label::new("rpc.method", method(event.kind)),
            Label::new("rpc.system.name", system(event.transport)),
        ];
        gauge!(IN_FLIGHT, labels.clone()).increment(1);
        Some(Box::new(EventMetrics(labels)))
    }

    fn stream_failed(&self, failed: &FailedEvent<'_>) {
        let labels = vec![
            Label::new("rpc.method", method(failed.kind())),
            Label::new("outcome", failed.failure().kind()),
        ];
        counter!(STREAMS_FAILED, labels).increment(1);
    }
}

impl EventObserver for EventMetrics {
    fn ends(self: Box<Self>, end: &EventEnd<'_>) {
        let mut labels = self.0;
        gauge!(IN_FLIGHT, labels.clone()).decrement(1);
        labels.push(Label::new("outcome", end.outcome.name()));
        counter!(EVENTS, labels.clone()).increment(1);
        histogram!(DURATION, labels).record(end.duration);
    }
}
