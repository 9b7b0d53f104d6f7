//! The observers that features add to a client's.

use std::sync::Arc;

use super::Observer;
#[cfg(feature = "metrics")]
use super::metrics::{self, Metrics};
#[cfg(feature = "tracing")]
use super::spans::{self, Spans};

/// Adds the observers of the features.
pub(super) fn add_to(observers: &mut Vec<Arc<dyn Observer>>) {
    add_spans(observers);
    add_metrics(observers);
}

/// Returns whether any of them would do something: somebody listens to spans or metrics.
pub(super) fn are_wanted() -> bool {
    are_spans_wanted() || are_metrics_wanted()
}

#[cfg(feature = "tracing")]
fn add_spans(observers: &mut Vec<Arc<dyn Observer>>) {
    observers.push(Arc::new(Spans));
}

#[cfg(not(feature = "tracing"))]
fn add_spans(_: &mut [Arc<dyn Observer>]) {}

#[cfg(feature = "tracing")]
fn are_spans_wanted() -> bool {
    spans::are_wanted()
}

#[cfg(not(feature = "tracing"))]
fn are_spans_wanted() -> bool {
    false
}

#[cfg(feature = "metrics")]
fn add_metrics(observers: &mut Vec<Arc<dyn Observer>>) {
    observers.push(Arc::new(Metrics::default()));
}

#[cfg(not(feature = "metrics"))]
fn add_metrics(_: &mut [Arc<dyn Observer>]) {}

#[cfg(feature = "metrics")]
fn are_metrics_wanted() -> bool {
    metrics::are_wanted()
}

#[cfg(not(feature = "metrics"))]
fn are_metrics_wanted() -> bool {
    false
}
