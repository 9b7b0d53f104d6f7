//! Failures: why an event got no answer.

use std::error::Error as StdError;

use http::StatusCode;

use crate::event::EventKind;

/// The longest description of what cannot be read in a request, in characters.
const LONGEST_PROBLEM: usize = 500;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The reason for which an event got no answer of the backend. [Observers](crate::Observer) see it; Centrifugo sees the status
/// alone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The caller did not show that it is Centrifugo: 401, gRPC `Unauthenticated`.
    #[error("the caller is not authenticated: {0}")]
    Unauthenticated(&'static str),
    /// No handler is registered for the event, or the path is unknown: 404, gRPC `Unimplemented`.
    #[error(
        "no handler for `{0}`: register one, or turn the event off in Centrifugo's configuration"
    )]
    NoHandler(String),
    /// The method is not POST: 405, gRPC `InvalidArgument`.
    #[error("the method is not POST")]
    Method,
    /// The body is not that of an event: 400, gRPC `InvalidArgument`.
    #[error("the request cannot be read: {0}")]
    Request(String),
    /// The body does not say that it is of this type: 415, gRPC `InvalidArgument`.
    #[error("the content type is not {0}")]
    ContentType(&'static str),
    /// The body is larger than the limit: 413, gRPC `ResourceExhausted`.
    #[error("the body is larger than {0} bytes: raise `body_limit`")]
    TooLarge(usize),
    /// The body or the handler took too long: 504, gRPC `DeadlineExceeded`.
    #[error(
        "the deadline has passed: make the handler faster, or raise the timeouts of Centrifugo's proxy and of the handlers"
    )]
    Timeout,
    /// The handler returned an error: 500, gRPC `Internal`.
    #[error("the handler failed")]
    Handler(#[source] BoxError),
    /// The handler panicked, or the function that checks the caller: 500, gRPC `Internal`.
    #[error("a function of the backend panicked: {0}")]
    Panic(String),
    /// The handler's reply cannot be sent: 500, gRPC `Internal`.
    #[error("the reply cannot be sent: {0}")]
    Reply(String),
}

impl Failure {
    /// Returns the failure of a request that cannot be read. A problem that quotes much of the request is cut.
    pub(crate) fn request(problem: impl Into<String>) -> Self {
        let problem = problem.into();
        match problem.char_indices().nth(LONGEST_PROBLEM) {
            Some((end, _)) => Self::Request(format!("{}…", &problem[..end])),
            None => Self::Request(problem),
        }
    }

    pub(crate) fn reply(problem: impl Into<String>) -> Self {
        Self::Reply(problem.into())
    }

    pub(crate) fn no_handler(kind: EventKind) -> Self {
        Self::NoHandler(kind.name().to_owned())
    }

    /// Returns the status over HTTP.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::NoHandler(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Handler(_) | Self::Panic(_) | Self::Reply(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns a word for the kind of failure, such as `timeout`: a label in traces and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::NoHandler(_) => "no_handler",
            Self::Method => "method",
            Self::Request(_) => "request",
            Self::ContentType(_) => "content_type",
            Self::TooLarge(_) => "too_large",
            Self::Timeout => "timeout",
            Self::Handler(_) => "handler",
            Self::Panic(_) => "panic",
            Self::Reply(_) => "reply",
        }
    }
}
