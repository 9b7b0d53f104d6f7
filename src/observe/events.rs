//! The events that observers see.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::CallObserver;
use crate::api::method::Method;
use crate::error::Error;

/// The start of a call.
#[non_exhaustive]
pub struct CallStart<'a> {
    /// The method, such as `publish`; `call_raw` for a method by name that the schema does not have.
    pub method: &'static str,
    /// The path of the method over gRPC; empty for a method by name.
    pub grpc_path: &'static str,
    /// The URL of the first node, without user and password.
    pub server: &'a str,
    /// The channel that the request is about, if it is about a single one.
    pub channel: Option<&'a str>,
    /// The number of commands of a batch or of channels of a broadcast; 1 for any other call.
    pub commands: usize,
    pub(super) request: Option<&'a dyn Any>,
}

impl<'a> CallStart<'a> {
    pub(crate) fn new<M: Method>(request: &'a M, server: &'a str) -> Self {
        let commands = M::GENERATED.parts.map_or(1, |parts| (parts.len)(request));
        Self {
            method: M::NAME,
            grpc_path: M::GRPC_PATH,
            server,
            channel: (M::GENERATED.channel)(request),
            commands,
            request: Some(request),
        }
    }

    /// Returns the start of the call of a method by name.
    pub(crate) fn raw(method: &'static str, server: &'a str) -> Self {
        Self {
            method,
            grpc_path: "",
            server,
            channel: None,
            commands: 1,
            request: None,
        }
    }

    /// Returns the namespace of the channel: what precedes its first `:`, Centrifugo's default boundary.
    #[must_use]
    pub fn namespace(&self) -> Option<&'a str> {
        let (namespace, _) = self.channel?.split_once(':')?;
        Some(namespace)
    }

    /// Returns the request if it is of that type, such as [`PublishRequest`](crate::PublishRequest). It has payloads and
    /// may have secrets: do not log it as a whole.
    ///
    /// The requests in a batch are seen only if it was given as a [`BatchRequest`](crate::BatchRequest).
    #[must_use]
    pub fn request<M: Method>(&self) -> Option<&'a M> {
        self.request?.downcast_ref()
    }
}

impl fmt::Debug for CallStart<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CallStart")
            .field("method", &self.method)
            .field("server", &self.server)
            .field("channel", &self.channel)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

/// The start of a batch that several calls share.
#[non_exhaustive]
pub struct BatchStart<'a> {
    /// The URL of the first node, without user and password.
    pub server: &'a str,
    /// The number of calls that share the batch.
    pub commands: usize,
    /// The observers of these calls that the same observer returned: to link them with the batch.
    pub calls: Vec<Arc<dyn CallObserver>>,
}

impl fmt::Debug for BatchStart<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BatchStart")
            .field("server", &self.server)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

/// The start of an attempt: a request to a node.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptStart<'a> {
    /// The method, such as `publish`, or `batch`.
    pub method: &'static str,
    /// The number of the attempt within the call, from 1 on. A call that no connection could be made for goes to the
    /// next node at once, in another attempt.
    pub number: u32,
    /// The URL of the node, without user and password.
    pub node: &'a str,
    /// The size of the request without headers, in bytes.
    pub bytes: usize,
    /// The id that is sent as `X-Request-Id`, if there is one.
    pub request_id: Option<&'a str>,
}

/// The end of an attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptEnd<'a> {
    /// The outcome; the error is that of this attempt alone.
    pub outcome: Outcome<'a>,
    /// The time that the attempt took.
    pub duration: Duration,
    /// The size of the reply without headers, in bytes; `None` if there is none or it is not a reply of the API.
    pub bytes: Option<usize>,
    /// The other end of the connection: the node, or a proxy in front of it. `None` if no connection was made, if the
    /// attempt was dropped, over HTTP if nothing was received, and for Unix sockets and channels of your own.
    pub peer: Option<SocketAddr>,
}

/// The end of a call, or of a shared batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// The outcome; the error is the one that the caller gets, without idempotency keys.
    pub outcome: Outcome<'a>,
    /// The time from the start of the call.
    pub duration: Duration,
    /// The number of attempts, each node that was tried included, which [`Retry`](crate::Retry) does not count; for a call that shared batches, the number of batches.
    pub attempts: u32,
    /// The number of commands or channels that failed although the call as a whole did not.
    pub failed: usize,
    /// True if the call shared a batch with others.
    pub is_coalesced: bool,
}

/// The outcome of an attempt or a call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// There is a result.
    Success,
    /// It failed. [`Error::effect`] tells whether it may have run, [`Error::status`] what the server answered.
    Failure(&'a Error),
    /// Its future was dropped: nobody waited any more. Or it was a shared batch that one of its calls has left before it
    /// was sent: the others are sent in another one.
    Dropped,
}

impl<'a> Outcome<'a> {
    /// Returns the error of a failure.
    #[must_use]
    pub fn error(&self) -> Option<&'a Error> {
        match self {
            Self::Failure(error) => Some(error),
            Self::Success | Self::Dropped => None,
        }
    }
}

impl<'a, T> From<&'a Result<T, Error>> for Outcome<'a> {
    fn from(result: &'a Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Success,
            Err(error) => Self::Failure(error),
        }
    }
}

/// A node that is skipped from now on, or called again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeChange<'a> {
    /// The URL of the node, without user and password.
    pub node: &'a str,
    /// True if it is called again, false if it is skipped.
    pub is_up: bool,
}

/// A call of a [`BackgroundSender`](crate::BackgroundSender) that was dropped, and not sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dropped<'a> {
    /// The channel that the request is about; empty if it is not about a single one.
    pub channel: &'a str,
    /// The reason why it was dropped.
    pub reason: DropReason,
}

/// The reason why a call of a [`BackgroundSender`](crate::BackgroundSender) was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// Too many calls waited, or too many bytes.
    Full,
    /// The client was closed before it was sent.
    Closed,
    /// There was no tokio runtime to send it.
    NoRuntime,
}
