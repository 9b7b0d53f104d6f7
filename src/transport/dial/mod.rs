//! Facts and rules of connecting that both transports share.

#[cfg(any(feature = "grpc", feature = "hyper"))]
mod dialer;
#[cfg_attr(not(feature = "http"), allow(dead_code))]
mod dials;
#[cfg_attr(not(any(feature = "grpc", feature = "_http")), allow(dead_code))]
mod names;
#[cfg(any(feature = "grpc", feature = "hyper"))]
mod race;
#[cfg(any(feature = "grpc", feature = "hyper"))]
mod tcp;

#[cfg(any(feature = "grpc", feature = "hyper"))]
pub(crate) use dialer::{Connected, DialError, Dialer, Socket};
#[cfg(feature = "hyper")]
pub(crate) use dialer::{Passage, Passing};
pub(crate) use dials::Dials;
pub(crate) use names::Names;
#[cfg(any(feature = "grpc", feature = "hyper"))]
use race::{Failures, race};
#[cfg(any(feature = "grpc", feature = "hyper"))]
use tcp::set_options;
