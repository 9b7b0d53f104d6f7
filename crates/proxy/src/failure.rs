//! Failures: why an event got no answer.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::event::EventKind;
use crate::reject::SubscribeAgain;

/// The longest description of what cannot be read in a request, in characters.
const LONGEST_PROBLEM: usize = 500;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The reason for which an event got no answer of the backend. [Observers](crate::Observer) see it; Centrifugo sees the status
/// alone.
///
/// Its text has everything: that of [`Handler`](Self::Handler) the sources of the handler's error too. It has no source itself.
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
    /// The path names a stream, and streams exist only over gRPC: 404.
    #[error(
        "`{0}` is a stream, and streams exist only over gRPC: serve `Handlers::grpc`, and give its address to Centrifugo"
    )]
    StreamOverHttp(EventKind),
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
    /// The body and the handler took longer than this: 504, gRPC `DeadlineExceeded`.
    #[error(
        "there was no answer within {0:?}: make the handler faster, or raise `Handlers::timeout`, and \
         `ProxyConfiguration::timeout` above it"
    )]
    Timeout(Duration),
    /// The handler returned an error: 500, gRPC `Internal`.
    #[error("the handler failed: {}", Chain(.0))]
    Handler(BoxError),
    /// The handler panicked, or the function that checks the caller: 500, gRPC `Internal`.
    #[error("a function of the backend panicked: {0}")]
    Panic(String),
    /// The handler's reply cannot be sent: 500, gRPC `Internal`.
    #[error("the reply cannot be sent: {0}")]
    Reply(String),
}

/// The text of an error and of its sources.
struct Chain<'a>(&'a BoxError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        formatter.write_str(&text)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let own = error.to_string();
            // Some errors print their source themselves.
            if !text.ends_with(&own) {
                write!(formatter, ": {own}")?;
            }
            text = own;
            source = error.source();
        }
        Ok(())
    }
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

    /// Returns whether this is the end of a stream that is not a failure: [`Failed::subscribe_again`](crate::Failed::subscribe_again).
    pub(crate) fn is_subscribe_again(&self) -> bool {
        matches!(self, Self::Handler(error) if error.is::<SubscribeAgain>())
    }

    /// Returns the status over HTTP.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::NoHandler(_) | Self::StreamOverHttp(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Handler(_) | Self::Panic(_) | Self::Reply(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns a word for the kind of failure, such as `timeout`: a label in traces and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::NoHandler(_) => "no_handler",
            Self::StreamOverHttp(_) => "stream_over_http",
            Self::Method => "method",
            Self::Request(_) => "request",
            Self::ContentType(_) => "content_type",
            Self::TooLarge(_) => "too_large",
            Self::Timeout(_) => "timeout",
            Self::Handler(_) => "handler",
            Self::Panic(_) => "panic",
            Self::Reply(_) => "reply",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the session cannot be read")]
    struct Session(#[source] Query);

    #[derive(Debug, thiserror::Error)]
    #[error("the query failed: {0}")]
    struct Query(#[source] std::io::Error);

    #[test]
    fn failure_of_a_handler_tells_its_cause_and_the_sources_of_it_once() {
        let failure = Failure::Handler(std::io::Error::other("database is down").into());
        assert_eq!(failure.to_string(), "the handler failed: database is down");
        let error = Session(Query(std::io::Error::other("database is down")));
        assert_eq!(
            Failure::Handler(error.into()).to_string(),
            "the handler failed: the session cannot be read: the query failed: database is down"
        );
    }
}
