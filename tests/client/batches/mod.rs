//! Typed batches, and the outcomes of broadcasts, on their own and in batches.

mod forms;
mod invalid;
mod outcomes;
#[cfg(all(feature = "grpc", feature = "_http"))]
mod split;
