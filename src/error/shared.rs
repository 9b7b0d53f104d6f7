//! One failure of many calls.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::{ApiFailure, Error};

/// A cause that several errors have.
#[derive(Clone, Debug)]
struct SharedCause(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for SharedCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl StdError for SharedCause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl Error {
    /// Makes the same error for each of several calls.
    pub(crate) fn share(mut self) -> impl Fn(&'static str) -> Self {
        let cause = match &mut self {
            Self::Network { source, .. } => Some(std::mem::replace(source, "".into())),
            Self::Decode { source, .. } => source.take(),
            _ => None,
        };
        let cause = cause.map(|cause| SharedCause(cause.into()));
        move |method| self.of(method, cause.clone())
    }

    fn of(&self, method: &'static str, cause: Option<SharedCause>) -> Self {
        match self {
            Self::Config(message) => Self::Config(message.clone()),
            Self::InvalidRequest(message) => Self::InvalidRequest(message.clone()),
            Self::Network {
                url,
                unsent,
                elapsed,
                hint,
                attempts,
                ..
            } => Self::Network {
                method,
                url: url.clone(),
                unsent: *unsent,
                elapsed: *elapsed,
                hint,
                source: cause.map_or_else(|| "".into(), Into::into),
                attempts: attempts.clone(),
            },
            Self::Timeout {
                unsent,
                after,
                attempts,
                ..
            } => Self::Timeout {
                method,
                unsent: *unsent,
                after: *after,
                attempts: attempts.clone(),
            },
            Self::Unauthorized { status, .. } => Self::Unauthorized {
                method,
                status: *status,
            },
            Self::Transport {
                status,
                body,
                retry_after,
                attempts,
                ..
            } => Self::Transport {
                method,
                status: *status,
                body: body.clone(),
                retry_after: *retry_after,
                attempts: attempts.clone(),
            },
            Self::Decode { message, .. } => Self::Decode {
                method: Some(method),
                message: message.clone(),
                source: cause.map(Into::into),
            },
            Self::Parts { failed, of, .. } => Self::Parts {
                method,
                failed: failed.clone(),
                of: *of,
            },
            Self::Api(failure) => Self::Api(ApiFailure::new(method, failure.clone().into_error())),
            Self::Closed { .. } => Self::Closed { method },
        }
    }
}
