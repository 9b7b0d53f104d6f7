//! The span of an event, in which its handler runs.

#[cfg(not(feature = "tracing"))]
mod disabled;
#[cfg(feature = "tracing")]
mod enabled;
#[cfg(all(feature = "tracing", not(feature = "opentelemetry")))]
mod no_parent;
#[cfg(feature = "opentelemetry")]
mod parent;

#[cfg(not(feature = "tracing"))]
pub(crate) use disabled::EventSpan;
#[cfg(feature = "tracing")]
pub(crate) use enabled::EventSpan;
