//! Fuzz targets: responses that are not replies, as servers and proxies can send them.

#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "service")]
mod http;

use super::Route;
use crate::api::messages::InfoRequest;

/// Returns the route of any method.
fn route() -> Route<'static> {
    Route::of::<InfoRequest>()
}
