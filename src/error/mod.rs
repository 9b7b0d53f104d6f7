//! The errors of calls: one enum for both transports.

mod api_error;
mod attempts;
#[cfg(feature = "_transport")]
mod context;
mod effect;
#[cfg(feature = "_transport")]
mod progress;
mod status;
mod text;

use std::sync::Arc;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

pub use crate::api::method::InvalidRequest;
pub use api_error::ApiError;
pub use attempts::Attempts;
pub use effect::Effect;
#[cfg(feature = "_transport")]
pub(crate) use progress::Progress;
pub use status::Status;
use text::{body_part, closed_message, effect_text, hint_part, list, network_message, rounded};
pub(crate) use text::{decode_cause, excerpt};

/// The reason of [`Error::Network`] if the process could not open another file.
#[cfg(feature = "_transport")]
pub(crate) const OUT_OF_FILES: &str = "this process has too many open files";

/// The reason of [`Error::Network`] if the server said that it did not process the request.
pub(crate) const NOT_TAKEN: &str = "the server did not take the request";

/// The error of a lower layer, which clones of an [`enum@Error`] share.
pub(crate) type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Returns an error as a cause that can be shared.
#[cfg(feature = "_transport")]
pub(crate) fn cause(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Cause {
    Arc::from(error.into())
}

/// The reason why a call failed: the same variants over HTTP and gRPC.
///
/// Only errors for which [`Error::is_unsent`] holds are guaranteed to have had no effect; [`Error::effect`] says more.
/// After a timeout, a lost connection or an HTTP 500 without an API error the call may well have run on the server.
/// Texts name the method and never contain a key.
///
/// ```no_run
/// use centrifugo_api::{ApiError, Client, Error, HistoryRequest};
///
/// # async fn run(client: Client) -> Result<(), Error> {
/// match client.history(HistoryRequest::new("news").limit(10)).await {
///     Ok(history) => println!("{} publications", history.publications.len()),
///     Err(Error::Api(error)) if error.code == ApiError::NOT_AVAILABLE => println!("history is off: {error}"),
///     Err(error) if error.is_unauthorized() => println!("check the API key: {error}"),
///     Err(error) if error.is_retryable() => println!("try again later: {error}"),
///     Err(error) => return Err(error),
/// }
/// # Ok(()) }
/// ```
///
/// An error serializes as an object with `kind`, `message`, `retryable`, `unsent`, `attempts` and, where they are
/// known, `method` and `code`: for structured logs.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client's configuration is wrong; the text names the option and the fix.
    #[error("{0}")]
    Config(String),

    /// The request cannot be sent: it cannot be written for the transport, or every Centrifugo would refuse it.
    /// Nothing was sent.
    #[error("{0}")]
    InvalidRequest(InvalidRequest),

    /// The server could not be reached, or the connection was lost before the reply was complete.
    #[error("{method}: {}{}{attempts}", network_message(.url, .reason, *.effect, .attempts), hint_part(.hint))]
    #[non_exhaustive]
    Network {
        /// The method that was called.
        method: &'static str,
        /// The server that was called.
        url: Box<str>,
        /// The effect of the last attempt; [`Error::effect`] covers all attempts.
        effect: Effect,
        /// The time from the start of the call to the failure.
        elapsed: Duration,
        /// The reason in a few words, such as `connection refused`, or empty.
        reason: &'static str,
        /// A suggestion, or empty.
        hint: &'static str,
        /// The error of the layer below.
        source: Cause,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// The reply was not complete in time.
    #[error("{method}: no complete reply within {}; {}{attempts}", rounded(*.after), effect_text(.attempts.and(*.effect)))]
    #[non_exhaustive]
    Timeout {
        /// The method that was called.
        method: &'static str,
        /// The effect of the last attempt; [`Error::effect`] covers all attempts.
        effect: Effect,
        /// The time after which the call was given up: its timeout, or the time of the last attempt if that was shorter,
        /// such as `attempt_timeout` or `connect_timeout`.
        after: Duration,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// The server refused the API key, or requires one.
    #[error("{method}: the server refused the API key ({status}); {}{attempts}", status.key_hint())]
    #[non_exhaustive]
    Unauthorized {
        /// The method that was called.
        method: &'static str,
        /// HTTP 401 or gRPC `Unauthenticated`.
        status: Status,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// A response that is neither a reply nor an error of the API: from the server, or from a proxy in front of it.
    #[error("{method}: the server answered {status}{}{}{attempts}", body_part(.body), hint_part(status.hint(.body)))]
    #[non_exhaustive]
    Transport {
        /// The method that was called.
        method: &'static str,
        /// The HTTP status or the gRPC code.
        status: Status,
        /// The start of the response's body, or the gRPC message.
        body: String,
        /// The time that the server asks to wait before another attempt.
        retry_after: Option<Duration>,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// A reply that does not have the shape that the schema gives it.
    #[error("{}{message}{attempts}", method.map(|method| format!("{method}: ")).unwrap_or_default())]
    #[non_exhaustive]
    Decode {
        /// The method that was called; `None` if a payload was decoded.
        method: Option<&'static str>,
        /// A text that says what is wrong, and where.
        message: String,
        /// The decoder's error.
        source: Option<Cause>,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// Parts of a call failed, each with its own error; the other parts succeeded.
    #[error("{method}: {} of {of} parts failed: {}", .failed.len(), list(.method, .failed))]
    #[non_exhaustive]
    Partial {
        /// The method that was called.
        method: &'static str,
        /// The parts that failed, each a channel or a position, with Centrifugo's error.
        failed: Vec<(String, ApiError)>,
        /// The number of all parts.
        of: usize,
    },

    /// An error that Centrifugo returned.
    #[error(transparent)]
    Api(ApiError),

    /// The client was closed by `Client::close`.
    #[error("{method}: {}{attempts}", closed_message(.attempts))]
    #[non_exhaustive]
    Closed {
        /// The method that was called.
        method: &'static str,
        /// The attempts of the call; usually there was none.
        attempts: Attempts,
    },

    /// An attempt after the first one, or a later request of a call that was split, could not be made because of a
    /// configuration that has changed meanwhile, such as an API key that no header can carry.
    #[error("{method}: {reason}; {}{attempts}", effect_text(.attempts.and(Effect::MayHaveRun)))]
    #[non_exhaustive]
    Interrupted {
        /// The method that was called.
        method: &'static str,
        /// A text that says what is wrong.
        reason: String,
        /// The attempts of the call.
        attempts: Attempts,
    },
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// # Questions that every caller has
impl Error {
    /// Returns whether the reply was not complete in time.
    ///
    /// The call may have run on the server, unless [`is_unsent`](Self::is_unsent) holds.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Returns whether the server refused the API key. Compare `api_key` with `http_api.key` or `grpc_api.key` of the
    /// server, which are separate keys.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// Returns whether the server could not be reached or the connection was lost.
    ///
    /// The call may have run on the server, unless [`is_unsent`](Self::is_unsent) holds.
    #[must_use]
    pub fn is_network(&self) -> bool {
        matches!(self, Self::Network { .. })
    }

    /// Returns whether the call certainly did not run, so that sending it again cannot have a double effect: nothing
    /// was sent, or the server said that it did not process the request. That holds for all attempts and all parts of
    /// the call.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        self.effect().is_unsent()
    }

    /// Returns what the call did on the server: the effects of all its attempts and parts together.
    #[must_use]
    pub fn effect(&self) -> Effect {
        let last = match self {
            Self::Config(_)
            | Self::InvalidRequest(_)
            | Self::Closed { .. }
            | Self::Unauthorized { .. } => Effect::Unsent,
            Self::Network { effect, .. } | Self::Timeout { effect, .. } => *effect,
            Self::Transport { .. } | Self::Api(_) | Self::Interrupted { .. } => Effect::MayHaveRun,
            Self::Decode { .. } | Self::Partial { .. } => Effect::Ran,
        };
        match self.attempts_made() {
            Some(attempts) => attempts.and(last),
            None => last,
        }
    }

    /// Returns whether the same call may succeed later: after lost connections, timeouts, overload, a restart of the
    /// server, and Centrifugo's temporary errors.
    ///
    /// The call may have run all the same. Before you send it again, unless it only reads, give it an idempotency key
    /// or check that [`is_unsent`](Self::is_unsent) holds.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Network { .. } | Self::Timeout { .. } => true,
            Self::Transport {
                status,
                retry_after,
                ..
            } => status.is_temporary(*retry_after),
            Self::Api(error) => error.is_temporary(),
            Self::Partial { failed, .. } => failed.iter().all(|(_, error)| error.is_temporary()),
            _ => false,
        }
    }

    /// Returns whether the server does not have the method: it is older, or not Centrifugo PRO.
    ///
    /// That is HTTP 404, which a wrong path in the client's URL causes too, gRPC `Unimplemented`, and error 104.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::Transport { status, .. } => status.is_unsupported(),
            Self::Api(error) => error.code == ApiError::NOT_FOUND,
            _ => false,
        }
    }

    /// Returns the code of Centrifugo's error, such as [`ApiError::UNKNOWN_CHANNEL`]; `None` for [`Error::Partial`],
    /// which has many.
    ///
    /// An [`Error::InvalidRequest`] that every Centrifugo would refuse has the code that the server would return,
    /// 107.
    #[must_use]
    pub fn api_code(&self) -> Option<u32> {
        match self {
            Self::Api(error) => Some(error.code),
            Self::InvalidRequest(error) => error.api_code(),
            _ => None,
        }
    }

    /// Returns the method that was called, if the error has it.
    #[must_use]
    pub fn method(&self) -> Option<&'static str> {
        match self {
            Self::Config(_) => None,
            Self::InvalidRequest(error) => error.method(),
            Self::Network { method, .. }
            | Self::Timeout { method, .. }
            | Self::Unauthorized { method, .. }
            | Self::Transport { method, .. }
            | Self::Partial { method, .. }
            | Self::Closed { method, .. }
            | Self::Interrupted { method, .. } => Some(method),
            Self::Decode { method, .. } => *method,
            Self::Api(error) => error.method(),
        }
    }

    /// Returns the number of attempts of the call: more than one where [`Retry`](crate::Retry) allowed it.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts_made().map_or(1, Attempts::count)
    }

    /// Returns the idempotency key of the call: its own, or the one that
    /// [`Retry::idempotency_keys`](crate::Retry::idempotency_keys) generated. With it, the call can be sent again
    /// within 5 minutes without publishing twice (Centrifugo 5.2 and later).
    ///
    /// `None` for a batch of several commands, which have keys of their own:
    /// [`idempotency_keys`](Self::idempotency_keys).
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        match self {
            Self::Partial { failed, .. } => {
                let mut keys = failed.iter().map(|(_, error)| error.idempotency_key());
                let first = keys.next()??;
                keys.all(|key| key == Some(first)).then_some(first)
            }
            _ => self.attempts_made()?.idempotency_key(),
        }
    }

    /// Returns the idempotency key of each command of a batch, in the order of the commands; `None` for a command
    /// without a key. Empty if no command has one. To send the batch again, give each command its key.
    ///
    /// A single call has one key, or none. [`Error::Partial`] has the keys of the parts that failed.
    #[must_use]
    pub fn idempotency_keys(&self) -> Vec<Option<&str>> {
        if let Self::Partial { failed, .. } = self {
            let keys = failed.iter().map(|(_, error)| error.idempotency_key());
            return keys.collect();
        }
        let keys = self
            .attempts_made()
            .map_or(&[][..], Attempts::idempotency_keys);
        keys.iter().map(Option::as_deref).collect()
    }

    fn attempts_made(&self) -> Option<&Attempts> {
        match self {
            Self::Network { attempts, .. }
            | Self::Timeout { attempts, .. }
            | Self::Unauthorized { attempts, .. }
            | Self::Transport { attempts, .. }
            | Self::Decode { attempts, .. }
            | Self::Closed { attempts, .. }
            | Self::Interrupted { attempts, .. } => Some(attempts),
            Self::Api(error) => error.attempts(),
            Self::Config(_) | Self::InvalidRequest(_) | Self::Partial { .. } => None,
        }
    }

    /// Returns whether the process itself is at fault, and no server: it has too many open files.
    #[cfg(feature = "_transport")]
    pub(crate) fn is_of_this_process(&self) -> bool {
        matches!(self, Self::Network { reason, .. } if *reason == OUT_OF_FILES)
    }

    /// Returns the name of the variant, as it is serialized.
    fn kind(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Network { .. } => "network",
            Self::Timeout { .. } => "timeout",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Transport { .. } => "transport",
            Self::Decode { .. } => "decode",
            Self::Partial { .. } => "partial",
            Self::Api(_) => "api",
            Self::Closed { .. } => "closed",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = serializer.serialize_struct("Error", 7)?;
        error.serialize_field("kind", self.kind())?;
        error.serialize_field("message", &self.to_string())?;
        error.serialize_field("retryable", &self.is_retryable())?;
        error.serialize_field("unsent", &self.is_unsent())?;
        error.serialize_field("attempts", &self.attempts())?;
        match self.method() {
            Some(method) => error.serialize_field("method", method)?,
            None => error.skip_field("method")?,
        }
        match self.api_code() {
            Some(code) => error.serialize_field("code", &code)?,
            None => error.skip_field("code")?,
        }
        error.end()
    }
}
