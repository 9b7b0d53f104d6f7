//! Facts and rules of connecting that both transports share.

#[cfg_attr(not(feature = "http"), allow(dead_code))]
mod dials;
#[cfg_attr(not(any(feature = "grpc", feature = "http")), allow(dead_code))]
mod names;
#[cfg(feature = "grpc")]
mod race;
#[cfg(feature = "grpc")]
mod tcp;

pub(crate) use dials::Dials;
pub(crate) use names::Names;
#[cfg(feature = "grpc")]
pub(crate) use race::{Failures, race};
#[cfg(feature = "grpc")]
pub(crate) use tcp::set_options;
