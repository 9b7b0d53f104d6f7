//! The events that connected clients receive.

use bytes::Bytes;
use centrifugo_api::{ClientInfo, Publication};

use crate::json;

/// An event that a connected client receives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A publication in a channel that the client is subscribed to.
    #[non_exhaustive]
    Publication {
        /// The channel.
        channel: String,
        /// The publication.
        publication: Publication,
    },
    /// A key of a map was set or removed; keys that expire are removed too.
    #[non_exhaustive]
    Changed {
        /// The channel.
        channel: String,
        /// The key.
        key: String,
        /// True if the key was removed.
        removed: bool,
        /// The new value; for a removal, a publication with the tags of the old value.
        publication: Publication,
    },
    /// A key of a shared poll that the client tracks has a new state, or is gone: then it is not tracked any more.
    #[non_exhaustive]
    Polled {
        /// The channel.
        channel: String,
        /// The key.
        key: String,
        /// True if the key is gone.
        removed: bool,
        /// The state; empty if the key is gone.
        data: Bytes,
        /// The version of the state; 0 if the key is gone.
        version: u64,
    },
    /// A client, possibly this one, has subscribed to a channel.
    #[non_exhaustive]
    Joined {
        /// The channel.
        channel: String,
        /// The client that subscribed.
        info: ClientInfo,
    },
    /// A client has left a channel.
    #[non_exhaustive]
    Left {
        /// The channel.
        channel: String,
        /// The client that left.
        info: ClientInfo,
    },
    /// The method `subscribe` has subscribed the client to a channel.
    #[non_exhaustive]
    Subscribed {
        /// The channel.
        channel: String,
        /// The `data` of the call.
        data: Bytes,
        /// True if the client could recover missed publications.
        recoverable: bool,
        /// True if the subscription has a position.
        positioned: bool,
        /// True if all missed publications follow.
        recovered: bool,
        /// The offset from which the subscription continues; 0 without a position.
        offset: u64,
        /// The epoch of the position; empty without a position.
        epoch: String,
    },
    /// The server has ended a subscription.
    #[non_exhaustive]
    Unsubscribed {
        /// The channel.
        channel: String,
        /// The code; 2000 if a call ended the subscription.
        code: u32,
        /// The reason in words.
        reason: String,
    },
    /// The server has refreshed the connection.
    #[non_exhaustive]
    Refreshed {
        /// The Unix time in seconds at which the connection expires; `None` if it does not expire.
        expires: Option<i64>,
    },
    /// The server has closed the connection; no event follows.
    #[non_exhaustive]
    Disconnected {
        /// The code. Clients reconnect by themselves if it is below 3500 or from 4000 to 4499. It is 3506 if a client
        /// that uses JSON would have received a payload that is not JSON.
        code: u32,
        /// The reason in words.
        reason: String,
    },
}

impl Event {
    /// Returns whether all payloads of the event are JSON or absent.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Publication { publication, .. } | Self::Changed { publication, .. } => {
                let info = publication.info.as_ref();
                is_json_or_absent(&publication.data) && info.is_none_or(is_info_json)
            }
            Self::Joined { info, .. } | Self::Left { info, .. } => is_info_json(info),
            Self::Subscribed { data, .. } | Self::Polled { data, .. } => is_json_or_absent(data),
            Self::Unsubscribed { .. } | Self::Refreshed { .. } | Self::Disconnected { .. } => true,
        }
    }
}

fn is_info_json(info: &ClientInfo) -> bool {
    is_json_or_absent(&info.conn_info) && is_json_or_absent(&info.chan_info)
}

/// Here JSON must be UTF-8; in a request Centrifugo does not check that.
pub(crate) fn is_json_or_absent(payload: &[u8]) -> bool {
    payload.is_empty() || (str::from_utf8(payload).is_ok() && json::is_valid(payload))
}
