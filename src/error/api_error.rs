use std::fmt;
use std::ops::Deref;

use super::Attempts;
use super::text::hint_part;
use crate::ApiError;

/// The error that Centrifugo answered to a call: an [`ApiError`], with the method and how often it was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiFailure {
    error: ApiError,
    method: Option<&'static str>,
    pub(super) attempts: Attempts,
}

impl ApiFailure {
    #[cfg(feature = "_transport")]
    pub(crate) fn new(method: &'static str, error: ApiError) -> Self {
        Self {
            error,
            method: Some(method),
            attempts: Attempts::default(),
        }
    }

    /// The method that was called; `None` where the error is that of a part, such as a channel of a broadcast.
    #[must_use]
    pub fn method(&self) -> Option<&'static str> {
        self.method
    }

    /// The schema's error.
    #[must_use]
    pub fn into_error(self) -> ApiError {
        self.error
    }

    #[cfg(feature = "_transport")]
    pub(super) fn message_mut(&mut self) -> &mut String {
        &mut self.error.message
    }
}

impl Deref for ApiFailure {
    type Target = ApiError;

    fn deref(&self) -> &ApiError {
        &self.error
    }
}

impl From<ApiError> for ApiFailure {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            method: None,
            attempts: Attempts::default(),
        }
    }
}

impl fmt::Display for ApiFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = self.method {
            write!(formatter, "{method}: ")?;
        }
        write!(formatter, "{}{}", self.error, self.attempts)
    }
}

/// Errors that Centrifugo answers. Newer servers may add codes.
impl ApiError {
    /// 100: an internal error of the server; mostly temporary.
    pub const INTERNAL: u32 = 100;
    /// 102: the channel's namespace is not configured.
    pub const UNKNOWN_CHANNEL: u32 = 102;
    /// 104: in a batch, a method that the server lacks, which all of Centrifugo PRO's are on the open-source
    /// server; an `rpc` without a proxy that answers it.
    pub const NOT_FOUND: u32 = 104;
    /// 107: something is missing from the request, or contradicts.
    pub const BAD_REQUEST: u32 = 107;
    /// 108: the feature, such as history or presence, is off for the channel.
    pub const NOT_AVAILABLE: u32 = 108;
    /// 111: too many requests; temporary.
    pub const TOO_MANY_REQUESTS: u32 = 111;
    /// 112: the stream no longer has the position asked for: its epoch has changed.
    pub const UNRECOVERABLE_POSITION: u32 = 112;
    /// 113: the request conflicts with the state that it is about.
    pub const CONFLICT: u32 = 113;

    /// Whether Centrifugo takes the error for one that passes: by its code, or because it says so (6.10 and
    /// later, where the schema that the crate was built from has `Error.temporary`).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.says_temporary() || matches!(self.code, Self::INTERNAL | Self::TOO_MANY_REQUESTS)
    }
}

/// A function of its own, since a schema may give the message a field of any name.
fn api_hint(code: u32) -> &'static str {
    match code {
        ApiError::UNKNOWN_CHANNEL => "the channel's namespace is not configured",
        ApiError::NOT_FOUND => "the server lacks the method: it is older, or not Centrifugo PRO",
        ApiError::BAD_REQUEST => "something is missing from the request, or contradicts",
        ApiError::NOT_AVAILABLE => {
            "the feature is off for the channel's namespace: history needs history_size and history_ttl there, \
             presence needs presence"
        }
        ApiError::UNRECOVERABLE_POSITION => "the stream's epoch has changed",
        _ => "",
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Centrifugo answered error {}: {}{}",
            self.code,
            self.message,
            hint_part(api_hint(self.code))
        )
    }
}

impl std::error::Error for ApiError {}
