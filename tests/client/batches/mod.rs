//! Typed batches, and the outcomes of broadcasts, alone and within them.

mod forms;
mod invalid;
mod outcomes;
#[cfg(all(feature = "grpc", feature = "http"))]
mod split;
