//! The stand-in for TLS when no feature for TLS is on: there is nothing to configure.

use std::error::Error as StdError;

use crate::error::Error;

/// The options of the builder: none.
#[derive(Default)]
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
