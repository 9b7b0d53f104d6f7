//! The messages of Centrifugo's client protocol that the tests use.

use std::collections::BTreeMap;

use centrifugo_api::bytes::Bytes;
use prost::Message;

use crate::observed_events::{Info, ObservedEvent, Publication};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Command {
    #[prost(uint32, tag = "1")]
    pub(crate) id: u32,
    #[prost(message, optional, tag = "4")]
    pub(crate) connect: Option<ConnectRequest>,
    #[prost(message, optional, tag = "5")]
    pub(crate) subscribe: Option<ChannelRequest>,
    #[prost(message, optional, tag = "6")]
    pub(crate) unsubscribe: Option<ChannelRequest>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConnectRequest {
    #[prost(string, tag = "1")]
    pub(crate) token: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ChannelRequest {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Reply {
    #[prost(uint32, tag = "1")]
    pub(crate) id: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) error: Option<Error>,
    #[prost(message, optional, tag = "4")]
    pub(crate) push: Option<Push>,
    #[prost(message, optional, tag = "5")]
    pub(crate) connect: Option<ConnectResult>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Error {
    #[prost(uint32, tag = "1")]
    pub(crate) code: u32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConnectResult {
    #[prost(string, tag = "1")]
    pub(crate) client: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Push {
    #[prost(string, tag = "2")]
    channel: String,
    #[prost(message, optional, tag = "4")]
    publication: Option<PublicationPush>,
    #[prost(message, optional, tag = "5")]
    join: Option<InfoPush>,
    #[prost(message, optional, tag = "6")]
    leave: Option<InfoPush>,
    #[prost(message, optional, tag = "7")]
    unsubscribe: Option<UnsubscribePush>,
    #[prost(message, optional, tag = "9")]
    subscribe: Option<SubscribePush>,
    #[prost(message, optional, tag = "12")]
    refresh: Option<RefreshPush>,
}

#[derive(Clone, PartialEq, Message)]
struct PublicationPush {
    #[prost(bytes = "bytes", tag = "4")]
    data: Bytes,
    #[prost(message, optional, tag = "5")]
    info: Option<ClientInfo>,
    #[prost(uint64, tag = "6")]
    offset: u64,
    #[prost(btree_map = "string, string", tag = "7")]
    tags: BTreeMap<String, String>,
    #[prost(string, tag = "11")]
    key: String,
    #[prost(bool, tag = "12")]
    removed: bool,
}

#[derive(Clone, PartialEq, Message)]
struct InfoPush {
    #[prost(message, optional, tag = "1")]
    info: Option<ClientInfo>,
}

#[derive(Clone, PartialEq, Message)]
struct ClientInfo {
    #[prost(string, tag = "1")]
    user: String,
    #[prost(string, tag = "2")]
    client: String,
    #[prost(bytes = "bytes", tag = "3")]
    conn_info: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    chan_info: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct UnsubscribePush {
    #[prost(uint32, tag = "2")]
    code: u32,
    #[prost(string, tag = "3")]
    reason: String,
}

#[derive(Clone, PartialEq, Message)]
struct SubscribePush {
    #[prost(bool, tag = "1")]
    recoverable: bool,
    #[prost(string, tag = "4")]
    epoch: String,
    #[prost(uint64, tag = "5")]
    offset: u64,
    #[prost(bool, tag = "6")]
    positioned: bool,
    #[prost(bytes = "bytes", tag = "7")]
    data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct RefreshPush {
    #[prost(bool, tag = "1")]
    expires: bool,
    #[prost(uint32, tag = "2")]
    ttl: u32,
}

impl From<ClientInfo> for Info {
    fn from(
        ClientInfo {
            user,
            client,
            conn_info,
            chan_info,
        }: ClientInfo,
    ) -> Self {
        Self {
            user,
            client,
            conn_info,
            chan_info,
        }
    }
}

impl From<InfoPush> for Info {
    fn from(push: InfoPush) -> Self {
        push.info.unwrap_or_default().into()
    }
}

impl From<Push> for ObservedEvent {
    fn from(push: Push) -> Self {
        let unknown = format!("{push:?}");
        let channel = push.channel;
        if let Some(PublicationPush {
            data,
            info,
            offset,
            tags,
            key,
            removed,
        }) = push.publication
        {
            let info = info.map(Info::from);
            return Self::Publication(Publication {
                channel,
                offset,
                data,
                tags,
                info,
                key,
                removed,
            });
        }
        if let Some(join) = push.join {
            return Self::Join {
                channel,
                info: join.into(),
            };
        }
        if let Some(leave) = push.leave {
            return Self::Leave {
                channel,
                info: leave.into(),
            };
        }
        if let Some(UnsubscribePush { code, reason }) = push.unsubscribe {
            return Self::Unsubscribed {
                channel,
                code,
                reason,
            };
        }
        if let Some(SubscribePush {
            recoverable,
            epoch,
            offset,
            positioned,
            data,
        }) = push.subscribe
        {
            return Self::Subscribed {
                channel,
                recoverable,
                positioned,
                offset,
                epoch,
                data,
            };
        }
        if let Some(RefreshPush { expires, ttl }) = push.refresh {
            return Self::Refreshed {
                expires,
                later: ttl > 0,
            };
        }
        Self::Other(unknown)
    }
}
