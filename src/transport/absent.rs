//! The stand-in for a transport whose feature is off: it can never be created.

use std::convert::Infallible;

use bytes::Bytes;

use super::{OutgoingRequest, OwnConnections, Route, TransportConfig};
use crate::error::Error;

/// A transport that does not exist.
pub(super) struct Absent(Infallible);

impl Absent {
    pub(super) fn new(config: TransportConfig, _own: OwnConnections) -> Result<Self, Error> {
        let url = config.url;
        Err(Error::Config(format!(
            "url `{url}`: its transport is not compiled in"
        )))
    }

    #[allow(clippy::unused_async)]
    pub(super) async fn send(
        &self,
        _route: &Route<'_>,
        _request: &OutgoingRequest<'_>,
    ) -> Result<Bytes, Error> {
        match self.0 {}
    }
}
