//! Compile errors that name the feature that a method needs.
//!
//! A bound that never holds must not be obvious to the compiler, or it would refuse the method itself: hence `for<'a>`.

use super::ClientBuilder;

#[cfg(not(feature = "blocking"))]
#[diagnostic::on_unimplemented(
    message = "`build_blocking` needs the feature `blocking` of centrifugo-api",
    label = "the feature `blocking` is off",
    note = "add it in Cargo.toml: centrifugo-api = { version = \"…\", features = [\"blocking\"] }"
)]
pub trait BlockingFeature<'a> {}

#[cfg(not(feature = "blocking"))]
impl ClientBuilder {
    #[doc(hidden)]
    pub fn build_blocking(self) -> Result<(), crate::Error>
    where
        for<'a> (): BlockingFeature<'a>,
    {
        unreachable!("the bound never holds")
    }
}

#[cfg(not(all(feature = "grpc", feature = "gzip")))]
#[diagnostic::on_unimplemented(
    message = "`grpc_gzip` needs the features `grpc` and `gzip` of centrifugo-api",
    label = "one of the features is off",
    note = "add them in Cargo.toml: centrifugo-api = { version = \"…\", features = [\"grpc\", \"gzip\"] }"
)]
pub trait GzipFeature<'a> {}

#[cfg(not(all(feature = "grpc", feature = "gzip")))]
impl ClientBuilder {
    #[doc(hidden)]
    pub fn grpc_gzip(self) -> Self
    where
        for<'a> (): GzipFeature<'a>,
    {
        unreachable!("the bound never holds")
    }
}
