//! Refusals of handlers: what an event may be refused with.

use std::error::Error as StdError;

use crate::code::{ClientError, Disconnect};
use crate::failure::BoxError;

/// The refusal of an event that may be refused with an error or a disconnect.
///
/// [`ClientError`] and [`Disconnect`] convert into it, and so does every type of errors, into [`Reject::Failed`]: `?` can be
/// used for all of them. Boxed errors and those of `anyhow` are not such types: `Reject::Failed(error.into())`.
///
/// ```
/// use centrifugo_proxy::{Disconnect, Reject, SubscribeEvent, SubscribeReply};
///
/// const BANNED: Disconnect = Disconnect::constant(4500, "banned");
///
/// async fn subscribe(event: SubscribeEvent) -> Result<SubscribeReply, Reject> {
///     let user = event.user().ok_or(BANNED)?;
///     let id: u64 = user.parse()?;
///     Ok(SubscribeReply::allow().info(format!(r#"{{"id":{id}}}"#)))
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Reject {
    /// The client gets this error.
    Error(ClientError),
    /// The client's connection ends.
    Disconnect(Disconnect),
    /// Something failed: the client gets error 100, and [observers](crate::Observer) the cause.
    Failed(BoxError),
}

/// The refusal of an event that is not of a client, [`SharedPollRefresh`](crate::EventKind::SharedPollRefresh) and
/// [`ChannelState`](crate::EventKind::ChannelState): Centrifugo logs the error and asks again.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorReject {
    /// Centrifugo gets this error.
    Error(ClientError),
    /// Something failed: Centrifugo gets a status, and [observers](crate::Observer) the cause.
    Failed(BoxError),
}

/// The failure of an event that cannot be refused, since Centrifugo ignores errors and disconnects for it.
///
/// After a failure of `refresh` or `sub_refresh`, Centrifugo lets the connection or subscription live for 60 s more, and asks
/// again.
///
/// ```compile_fail,E0277
/// use centrifugo_proxy::{ClientError, Failed, RefreshEvent, RefreshReply};
///
/// const DENIED: ClientError = ClientError::constant(403, "denied");
///
/// async fn refresh(_: RefreshEvent) -> Result<RefreshReply, Failed> {
///     Err(DENIED)? // error: a refresh refuses by `RefreshReply::expired()`
/// }
/// ```
#[derive(Debug)]
pub struct Failed(pub BoxError);

impl Failed {
    /// Creates the end of a stream after which its client subscribes again, such as when the server shuts down: nothing has
    /// failed, and observers are not told.
    ///
    /// See [`stream_until`](crate::stream_until).
    #[must_use]
    pub fn subscribe_again() -> Self {
        Self(Box::new(SubscribeAgain))
    }
}

/// The end of a stream that is not a failure.
#[derive(Debug, thiserror::Error)]
#[error("the stream has ended, and its client subscribes again")]
pub(crate) struct SubscribeAgain;

/// An error that `?` and `into` turn into the failure of a handler: every type that implements [`std::error::Error`].
///
/// Others are wrapped. Text, boxed errors and those of `anyhow` are returned as `Reject::Failed(error.into())`, or as
/// `Failed(error.into())` by handlers that return [`Failed`]. These cannot refuse with [`ClientError`] and [`Disconnect`]:
/// `RefreshReply::expired()` and `SubRefreshReply::expired()` end a connection and a subscription.
#[diagnostic::on_unimplemented(
    message = "a handler does not fail with `{Self}` by itself",
    label = "wrap text and boxed errors: `Reject::Failed(error.into())`, `Failed(error.into())`; a refresh refuses by \
             `RefreshReply::expired()` or `SubRefreshReply::expired()`"
)]
pub trait HandlerError {
    #[doc(hidden)]
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: StdError + Send + Sync + 'static> HandlerError for E {
    fn boxed(self) -> BoxError {
        Box::new(self)
    }
}

impl From<ClientError> for Reject {
    fn from(error: ClientError) -> Self {
        Self::Error(error)
    }
}

impl From<Disconnect> for Reject {
    fn from(disconnect: Disconnect) -> Self {
        Self::Disconnect(disconnect)
    }
}

impl<E: HandlerError> From<E> for Reject {
    fn from(error: E) -> Self {
        Self::Failed(error.boxed())
    }
}

impl From<ClientError> for ErrorReject {
    fn from(error: ClientError) -> Self {
        Self::Error(error)
    }
}

impl<E: HandlerError> From<E> for ErrorReject {
    fn from(error: E) -> Self {
        Self::Failed(error.boxed())
    }
}

impl<E: HandlerError> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.boxed())
    }
}
