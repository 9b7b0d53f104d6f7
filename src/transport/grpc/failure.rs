//! The failures of gRPC calls, and the errors that they become.

use std::error::Error as StdError;
use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use tonic::{Code, ConnectError, TimeoutExpired};

use super::{Grpc, status};
use crate::codec::framing::FrameError;
use crate::error::{Attempts, Effect, Error, Status, cause, excerpt};
use crate::transport::{Route, SendState, diagnosis, too_large};

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// The reason why a call has no reply.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection could be made.
    Unready(BoxError),
    /// The connection or the stream ended.
    Lost(BoxError),
    /// The stream ended without a final status.
    Unfinished,
    /// The reply is not a valid frame.
    Frame(FrameError),
    /// A status of the server, and its details.
    Status(tonic::Status, Bytes),
}

impl Failure {
    /// Wraps an error that ended a connection or a stream.
    pub(super) fn lost(error: impl Into<BoxError>) -> Self {
        Self::Lost(error.into())
    }
}

impl From<FrameError> for Failure {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

/// The cause of a local status, without the status itself, whose message repeats it.
#[derive(Debug)]
pub(super) struct StreamError(pub(super) tonic::Status);

impl fmt::Display for StreamError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.source() {
            Some(cause) => fmt::Display::fmt(cause, formatter),
            None => formatter.write_str(self.0.message()),
        }
    }
}

impl StdError for StreamError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()?.source()
    }
}

impl Grpc {
    /// Returns the error of a failed call.
    pub(crate) fn error(
        &self,
        route: &Route<'_>,
        failure: Failure,
        state: &SendState,
        started: Instant,
    ) -> Error {
        let method = route.method;
        match failure {
            Failure::Unready(error) => self.network_error(route, Effect::Unsent, started, error),
            Failure::Unfinished => {
                let error = "the stream ended without a final status".into();
                self.network_error(route, Effect::MayHaveRun, started, error)
            }
            Failure::Lost(error) => self.lost(route, error, state, started),
            Failure::Frame(FrameError::TooLarge) => too_large(method, self.max_response_size),
            Failure::Frame(FrameError::Invalid(problem, start)) => Error::Decode {
                method: Some(method),
                message: format!("{problem}: {}", excerpt(&start)),
                source: None,
                attempts: Attempts::default(),
            },
            Failure::Status(status, details) => status_error(method, &status, &details, started),
        }
    }

    /// Returns the error of a call whose connection or stream ended.
    fn lost(
        &self,
        route: &Route<'_>,
        error: BoxError,
        state: &SendState,
        started: Instant,
    ) -> Error {
        let connecting_timed_out = caused_by(&*error, &is_connect_timeout);
        let effect = if connecting_timed_out || is_connecting(&*error) {
            Effect::Unsent
        } else {
            state.abandon()
        };
        let timed_out = connecting_timed_out
            || caused_by(&*error, &|cause| cause.is::<TimeoutExpired>())
            || effect.is_unsent() && caused_by(&*error, &is_io_timeout);
        if timed_out {
            timeout(route.method, effect, started)
        } else {
            self.network_error(route, effect, started, error)
        }
    }

    /// Returns the error of a call whose connection failed.
    fn network_error(
        &self,
        route: &Route<'_>,
        effect: Effect,
        started: Instant,
        error: BoxError,
    ) -> Error {
        Error::Network {
            method: route.method,
            url: self.shown.clone(),
            effect,
            elapsed: started.elapsed(),
            reason: diagnosis::reason(&*error),
            hint: self.diagnosis.hint(is_connecting(&*error), &*error),
            source: cause(error),
            attempts: Attempts::default(),
        }
    }
}

/// Returns the error of a status that the server, or a proxy in front of it, returned.
fn status_error(
    method: &'static str,
    status: &tonic::Status,
    details: &[u8],
    started: Instant,
) -> Error {
    if let Some(error) = status::api_error(details) {
        return Error::Api(error.of(method));
    }
    match status.code() {
        Code::Unauthenticated => Error::Unauthorized {
            method,
            status: Status::Grpc(i32::from(Code::Unauthenticated)),
            attempts: Attempts::default(),
        },
        Code::DeadlineExceeded => timeout(method, Effect::MayHaveRun, started),
        code => Error::Transport {
            method,
            status: Status::Grpc(i32::from(code)),
            body: excerpt(status.message().as_bytes()),
            retry_after: status::retry_delay(details),
            attempts: Attempts::default(),
        },
    }
}

fn timeout(method: &'static str, effect: Effect, started: Instant) -> Error {
    Error::Timeout {
        method,
        effect,
        after: started.elapsed(),
        attempts: Attempts::default(),
    }
}

/// Returns whether `is` holds for the error or one of its causes.
fn caused_by(
    error: &(dyn StdError + 'static),
    is: &dyn Fn(&(dyn StdError + 'static)) -> bool,
) -> bool {
    is(error) || error.source().is_some_and(|cause| caused_by(cause, is))
}

fn is_connecting(error: &(dyn StdError + 'static)) -> bool {
    caused_by(error, &|cause| cause.is::<ConnectError>())
}

fn is_io_timeout(error: &(dyn StdError + 'static)) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// Returns whether connecting took too long. With our own connector tonic reports that without a `ConnectError`.
fn is_connect_timeout(error: &(dyn StdError + 'static)) -> bool {
    error.is::<tonic::transport::Error>() && error.source().is_some_and(is_io_timeout)
}
