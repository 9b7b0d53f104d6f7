//! The context of spans in the headers of attempts, as OpenTelemetry propagates it.

#[cfg(not(feature = "opentelemetry"))]
mod disabled;
#[cfg(feature = "opentelemetry")]
mod enabled;

#[cfg(not(feature = "opentelemetry"))]
pub(super) use disabled::Caller;
#[cfg(feature = "opentelemetry")]
pub(super) use enabled::Caller;
