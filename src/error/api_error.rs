//! Centrifugo's own errors.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::text::{bounded, hint_part, missing_method};
use super::{Attempts, Effect};
use crate::api;

/// An error that Centrifugo returned: for a call, for a command of a batch, or for a channel of a broadcast.
///
/// ```
/// use centrifugo_api::ApiError;
///
/// fn explain(error: &ApiError) -> &'static str {
///     match error.code {
///         ApiError::NOT_AVAILABLE => "presence is off for this channel",
///         ApiError::UNKNOWN_CHANNEL => "the channel's namespace is not configured",
///         _ if error.is_temporary() => "try again later",
///         _ => "the request is wrong",
///     }
/// }
///
/// assert_eq!(explain(&ApiError::new(111, "too many requests")), "try again later");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// The code. Newer servers may add codes.
    pub code: u32,
    /// Centrifugo's text.
    pub message: String,
    /// True if the server said that the error is temporary (Centrifugo 6.10 and later);
    /// [`is_temporary`](Self::is_temporary) also knows the codes of older servers.
    pub temporary: bool,
    context: Option<Box<Context>>,
}

/// The call that an error belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
struct Context {
    method: Option<&'static str>,
    channel: Option<Box<str>>,
    attempts: Attempts,
}

/// # Codes
impl ApiError {
    /// 100: an internal error of the server, usually temporary. Up to Centrifugo 6.9 also some refused requests.
    pub const INTERNAL: u32 = 100;
    /// 102: the channel's namespace is not configured.
    pub const UNKNOWN_CHANNEL: u32 = 102;
    /// 104: in a batch, a method that the server does not have, such as those of Centrifugo PRO on the open-source
    /// server; an `rpc` without a proxy that handles it.
    pub const NOT_FOUND: u32 = 104;
    /// 107: the request lacks something, or contradicts itself.
    pub const BAD_REQUEST: u32 = 107;
    /// 108: the feature, such as history or presence, is off for the channel.
    pub const NOT_AVAILABLE: u32 = 108;
    /// 111: too many requests; temporary.
    pub const TOO_MANY_REQUESTS: u32 = 111;
    /// 112: the stream no longer has the requested position, because its epoch has changed.
    pub const UNRECOVERABLE_POSITION: u32 = 112;
    /// 113: the request conflicts with the current state.
    pub const CONFLICT: u32 = 113;
}

impl ApiError {
    /// Creates an error, for tests and for handlers of the test server.
    #[must_use]
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            temporary: false,
            context: None,
        }
    }

    /// Returns the method that was called; `None` for an error that no call returned.
    #[must_use]
    pub fn method(&self) -> Option<&'static str> {
        self.context.as_ref()?.method
    }

    /// Returns the channel that the request, or its failed part, was about.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.context.as_ref()?.channel.as_deref()
    }

    /// Returns whether the error may pass: the server said so (Centrifugo 6.10 and later), or the code is 100 or 111.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.temporary || matches!(self.code, Self::INTERNAL | Self::TOO_MANY_REQUESTS)
    }

    /// Returns the idempotency key of the call, of the command of a batch, or of the broadcast whose channel failed.
    /// With it, the failed call, command or channel can be sent again without publishing twice.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.attempts()?.idempotency_key()
    }

    pub(crate) fn attempts(&self) -> Option<&Attempts> {
        Some(&self.context.as_ref()?.attempts)
    }

    /// Returns the error with the method that returned it.
    pub(crate) fn of(mut self, method: &'static str) -> Self {
        self.context_mut().method = Some(method);
        self
    }

    /// Returns the error with the channel that it is about.
    pub(crate) fn about(mut self, channel: Option<&str>) -> Self {
        if let Some(channel) = channel.filter(|channel| !channel.is_empty()) {
            self.context_mut().channel = Some(channel.into());
        }
        self
    }

    /// Returns the error with the idempotency key of the part of a call that failed.
    pub(crate) fn with_key(mut self, key: Option<&str>) -> Self {
        if let Some(key) = key {
            self.context_mut()
                .attempts
                .set_keys(vec![Some(key.to_owned())]);
        }
        self
    }

    /// Replaces the attempts, and keeps the idempotency keys.
    pub(crate) fn set_attempts(&mut self, attempts: Attempts) {
        self.context_mut().attempts.replace(attempts);
    }

    /// Returns the attempts, to be changed.
    #[cfg(feature = "_transport")]
    pub(super) fn attempts_mut(&mut self) -> Option<&mut Attempts> {
        Some(&mut self.context_mut().attempts)
    }

    fn context_mut(&mut self) -> &mut Context {
        self.context.get_or_insert_default()
    }

    /// Returns the usual meaning of the code, and what to do.
    fn hint(&self) -> String {
        if self.code == Self::UNKNOWN_CHANNEL
            && let Some(channel) = self.channel()
        {
            return format!("the namespace of channel `{channel}` is not configured");
        }
        if self.code == Self::NOT_FOUND {
            return missing_method(self.method().unwrap_or_default());
        }
        let hint = match self.code {
            Self::UNKNOWN_CHANNEL => "the channel's namespace is not configured",
            Self::BAD_REQUEST => "the request lacks something, or contradicts itself",
            Self::NOT_AVAILABLE => {
                "the feature is off for the channel's namespace: history needs history_size and history_ttl there, \
                 presence needs presence"
            }
            Self::UNRECOVERABLE_POSITION => "the stream's epoch has changed",
            _ => "",
        };
        hint.to_owned()
    }
}

impl From<api::Error> for ApiError {
    fn from(error: api::Error) -> Self {
        let temporary = error.says_temporary();
        Self {
            temporary,
            ..Self::new(error.code, bounded(error.message))
        }
    }
}

impl From<ApiError> for api::Error {
    fn from(error: ApiError) -> Self {
        let mut message = Self::new(error.code, error.message);
        message.say_temporary(error.temporary);
        message
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = self.method() {
            write!(formatter, "{method}: ")?;
        }
        let hint = hint_part(&self.hint());
        let code = self.code;
        let message = &self.message;
        // The connections of `centrifugo-api-testing` end with such codes.
        if (3000..5000).contains(&code) {
            write!(
                formatter,
                "Centrifugo ended the connection with code {code}: {message}{hint}"
            )?;
        } else {
            write!(
                formatter,
                "Centrifugo returned error {code}: {message}{hint}"
            )?;
        }
        let Some(attempts) = self.attempts() else {
            return Ok(());
        };
        if attempts.and(Effect::Unsent) == Effect::MayHaveRun {
            formatter.write_str("; an attempt without a reply may have run")?;
        }
        attempts.fmt(formatter)
    }
}

impl std::error::Error for ApiError {}

/// Serializes as `{"code", "message", "temporary", "method", "channel"}`; the last two are left out if they are
/// unknown.
impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = serializer.serialize_struct("ApiError", 5)?;
        error.serialize_field("code", &self.code)?;
        error.serialize_field("message", &self.message)?;
        error.serialize_field("temporary", &self.is_temporary())?;
        match self.method() {
            Some(method) => error.serialize_field("method", method)?,
            None => error.skip_field("method")?,
        }
        match self.channel() {
            Some(channel) => error.serialize_field("channel", channel)?,
            None => error.skip_field("channel")?,
        }
        error.end()
    }
}
