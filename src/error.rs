use std::time::Duration;

use crate::ApiError;
use crate::status::Status;

/// Why a call failed: the same variants over HTTP and gRPC.
///
/// Only [`Error::Config`], [`Error::InvalidRequest`], and errors for which [`Error::is_unsent`] holds are
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
    #[error("{method}: {}", network_message(.url, *.unsent, *.elapsed))]
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
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The reply was not complete in time.
    #[error("{method}: no complete reply within {after:?}; {}", may_have_run(*.unsent))]
    #[non_exhaustive]
    Timeout {
        /// The method that was called.
        method: &'static str,
        /// Whether the request was certainly never sent.
        unsent: bool,
        /// The time that the call was given.
        after: Duration,
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
    #[error("{method}: the server answered {status}{}{}", body_part(.body), hint_part(status.hint()))]
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
    Api(#[from] ApiError),
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
            Self::Config(_) | Self::InvalidRequest(_) => true,
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
}

/// Centrifugo 6.5 and later cut the connection of a call that takes longer.
const SERVER_CUTS_AFTER: Duration = Duration::from_secs(10);

fn network_message(url: &str, unsent: bool, elapsed: Duration) -> String {
    let cut = match elapsed >= SERVER_CUTS_AFTER {
        true => " (Centrifugo 6.5 and later cut replies that take longer than 10 s over HTTP)",
        false => "",
    };
    match unsent {
        true => format!("cannot connect to {url}; nothing was sent"),
        false => {
            format!(
                "the connection to {url} was lost before the reply was complete; the call may have run{cut}"
            )
        }
    }
}

fn may_have_run(unsent: bool) -> &'static str {
    match unsent {
        true => "nothing was sent",
        false => "the call may have run",
    }
}

/// The first failed parts, with their errors.
fn list(failed: &[(String, ApiError)]) -> String {
    const SHOWN: usize = 5;
    let mut parts: Vec<String> =
        failed.iter().take(SHOWN).map(|(name, error)| format!("`{name}`: {error}")).collect();
    if failed.len() > SHOWN {
        parts.push(format!("and {} more", failed.len() - SHOWN));
    }
    parts.join("; ")
}

fn body_part(body: &str) -> String {
    match body.trim() {
        "" => String::new(),
        body => format!(": {body}"),
    }
}

fn hint_part(hint: &str) -> String {
    match hint {
        "" => String::new(),
        hint => format!(" ({hint})"),
    }
}

#[cfg(any(feature = "grpc", feature = "http"))]
impl Error {
    /// Hides a secret that the server sent back.
    pub(crate) fn without(mut self, secrets: &[String]) -> Self {
        for secret in secrets {
            match &mut self {
                Self::Transport { body, .. } => hide(body, secret),
                Self::Api(error) => hide(&mut error.message, secret),
                Self::Decode { message, source, .. } => {
                    hide(message, secret);
                    if source.as_ref().is_some_and(|source| source.to_string().contains(secret)) {
                        *source = None;
                    }
                }
                _ => {}
            }
        }
        self
    }
}

/// Replaces a secret, also where an excerpt ends within it.
#[cfg(any(feature = "grpc", feature = "http"))]
fn hide(text: &mut String, secret: &str) {
    if text.contains(secret) {
        *text = text.replace(secret, "[secret]");
    }
    for end in (4..secret.len()).rev() {
        let cut = format!("{}…", &secret[..end]);
        if text.contains(&cut) {
            *text = text.replace(&cut, "…");
        }
    }
}

/// The start of a body or a payload, for a message.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const LIMIT: usize = 200;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LIMIT)]);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match bytes.len() > LIMIT {
        true => text + "…",
        false => text,
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

impl std::fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
