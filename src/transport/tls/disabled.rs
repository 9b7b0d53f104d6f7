//! The stand-in for TLS when no feature for TLS is on: there is nothing to configure.

use std::error::Error as StdError;
#[cfg(any(feature = "grpc", feature = "hyper"))]
use std::io;

use crate::error::Error;
#[cfg(any(feature = "grpc", feature = "hyper"))]
use crate::transport::TransportConfig;

/// The options of the builder: none.
#[derive(Default)]
// Not outside of tests: it has secrets.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Options {}

impl Options {
    #[allow(clippy::unused_self)]
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        None
    }
}

#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) handshakes: Handshakes,
}

impl Tls {
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) fn new(_options: &Options, _needed: bool) -> Result<Self, Error> {
        Ok(Self {
            handshakes: Handshakes,
        })
    }
}

#[derive(Clone)]
pub(crate) struct Handshakes;

impl Handshakes {
    #[allow(clippy::unused_self)]
    pub(crate) fn hint(&self) -> &'static str {
        ""
    }
}

pub(crate) fn hint(_error: &(dyn StdError + 'static)) -> &'static str {
    ""
}

/// The client's side of handshakes: there are none.
#[cfg(any(feature = "grpc", feature = "hyper"))]
pub(crate) struct Connector(std::convert::Infallible);

#[cfg(any(feature = "grpc", feature = "hyper"))]
impl Connector {
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) fn new(_config: &TransportConfig, _protocol: &str) -> Result<Option<Self>, Error> {
        Ok(None)
    }

    #[cfg(feature = "hyper")]
    pub(crate) fn of_host(
        config: &TransportConfig,
        _host: &str,
        _protocol: &str,
    ) -> Result<Self, Error> {
        Err(Error::Config(format!(
            "url `{}`: its proxy needs the feature `tls` of centrifugo-api",
            config.url
        )))
    }

    #[allow(clippy::unused_async)]
    pub(crate) async fn connect<S>(&self, _socket: S) -> io::Result<S> {
        match self.0 {}
    }
}

/// Returns false: without TLS it is not the reason of a failure.
pub(crate) fn is_lasting(_error: &(dyn StdError + 'static)) -> bool {
    false
}
