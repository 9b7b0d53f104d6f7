//! The failures of gRPC calls, and the errors that they become.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tonic::{Code, ConnectError, TimeoutExpired};

use super::{Grpc, channel, status};
use crate::codec::framing::FrameError;
use crate::error::{Attempts, Cause, Effect, Error, Status, cause, excerpt, with_start};
use crate::transport::diagnosis::{self, BoxError};
use crate::transport::dial::DialError;
use crate::transport::service::Facts;
use crate::transport::{Route, SendState, too_large};

/// The reason why a call has no reply.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection could be made.
    Dial(Arc<DialError>),
    /// The service failed.
    Service(BoxError),
    /// The connection or the stream ended.
    Lost(Lost),
    /// The stream ended without a final status.
    Unfinished,
    /// The reply is not a valid frame.
    Frame(FrameError),
    /// A status of the server, and its details.
    Status(tonic::Status, Bytes),
}

/// The end of a connection or a stream.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(super) error: BoxError,
    /// The address of the connection, if it is known.
    pub(super) address: Option<SocketAddr>,
    /// The reason in a few words, if it is not the error's.
    pub(super) reason: Option<&'static str>,
}

impl Failure {
    /// Wraps an error that ended a connection or a stream.
    pub(super) fn lost(error: impl Into<BoxError>) -> Self {
        Self::Lost(error.into().into())
    }
}

impl From<BoxError> for Lost {
    fn from(error: BoxError) -> Self {
        Self {
            error,
            address: None,
            reason: None,
        }
    }
}

impl From<FrameError> for Failure {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
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
            Failure::Dial(error) => self.not_connected(route, error, started),
            Failure::Service(error) => self.service_error(route, error, state, started),
            Failure::Unfinished => {
                let error = cause("the stream ended without a final status");
                let url = self.shown.clone();
                self.network_error(route, url, Effect::MayHaveRun, started, None, error)
            }
            Failure::Lost(lost) => self.lost(route, lost, state, started),
            Failure::Frame(FrameError::TooLarge) => too_large(method, self.expected.max_size),
            Failure::Frame(FrameError::Invalid(problem, start)) => Error::Decode {
                method: Some(method),
                message: with_start(problem, &start),
                source: None,
                attempts: Attempts::default(),
            },
            Failure::Status(status, details) => status_error(method, &status, &details, started),
        }
    }

    /// Returns the error of a call whose service failed. It may be an error of tonic, if that is a channel.
    fn service_error(
        &self,
        route: &Route<'_>,
        error: BoxError,
        state: &SendState,
        started: Instant,
    ) -> Error {
        if caused_by(&*error, &channel::is_error) {
            return self.lost(route, error.into(), state, started);
        }
        let facts = Facts {
            route,
            shown: &self.shown,
            diagnosis: &self.diagnosis,
            started,
        };
        facts.error(error, state)
    }

    /// Returns the error of a call for which no connection could be made.
    fn not_connected(&self, route: &Route<'_>, error: Arc<DialError>, started: Instant) -> Error {
        if error.is_timeout() {
            return timeout(route.method, Effect::Unsent, started);
        }
        let url = self.shown_at(&error.addresses());
        let reason = error.reason();
        self.network_error(route, url, Effect::Unsent, started, reason, error)
    }

    /// Returns the error of a call whose connection or stream ended.
    fn lost(&self, route: &Route<'_>, lost: Lost, state: &SendState, started: Instant) -> Error {
        let error = lost.error;
        let connecting_timed_out = caused_by(&*error, &is_connect_timeout);
        let effect = state.abandon();
        let timed_out = connecting_timed_out
            || caused_by(&*error, &|cause| cause.is::<TimeoutExpired>())
            || effect.is_unsent() && caused_by(&*error, &is_io_timeout);
        if timed_out {
            return timeout(route.method, effect, started);
        }
        let url = self.shown_at(lost.address.as_slice());
        self.network_error(route, url, effect, started, lost.reason, cause(error))
    }

    /// Returns the error of a call whose connection failed.
    fn network_error(
        &self,
        route: &Route<'_>,
        url: Box<str>,
        effect: Effect,
        started: Instant,
        reason: Option<&'static str>,
        source: Cause,
    ) -> Error {
        Error::Network {
            method: route.method,
            url,
            effect,
            elapsed: started.elapsed(),
            reason: reason.unwrap_or_else(|| diagnosis::reason(&*source)),
            hint: self.diagnosis.hint(is_connecting(&*source), &*source),
            source,
            attempts: Attempts::default(),
        }
    }

    /// Returns the server as errors show it, with the addresses of its host.
    fn shown_at(&self, addresses: &[SocketAddr]) -> Box<str> {
        if !self.has_name || addresses.is_empty() {
            return self.shown.clone();
        }
        let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
        format!("{} at {}", self.shown, addresses.join(", ")).into()
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
        proxy: None,
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
    caused_by(error, &|cause| {
        cause.is::<ConnectError>() || cause.is::<DialError>()
    })
}

fn is_io_timeout(error: &(dyn StdError + 'static)) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// Returns whether connecting took too long. With our own connector tonic reports that without a `ConnectError`.
fn is_connect_timeout(error: &(dyn StdError + 'static)) -> bool {
    error.is::<tonic::transport::Error>() && error.source().is_some_and(is_io_timeout)
}
