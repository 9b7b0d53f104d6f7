//! Without the feature `opentelemetry` no context is propagated.

use http::HeaderMap;
use tracing::Span;

/// The context of a caller, of which nothing is known.
pub(in crate::observe) struct Caller;

impl Caller {
    pub(in crate::observe) fn is_present() -> bool {
        false
    }

    pub(in crate::observe) fn current() -> Self {
        Self
    }

    pub(in crate::observe) fn of_batch<'a>(_: impl Iterator<Item = &'a Self>) -> Self {
        Self
    }

    pub(in crate::observe) fn inject(&self, _: [&Span; 2], _: &mut HeaderMap) {}
}
