//! Refusals of handlers: what an event may be refused with.

use std::error::Error as StdError;

use crate::code::{ClientError, Disconnect};
use crate::failure::BoxError;

/// The refusal of an event that may be refused with an error or a disconnect.
///
/// [`ClientError`] and [`Disconnect`] convert into it, and so does every type of errors, into [`Reject::Failed`]: `?` can be
/// used for all of them. Boxed errors and those of `anyhow` are no such types: `Reject::Failed(error.into())`.
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
///     Err(DENIED)? // error: `RefreshReply::expired()` ends the connection
/// }
/// ```
#[derive(Debug)]
pub struct Failed(pub BoxError);

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

impl<E: StdError + Send + Sync + 'static> From<E> for Reject {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<ClientError> for ErrorReject {
    fn from(error: ClientError) -> Self {
        Self::Error(error)
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for ErrorReject {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}
