//! Replies: what each event can be answered with.

mod connect;
mod format;
mod map;
mod notify;
mod publish;
mod refresh;
mod rpc;
mod setters;
mod shared_poll;
mod subscribe;

pub use connect::{ConnectReply, SubscriptionOptions};
pub use map::{KeyMode, MapPublishReply, MapRemoveReply};
pub use notify::{CacheEmptyReply, ChannelStateReply};
pub use publish::PublishReply;
pub use refresh::{RefreshReply, SubRefreshReply};
pub use rpc::RpcReply;
pub use shared_poll::{SharedPollItem, SharedPollRefreshReply};
pub use subscribe::{StreamSubscribeReply, SubscribeReply};

pub(crate) use format::Format;

use crate::code::{ClientError, Disconnect};
use crate::event::EventMessage;
use crate::failure::Failure;
use crate::handlers::Answer;
use crate::messages;

/// A reply to an event.
pub(crate) trait Reply<M: EventMessage>: Sized {
    /// The refusal of the event.
    type Reject;

    /// Returns the response with this reply as its result.
    fn accepted(self, format: &Format) -> Result<M::Response, Failure>;

    /// Returns the response to an event that is refused.
    fn refused(reject: Self::Reject) -> Result<Answer<M::Response>, Failure>;
}

/// Implements [`Reply`] for a reply that has `result(self, &Format)`.
macro_rules! reply {
    ($reply:ident, $request:ident, $response:ident, $reject:ident) => {
        impl $crate::reply::Reply<$crate::messages::$request> for $reply {
            type Reject = $crate::reject::$reject;

            fn accepted(
                self,
                format: &$crate::reply::Format,
            ) -> Result<$crate::messages::$response, $crate::failure::Failure> {
                let mut response = $crate::messages::$response::default();
                response.result = self.result(format)?;
                Ok(response)
            }

            fn refused(
                reject: Self::Reject,
            ) -> Result<$crate::handlers::Answer<$crate::messages::$response>, $crate::failure::Failure> {
                $crate::reply::reply!(@refused $reject, $response, reject)
            }
        }
    };
    (@refused Failed, $response:ident, $rejected:ident) => {
        Err($crate::failure::Failure::Handler($rejected.0))
    };
    (@refused ErrorReject, $response:ident, $rejected:ident) => {{
        match $rejected {
            $crate::reject::ErrorReject::Error(error) => $crate::reply::refused!(error, $response, error, Error),
            $crate::reject::ErrorReject::Failed(error) => Err($crate::failure::Failure::Handler(error)),
        }
    }};
    (@refused Reject, $response:ident, $rejected:ident) => {{
        match $rejected {
            $crate::reject::Reject::Error(error) => $crate::reply::refused!(error, $response, error, Error),
            $crate::reject::Reject::Disconnect(disconnect) => {
                $crate::reply::refused!(disconnect, $response, disconnect, Disconnect)
            }
            $crate::reject::Reject::Failed(error) => Err($crate::failure::Failure::Handler(error)),
        }
    }};
}

/// Returns the answer with a refusal in that field of the response.
macro_rules! refused {
    ($refusal:ident, $response:ident, $field:ident, $summary:ident) => {{
        let summary = $crate::observe::Summary::$summary($refusal.code());
        let mut response = $crate::messages::$response::default();
        response.$field = Some($refusal.into());
        Ok($crate::handlers::Answer { response, summary })
    }};
}

pub(crate) use refused;
pub(crate) use reply;

impl From<ClientError> for messages::Error {
    fn from(error: ClientError) -> Self {
        Self::new(error.code(), error.message()).temporary(error.is_temporary())
    }
}

impl From<Disconnect> for messages::Disconnect {
    fn from(disconnect: Disconnect) -> Self {
        Self::new(disconnect.code(), disconnect.reason())
    }
}
