//! The version of the server, and the client's behaviour with older ones.

use super::ClientBuilder;
use crate::call::version_numbers;
use crate::error::Error;

/// The first version that honours idempotency keys.
const WITH_KEYS: (u32, u32) = (5, 2);

impl ClientBuilder {
    /// Tells the version of the server, such as `5.1`; of several servers, the oldest one.
    ///
    /// Centrifugo honours idempotency keys since version 5.2. For an older one the client does not retry a call that
    /// may have run because of its key, and [`Retry::idempotency_keys`](crate::Retry::idempotency_keys) generates
    /// none. By default the client expects a server that honours keys, except with `legacy_commands`, the endpoint of
    /// Centrifugo v2 to v4.
    pub fn server_version(mut self, version: impl Into<String>) -> Self {
        self.server_version = Some(version.into());
        self
    }

    /// Returns whether the server honours idempotency keys.
    pub(super) fn honours_keys(&self) -> Result<bool, Error> {
        let Some(version) = &self.server_version else {
            return Ok(!self.legacy_commands);
        };
        match version_numbers(version) {
            Some((major, minor, _)) => Ok((major, minor) >= WITH_KEYS),
            None => Err(Error::Config(format!(
                "server_version `{version}` is not a version: give its first two numbers, such as 5.1"
            ))),
        }
    }
}
