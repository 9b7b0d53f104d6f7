//! The questions that a caller has about an error: what happened, whether the call ran, and whether to try again.

#[cfg(feature = "_transport")]
use super::OUT_OF_FILES;
use super::{ApiError, Attempts, Effect, Error, Status};

/// Matches an error for its attempts, which are borrowed as the error is: `$of_api` is the method of [`ApiError`], and
/// `$of_last` that of [`enum@Error`].
macro_rules! attempts_of {
    ($error:expr, $of_api:ident, $of_last:ident) => {
        match $error {
            Error::Network { attempts, .. }
            | Error::Timeout { attempts, .. }
            | Error::Unauthorized { attempts, .. }
            | Error::Credentials { attempts, .. }
            | Error::Transport { attempts, .. }
            | Error::Decode { attempts, .. }
            | Error::Closed { attempts, .. }
            | Error::Interrupted { attempts, .. } => Some(attempts),
            Error::Api(error) => error.$of_api(),
            Error::NotReady { last, .. } => last.$of_last(),
            Error::Config(_) | Error::InvalidRequest(_) | Error::Partial { .. } => None,
        }
    };
}

/// # Questions that every caller has
impl Error {
    /// Returns whether the reply was not complete in time.
    ///
    /// The call may have run on the server, unless [`is_unsent`](Self::is_unsent) holds.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::NotReady { .. })
    }

    /// Returns whether the server refused the API key or the bearer token. Compare `api_key` with `http_api.key` or `grpc_api.key` of the
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
            | Self::Unauthorized { .. }
            | Self::Credentials { .. } => Effect::Unsent,
            Self::Network { effect, .. } | Self::Timeout { effect, .. } => *effect,
            Self::Transport { .. } | Self::Api(_) | Self::Interrupted { .. } => Effect::MayHaveRun,
            Self::Decode { .. } | Self::Partial { .. } => Effect::Ran,
            Self::NotReady { last, .. } => return last.effect(),
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
            Self::Network { .. }
            | Self::Timeout { .. }
            | Self::Credentials { .. }
            | Self::NotReady { .. } => true,
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
            | Self::Credentials { method, .. }
            | Self::Transport { method, .. }
            | Self::Partial { method, .. }
            | Self::Closed { method, .. }
            | Self::Interrupted { method, .. } => Some(method),
            Self::Decode { method, .. } => *method,
            Self::NotReady { last, .. } => last.method(),
            Self::Api(error) => error.method(),
        }
    }

    /// Returns the HTTP status or the gRPC code, if the server or a proxy answered with one that is not an error of the
    /// API.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Unauthorized { status, .. } | Self::Transport { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Returns the id that the request was sent with in the header `X-Request-Id`: see
    /// [`ClientBuilder::request_ids`](crate::ClientBuilder::request_ids). A call that shared a batch has that of the
    /// batch if the whole batch failed, and none otherwise.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.attempts_made()?.request_id()
    }

    /// Returns the number of attempts of the call: more than one where [`Retry`](crate::Retry) allowed it.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::NotReady { attempts, .. } => *attempts,
            _ => self.attempts_made().map_or(1, Attempts::count),
        }
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

    /// Returns the attempts of the call; `None` for an error without a call, and for one whose parts have their own.
    fn attempts_made(&self) -> Option<&Attempts> {
        attempts_of!(self, attempts, attempts_made)
    }

    /// Returns the attempts of the call, to be changed.
    #[cfg(feature = "_transport")]
    pub(super) fn attempts_mut(&mut self) -> Option<&mut Attempts> {
        attempts_of!(self, attempts_mut, attempts_mut)
    }

    /// Returns whether the process itself is at fault, and no server: it has too many open files.
    #[cfg(feature = "_transport")]
    pub(crate) fn is_of_this_process(&self) -> bool {
        matches!(self, Self::Network { reason, .. } if *reason == OUT_OF_FILES)
    }
}
