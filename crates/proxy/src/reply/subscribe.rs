//! The replies to `subscribe`.

use std::time::Duration;

use centrifugo_api::Payload;

use super::format::Format;
use super::reply;
use super::setters::{edit, setters, write_expire_in, write_twins};
use crate::failure::Failure;
use crate::messages::{FilterNode, SubscribeResult};

/// The reply to [`SubscribeEvent`](crate::SubscribeEvent): the client may subscribe.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SubscribeReply {
    info: Option<Payload>,
    data: Option<Payload>,
    expire_in: Option<Duration>,
    result: SubscribeResult,
}

impl SubscribeReply {
    /// Creates the reply that the client may subscribe, as the namespace says.
    pub fn allow() -> Self {
        Self::default()
    }

    /// Sets what the client may do in the channel, such as `pub`. Centrifugo PRO.
    pub fn permissions<P: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        self.result.allow = permissions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets which publications the client gets, by their tags. Centrifugo PRO.
    pub fn server_tags_filter(mut self, filter: FilterNode) -> Self {
        self.result.server_tags_filter = Some(filter);
        self
    }

    fn result(mut self, format: &Format) -> Result<Option<SubscribeResult>, Failure> {
        write_expire_in!(format, self);
        write_twins!(format, self.info, self.result, info, b64info);
        write_twins!(format, self.data, self.result, data, b64data);
        Ok(Some(self.result))
    }
}

setters!(SubscribeReply: info, data, subscription_expiry, presence, recovery);
edit!(SubscribeReply, SubscribeResult);
reply!(SubscribeReply, SubscribeRequest, SubscribeResponse, Reject);

/// The reply that opens a stream: the client may subscribe, and gets what the stream yields.
///
/// Such subscriptions have no history, positions or recovery.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct StreamSubscribeReply {
    info: Option<Payload>,
    data: Option<Payload>,
    expire_in: Option<Duration>,
    result: SubscribeResult,
}

impl StreamSubscribeReply {
    /// Creates the reply that the client may subscribe, as the namespace says.
    pub fn allow() -> Self {
        Self::default()
    }

    fn result(mut self, format: &Format) -> Result<Option<SubscribeResult>, Failure> {
        write_expire_in!(format, self);
        write_twins!(format, self.info, self.result, info, b64info);
        write_twins!(format, self.data, self.result, data, b64data);
        Ok(Some(self.result))
    }
}

setters!(StreamSubscribeReply: info, data, subscription_expiry, presence);
edit!(StreamSubscribeReply, SubscribeResult);
reply!(
    StreamSubscribeReply,
    SubscribeRequest,
    SubscribeResponse,
    Reject
);
