//! The errors of calls: one enum for both transports.

mod api_error;
mod attempts;
#[cfg(feature = "_transport")]
mod context;
mod effect;
#[cfg(feature = "_transport")]
mod progress;
mod questions;
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
use text::{
    body_part, closed_message, effect_text, hint_part, list, network_message, status_hint,
    timeout_message,
};
pub(crate) use text::{decode_cause, excerpt, rounded};
#[cfg(feature = "_transport")]
pub(crate) use text::{hide, with_start};

/// The reason of [`Error::Network`] if the process could not open another file.
#[cfg(feature = "_transport")]
pub(crate) const OUT_OF_FILES: &str = "this process has too many open files";

/// The reason of [`Error::Network`] if the server said that it did not process the request.
pub(crate) const NOT_TAKEN: &str = "the server did not take the request";

/// The reason of [`Error::Network`] if a transport of the user's own failed and its error gives no other.
pub(crate) const SERVICE_FAILED: &str = "the transport returned an error";

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
    #[error("{method}: {}{attempts}", timeout_message(.method, *.after, .proxy, .attempts.and(*.effect)))]
    #[non_exhaustive]
    Timeout {
        /// The method that was called.
        method: &'static str,
        /// The effect of the last attempt; [`Error::effect`] covers all attempts.
        effect: Effect,
        /// The time after which the call was given up: its timeout, or the time of the last attempt if that was shorter,
        /// such as `attempt_timeout` or `connect_timeout`.
        after: Duration,
        /// The proxy that the call went through, without its credentials.
        proxy: Option<Box<str>>,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// The server refused the API key or the bearer token, or requires one.
    #[error("{method}: the server refused the API key or token ({status}); {}{attempts}", status.key_hint())]
    #[non_exhaustive]
    Unauthorized {
        /// The method that was called.
        method: &'static str,
        /// HTTP 401 or gRPC `Unauthenticated`.
        status: Status,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// There is no API key or bearer token: its provider failed, did not return in time, or returned one that no header
    /// can carry. The last attempt was not sent.
    #[error("{method}: {reason}; {}{attempts}", effect_text(.attempts.and(Effect::Unsent)))]
    #[non_exhaustive]
    Credentials {
        /// The method that was called.
        method: &'static str,
        /// A text that names the provider and says what is wrong.
        reason: String,
        /// The attempts of the call.
        attempts: Attempts,
    },

    /// A response that is neither a reply nor an error of the API: from the server, or from a proxy in front of it.
    #[error("{method}: the server answered {status}{}{}{attempts}", body_part(.body), hint_part(&status_hint(.method, *.status, .body)))]
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

    /// The server was not ready in time: see `Client::wait_until_ready`.
    #[error("the server was not ready within {} ({attempts} attempts): {last}", rounded(*.after))]
    #[non_exhaustive]
    NotReady {
        /// The time after which waiting was given up.
        after: Duration,
        /// The number of questions to the server.
        attempts: u32,
        /// The error that was the reason to wait, the last time.
        last: Box<Error>,
        /// The cause of the last error.
        source: Option<Cause>,
    },

    /// An attempt after the first one, or a later request of a call that was split, could not be made because of a
    /// configuration that has changed meanwhile, such as options of the process that no longer fit.
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

impl Error {
    /// Returns the name of the variant, as it is serialized.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Network { .. } => "network",
            Self::Timeout { .. } => "timeout",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Credentials { .. } => "credentials",
            Self::Transport { .. } => "transport",
            Self::Decode { .. } => "decode",
            Self::Partial { .. } => "partial",
            Self::Api(_) => "api",
            Self::Closed { .. } => "closed",
            Self::Interrupted { .. } => "interrupted",
            Self::NotReady { .. } => "not_ready",
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
