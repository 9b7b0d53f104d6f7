//! Without the feature `opentelemetry` spans continue no trace of the client.

use http::HeaderMap;
use tracing::Span;

pub(super) fn set(_: &Span, _: &HeaderMap) {}
