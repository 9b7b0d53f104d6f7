//! TLS, configured once for both transports.

#[cfg(not(feature = "tls"))]
mod disabled;
#[cfg(feature = "tls")]
mod enabled;
#[cfg(feature = "tls")]
mod verifiers;

#[cfg(not(feature = "tls"))]
pub(crate) use disabled::{Handshakes, Options, Tls, hint};
#[cfg(feature = "tls")]
pub(crate) use enabled::{Handshakes, Options, Tls, hint};
