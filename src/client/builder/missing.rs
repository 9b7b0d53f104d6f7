//! Compile errors that name the missing feature of a method.
//!
//! Each method has a bound that never holds. The compiler would refuse the method itself if that were obvious, which
//! `for<'a>` prevents.

use super::ClientBuilder;
#[cfg(not(feature = "blocking"))]
use crate::error::Error;

#[cfg(not(feature = "blocking"))]
#[diagnostic::on_unimplemented(
    message = "`build_blocking` needs the feature `blocking` of centrifugo-api",
    label = "the feature `blocking` is off",
    note = "add `blocking` to the features of centrifugo-api in Cargo.toml"
)]
pub trait BlockingFeature<'a> {}

#[cfg(not(feature = "blocking"))]
impl ClientBuilder {
    #[doc(hidden)]
    pub fn build_blocking(self) -> Result<(), Error>
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
    note = "add `grpc` and `gzip` to the features of centrifugo-api in Cargo.toml"
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
