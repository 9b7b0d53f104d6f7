//! The messages of events: how the handlers' code sees those that the schema generates.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{EventDetails, EventKind};
use crate::handlers::{Handler, Table};
use crate::messages::{
    ConnectRequest, ConnectResponse, MapPublishRequest, MapPublishResponse, MapRemoveRequest,
    MapRemoveResponse, NotifyCacheEmptyRequest, NotifyCacheEmptyResponse,
    NotifyChannelStateRequest, NotifyChannelStateResponse, PublishRequest, PublishResponse,
    RefreshRequest, RefreshResponse, RpcRequest, RpcResponse, SharedPollRefreshRequest,
    SharedPollRefreshResponse, SubRefreshRequest, SubRefreshResponse, SubscribeRequest,
    SubscribeResponse,
};

/// A request of Centrifugo that gets one response. Only this crate implements it.
pub trait EventMessage: prost::Message + Default + Serialize + DeserializeOwned + 'static {
    /// The kind of the event.
    const KIND: EventKind;

    /// The response.
    type Response: prost::Message + Default + Serialize + DeserializeOwned + 'static;

    #[doc(hidden)]
    fn handler(table: &Table) -> Option<&Handler<Self>>;

    /// Returns the protocol of the client and the encoding of payloads; both are empty for an event that is not of a client.
    #[doc(hidden)]
    fn format(&self) -> (&str, &str);

    /// Takes the payload, and its base64.
    #[doc(hidden)]
    fn take_payload(&mut self) -> (Bytes, String);

    /// Returns a copy of what observers see of the message.
    #[doc(hidden)]
    fn details(&self) -> EventDetails;
}

macro_rules! event_message {
    (
        $request:ident, $response:ident, $kind:ident, $slot:ident,
        [$($detail:ident),*] $(, $of_client:ident $(, $payload:ident)?)?
    ) => {
        impl EventMessage for $request {
            const KIND: EventKind = EventKind::$kind;

            type Response = $response;

            fn handler(table: &Table) -> Option<&Handler<Self>> {
                table.$slot.as_ref()
            }

            fn format(&self) -> (&str, &str) {
                event_message!(@format self $($of_client)?)
            }

            fn take_payload(&mut self) -> (Bytes, String) {
                event_message!(@payload self $($($payload)?)?)
            }

            fn details(&self) -> EventDetails {
                EventDetails {
                    $($detail: self.$detail.clone(),)*
                    ..EventDetails::default()
                }
            }
        }
    };
    (@format $message:ident of_client) => { (&$message.protocol, &$message.encoding) };
    (@format $message:ident) => { ("", "") };
    (@payload $message:ident payload) => {
        (std::mem::take(&mut $message.data), std::mem::take(&mut $message.b64data))
    };
    (@payload $message:ident) => { (Bytes::new(), String::new()) };
}

event_message!(
    ConnectRequest,
    ConnectResponse,
    Connect,
    connect,
    [client],
    of_client,
    payload
);
event_message!(
    RefreshRequest,
    RefreshResponse,
    Refresh,
    refresh,
    [client, user],
    of_client
);
event_message!(
    SubscribeRequest,
    SubscribeResponse,
    Subscribe,
    subscribe,
    [client, user, channel],
    of_client,
    payload
);
event_message!(
    PublishRequest,
    PublishResponse,
    Publish,
    publish,
    [client, user, channel],
    of_client,
    payload
);
event_message!(
    RpcRequest,
    RpcResponse,
    Rpc,
    rpc,
    [client, user, method],
    of_client,
    payload
);
event_message!(
    SubRefreshRequest,
    SubRefreshResponse,
    SubRefresh,
    sub_refresh,
    [client, user, channel],
    of_client
);
event_message!(
    MapPublishRequest,
    MapPublishResponse,
    MapPublish,
    map_publish,
    [client, user, channel],
    of_client,
    payload
);
event_message!(
    MapRemoveRequest,
    MapRemoveResponse,
    MapRemove,
    map_remove,
    [client, user, channel],
    of_client
);
event_message!(
    SharedPollRefreshRequest,
    SharedPollRefreshResponse,
    SharedPollRefresh,
    shared_poll_refresh,
    [channel]
);
event_message!(
    NotifyCacheEmptyRequest,
    NotifyCacheEmptyResponse,
    CacheEmpty,
    cache_empty,
    [channel]
);
event_message!(
    NotifyChannelStateRequest,
    NotifyChannelStateResponse,
    ChannelState,
    channel_state,
    []
);
