mod api;
mod attempts;
#[cfg(feature = "_transport")]
mod shared;
mod text;

use std::time::Duration;

pub use api::ApiFailure;
pub use attempts::Attempts;
#[cfg(feature = "_transport")]
use text::hide;
use text::{body_part, hint_part, list, may_have_run, network_message};
pub(crate) use text::{cause, excerpt};

use crate::ApiError;
use crate::status::Status;

/// Why a call failed: the same variants over HTTP and gRPC.
///
/// Only [`Error::Config`], [`Error::InvalidRequest`], [`Error::Closed`], and errors for which [`Error::is_unsent`] holds are
/// certain to have changed nothing: after a timeout, a lost connection or an HTTP 500 without an API error the
/// call has often run on the server. Messages name the method and never contain a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client's configuration is wrong; the message names the option and the fix.
    #[error("{0}")]
    Config(String),

    /// The request cannot be written for the transport; nothing was sent.
    #[error("{0}")]
    InvalidRequest(String),

    /// The server could not be reached, or the connection was lost before the reply was complete.
    #[error("{method}: {}{}{attempts}", network_message(.url, *.unsent, *.elapsed), hint_part(.hint))]
    #[non_exhaustive]
    Network {
        /// The method that was called.
        method: &'static str,
        /// The server that was called.
        url: Box<str>,
        /// Whether the request was certainly never sent.
        unsent: bool,
        /// The time from the start of the call to the failure.
        elapsed: Duration,
        /// What to do about it; empty where nobody knows.
        hint: &'static str,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// How often the call was tried.
        attempts: Attempts,
    },

    /// The reply was not complete in time.
    #[error("{method}: no complete reply within {after:?}; {}{attempts}", may_have_run(*.unsent))]
    #[non_exhaustive]
    Timeout {
        /// The method that was called.
        method: &'static str,
        /// Whether the request was certainly never sent.
        unsent: bool,
        /// The time that the call was given.
        after: Duration,
        /// How often the call was tried.
        attempts: Attempts,
    },

    /// The server refused the API key, or its absence.
    #[error("{method}: the server refused the API key ({status}); {}", status.key_hint())]
    #[non_exhaustive]
    Unauthorized {
        /// The method that was called.
        method: &'static str,
        /// HTTP 401 or gRPC `Unauthenticated`.
        status: Status,
    },

    /// An answer of the server, or of something between, that is neither a reply nor an error of the API.
    #[error("{method}: the server answered {status}{}{}{attempts}", body_part(.body), hint_part(status.hint(.body)))]
    #[non_exhaustive]
    Transport {
        /// The method that was called.
        method: &'static str,
        /// The HTTP status or the gRPC code.
        status: Status,
        /// The start of the answer's body, or the gRPC message.
        body: String,
        /// How long the server asks to wait before another try.
        retry_after: Option<Duration>,
        /// How often the call was tried.
        attempts: Attempts,
    },

    /// A reply that does not have the shape that the schema gives it.
    #[error("{}{message}", method.map(|method| format!("{method}: ")).unwrap_or_default())]
    #[non_exhaustive]
    Decode {
        /// The method that was called; `None` when a payload was decoded.
        method: Option<&'static str>,
        /// What is wrong, and where.
        message: String,
        /// The decoder's error.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },

    /// Parts of a call failed, with errors of their own; the others succeeded.
    #[error("{method}: {} of {of} parts failed: {}", .failed.len(), list(.failed))]
    #[non_exhaustive]
    Parts {
        /// The method that was called.
        method: &'static str,
        /// What failed: the channel, and Centrifugo's error for it.
        failed: Vec<(String, ApiError)>,
        /// The number of all parts.
        of: usize,
    },

    /// Centrifugo carried the request out as far as it could and answered an error.
    #[error(transparent)]
    Api(ApiFailure),

    /// The client was closed, by `Client::close`; nothing was sent.
    #[error("{method}: the client was closed; nothing was sent")]
    #[non_exhaustive]
    Closed {
        /// The method that was called.
        method: &'static str,
    },
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(error.into())
    }
}

impl Error {
    /// Whether the reply was not complete in time.
    ///
    /// The call may have run on the server, unless [`is_unsent`](Self::is_unsent) holds.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Whether the server refused the API key. Check `api_key` against `http_api.key` or `grpc_api.key` of the
    /// server, which are two keys.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// Whether the server could not be reached or the connection was lost.
    ///
    /// The call may have run on the server, unless [`is_unsent`](Self::is_unsent) holds.
    #[must_use]
    pub fn is_network(&self) -> bool {
        matches!(self, Self::Network { .. })
    }

    /// Whether the request certainly never left, so that a repeat cannot do anything twice.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Config(_) | Self::InvalidRequest(_) | Self::Closed { .. } => true,
            Self::Network { unsent, .. } | Self::Timeout { unsent, .. } => *unsent,
            _ => false,
        }
    }

    /// Whether the same call may succeed later: lost connections, timeouts, overload, a server that restarts,
    /// Centrifugo's temporary errors.
    ///
    /// The call may have run all the same: before repeating one that is not a mere read, give it an idempotency
    /// key or see that [`is_unsent`](Self::is_unsent) holds.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Network { .. } | Self::Timeout { .. } => true,
            Self::Transport { status, .. } => status.is_temporary(),
            Self::Api(error) => error.is_temporary(),
            Self::Parts { failed, .. } => failed.iter().all(|(_, error)| error.is_temporary()),
            _ => false,
        }
    }

    /// The code of Centrifugo's own error, such as [`ApiError::UNKNOWN_CHANNEL`]; none for [`Error::Parts`], which
    /// has many.
    #[must_use]
    pub fn api_code(&self) -> Option<u32> {
        match self {
            Self::Api(error) => Some(error.code),
            _ => None,
        }
    }

    /// How often the call was tried: more than once where [`Retry`](crate::Retry) allowed it.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts_made().map_or(1, Attempts::count)
    }

    /// The idempotency key that [`Retry::idempotency_keys`](crate::Retry::idempotency_keys) made for the call: with it,
    /// it can be repeated later without publishing twice.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.attempts_made()?.idempotency_key()
    }

    fn attempts_made(&self) -> Option<&Attempts> {
        match self {
            Self::Network { attempts, .. }
            | Self::Timeout { attempts, .. }
            | Self::Transport { attempts, .. } => Some(attempts),
            Self::Api(failure) => Some(&failure.attempts),
            _ => None,
        }
    }
}

#[cfg(feature = "_transport")]
impl Error {
    /// Says how often the call was tried, and with which key. What the last try did not send, one before may have.
    pub(crate) fn after(mut self, made: Attempts, all_unsent: bool) -> Self {
        match &mut self {
            Self::Network {
                attempts, unsent, ..
            }
            | Self::Timeout {
                attempts, unsent, ..
            } => {
                *unsent &= all_unsent;
                *attempts = made;
            }
            Self::Transport { attempts, .. } => *attempts = made,
            Self::Api(failure) => failure.attempts = made,
            _ => {}
        }
        self
    }

    /// Hides a secret that the server sent back.
    pub(crate) fn without(mut self, secrets: &[String]) -> Self {
        for secret in secrets {
            match &mut self {
                Self::Transport { body, .. } => hide(body, secret),
                Self::Api(failure) => hide(failure.message_mut(), secret),
                Self::Decode {
                    message, source, ..
                } => {
                    hide(message, secret);
                    if source
                        .as_ref()
                        .is_some_and(|source| source.to_string().contains(secret))
                    {
                        *source = None;
                    }
                }
                _ => {}
            }
        }
        self
    }
}
