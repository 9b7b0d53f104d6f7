//! The replies to the notifications of Centrifugo PRO.

use super::format::Format;
use super::reply;
use super::setters::edit;
use crate::failure::Failure;
use crate::messages::{NotifyCacheEmptyResult, NotifyChannelStateResult};

/// The reply to [`CacheEmptyEvent`](crate::CacheEmptyEvent). Centrifugo PRO.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CacheEmptyReply {
    result: NotifyCacheEmptyResult,
}

impl CacheEmptyReply {
    /// Creates the reply that the backend has published to the channel: Centrifugo looks into the cache again.
    pub fn populated() -> Self {
        let result = NotifyCacheEmptyResult::default().populated(true);
        Self { result }
    }

    /// Creates the reply that there is nothing to publish.
    pub fn not_populated() -> Self {
        Self::default()
    }

    #[allow(clippy::unnecessary_wraps)] // As the other replies.
    fn result(self, _: &Format) -> Result<Option<NotifyCacheEmptyResult>, Failure> {
        Ok(Some(self.result))
    }
}

edit!(CacheEmptyReply, NotifyCacheEmptyResult);
reply!(
    CacheEmptyReply,
    NotifyCacheEmptyRequest,
    NotifyCacheEmptyResponse,
    Failed
);

/// The reply to [`ChannelStateEvent`](crate::ChannelStateEvent). Centrifugo PRO.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ChannelStateReply {
    result: NotifyChannelStateResult,
}

impl ChannelStateReply {
    /// Creates the reply that the backend has taken note.
    pub fn received() -> Self {
        Self::default()
    }

    #[allow(clippy::unnecessary_wraps)] // As the other replies.
    fn result(self, _: &Format) -> Result<Option<NotifyChannelStateResult>, Failure> {
        Ok(Some(self.result))
    }
}

edit!(ChannelStateReply, NotifyChannelStateResult);
reply!(
    ChannelStateReply,
    NotifyChannelStateRequest,
    NotifyChannelStateResponse,
    ErrorReject
);
