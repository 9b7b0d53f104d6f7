//! The releases of Centrifugo whose behaviour the server can have.

use centrifugo_api::ApiError;

use crate::errors::{bad_request, internal};

/// A release line of Centrifugo, whose behaviour the server has; see
/// [`ServerBuilder::release`](crate::ServerBuilder::release).
///
/// | call | [`V6_9`](Self::V6_9) | [`V6_10`](Self::V6_10) |
/// |---|---|---|
/// | any that fails with 100 or 111 | `temporary` is not in the reply | `temporary` is true |
/// | `subscribe` of a client that is subscribed already, or that expires in the past | error 100 | error 107 |
/// | `history` in reverse since offset 0 | error 100 | error 107 |
/// | `unsubscribe` without a channel | succeeds and does nothing | error 107 |
/// | `broadcast` of data that the namespace of a channel does not take | error 107 for that channel | error 107 for the whole call; nothing is published |
/// | `map_publish`, `shared_poll_publish` of data that `publication_data_format` does not allow | succeed | error 107 |
/// | `info` | version 6.9.1 | version 6.10.0 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Release {
    /// Centrifugo 6.9; the server is compared with a real 6.9.1.
    #[default]
    V6_9,
    /// Centrifugo 6.10, as its release notes describe it: the server was not compared with a real one.
    V6_10,
}

impl Release {
    /// Returns the version that the server reports.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::V6_9 => "6.9.1 OSS",
            Self::V6_10 => "6.10.0 OSS",
        }
    }

    /// Returns the error of a request that can never succeed, where 6.9 has an internal error.
    pub(crate) fn refusal(self) -> ApiError {
        match self {
            Self::V6_9 => internal(),
            Self::V6_10 => bad_request(),
        }
    }

    /// Returns an error as the release sends it.
    pub(crate) fn sent(self, mut error: ApiError) -> ApiError {
        error.temporary = self == Self::V6_10 && error.is_temporary();
        error
    }
}
