//! TLS, configured once for both transports.

#[cfg(any(feature = "grpc", feature = "hyper"))]
#[cfg(feature = "_tls")]
mod connector;
#[cfg(not(feature = "_tls"))]
mod disabled;
#[cfg(feature = "_tls")]
mod enabled;
#[cfg(feature = "_tls")]
mod provider;
#[cfg(any(feature = "_tls", feature = "http"))]
mod unused;
#[cfg(feature = "_tls")]
mod verifiers;

#[cfg(any(feature = "grpc", feature = "hyper"))]
#[cfg(feature = "_tls")]
pub(crate) use connector::Connector;
#[cfg(any(feature = "grpc", feature = "hyper"))]
#[cfg(not(feature = "_tls"))]
pub(crate) use disabled::Connector;
#[cfg(not(feature = "_tls"))]
pub(crate) use disabled::{Handshakes, Options, Tls, hint, is_lasting};
#[cfg(feature = "_tls")]
pub(crate) use enabled::{
    Handshakes, Options, Tls, check_certificates, check_identity, hint, is_lasting,
};
#[cfg(all(feature = "http", not(feature = "_tls")))]
pub(crate) use unused::unused_config;
