//! The context that a call adds to its errors: the attempts, and the method. It also hides secrets in them.

use std::error::Error as StdError;
use std::time::Duration;

use super::text::hide;
use super::{Attempts, Cause, Error, cause};

impl Error {
    /// Returns the error with the attempts of its call, which took `took`, and whose `timeout` is over if it is given.
    pub(crate) fn after(
        mut self,
        made: Attempts,
        took: Duration,
        timeout: Option<Duration>,
    ) -> Self {
        match &mut self {
            Self::Network { elapsed, .. } => *elapsed = took,
            Self::Timeout { after, .. } => *after = timeout.unwrap_or(*after),
            _ => {}
        }
        if let Some(attempts) = self.attempts_mut() {
            attempts.replace(made);
        }
        self
    }

    /// Returns the error with the idempotency keys that its call was made with.
    pub(crate) fn with_keys(mut self, keys: Vec<Option<String>>) -> Self {
        if keys.iter().any(Option::is_some)
            && let Some(attempts) = self.attempts_mut()
        {
            attempts.set_keys(keys);
        }
        self
    }

    /// Returns the error with the id that its request was sent with.
    pub(crate) fn with_request_id(mut self, id: Option<&str>) -> Self {
        if let Some(id) = id
            && let Some(attempts) = self.attempts_mut()
        {
            attempts.set_request_id(id);
        }
        self
    }

    /// Returns the error with the version of the oldest node, if it is known.
    pub(crate) fn on_version(mut self, version: Option<(u32, u32, u32)>) -> Self {
        if let Some(version) = version
            && let Some(attempts) = self.attempts_mut()
        {
            attempts.set_version(version);
        }
        self
    }

    /// Returns the error with the channel that the request was about.
    pub(crate) fn about(self, channel: Option<&str>) -> Self {
        match self {
            Self::Api(error) => Self::Api(error.about(channel)),
            error => error,
        }
    }

    /// Returns the error of an attempt that went through this proxy. A timeout names it; other errors have it already.
    pub(crate) fn through(mut self, used: Option<&str>) -> Self {
        if let Self::Timeout { proxy, .. } = &mut self {
            *proxy = used.map(Into::into);
        }
        self
    }

    /// Returns the same error for a call of the method `called`, which shared a batch with other calls.
    pub(crate) fn of_call(mut self, called: &'static str) -> Self {
        match &mut self {
            Self::Network { method, .. }
            | Self::Timeout { method, .. }
            | Self::Unauthorized { method, .. }
            | Self::Credentials { method, .. }
            | Self::Transport { method, .. }
            | Self::Partial { method, .. }
            | Self::Closed { method, .. }
            | Self::Interrupted { method, .. } => *method = called,
            Self::Decode { method, .. } => *method = Some(called),
            Self::Api(error) => *error = error.clone().of(called),
            Self::Config(_) | Self::InvalidRequest(_) | Self::NotReady { .. } => {}
        }
        self
    }

    /// Returns the error without the secrets that the server sent back.
    pub(crate) fn without(mut self, secrets: &[String]) -> Self {
        for secret in secrets {
            match &mut self {
                Self::Transport { body, .. } => hide(body, secret),
                Self::Interrupted { reason, .. } | Self::Credentials { reason, .. } => {
                    hide(reason, secret);
                }
                Self::Api(error) => hide(&mut error.message, secret),
                Self::Decode {
                    message, source, ..
                } => {
                    hide(message, secret);
                    let shows_secret = source
                        .as_ref()
                        .is_some_and(|source| source.to_string().contains(secret));
                    if shows_secret {
                        *source = None;
                    }
                }
                Self::Network { source, .. } if shows(source, secret) => {
                    *source = cause("an error whose text has a secret");
                }
                _ => {}
            }
        }
        self
    }
}

/// Returns whether an error or one of its causes shows a secret, as that of a user's service may.
fn shows(error: &Cause, secret: &str) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&**error);
    while let Some(error) = cause {
        if format!("{error}\n{error:?}").contains(secret) {
            return true;
        }
        cause = error.source();
    }
    false
}
