//! The context of a caller, for a call that another task makes later.

#[cfg(feature = "opentelemetry")]
use opentelemetry::Context;
#[cfg(feature = "opentelemetry")]
use opentelemetry::context::FutureExt as _;
#[cfg(feature = "opentelemetry")]
use opentelemetry::trace::TraceContextExt as _;
#[cfg(feature = "opentelemetry")]
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The context in which a call was asked for. Without the feature `opentelemetry` there is none.
///
/// It has the context of the caller's span, not the span itself: that would be open for as long as the call waits.
pub(crate) struct Carried {
    #[cfg(feature = "opentelemetry")]
    context: Context,
}

impl Carried {
    /// Returns that of the caller.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn current() -> Self {
        let of_span = tracing::Span::current().context();
        let is_traced = of_span.span().span_context().is_valid();
        Self {
            context: if is_traced {
                of_span
            } else {
                Context::current()
            },
        }
    }

    /// Returns that of the caller, of which nothing is known.
    #[cfg(not(feature = "opentelemetry"))]
    pub(crate) fn current() -> Self {
        Self {}
    }

    /// Runs a future in the context.
    pub(crate) async fn run<F: Future>(self, future: F) -> F::Output {
        #[cfg(feature = "opentelemetry")]
        let future = future.with_context(self.context);
        future.await
    }
}
