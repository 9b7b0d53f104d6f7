//! The messages that are generated from a schema: their JSON, and the crate built from other schemas.

mod json;
#[cfg(all(feature = "grpc", feature = "_http"))]
mod packages;
