//! Events: what Centrifugo asks, and the head of its request.

mod details;
mod head;
mod kind;
mod message;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::DeserializeOwned;

pub(crate) use details::DetailsSlot;
pub use details::EventDetails;
pub(crate) use head::Names;
pub use head::{Head, Now, Peer};
pub use kind::EventKind;
pub use message::EventMessage;

use crate::failure::Failure;
use crate::messages::{
    ChannelEvent, ConnectRequest, MapPublishRequest, MapRemoveRequest, NotifyCacheEmptyRequest,
    NotifyChannelStateRequest, PublishRequest, RefreshRequest, RpcRequest, SharedPollRefreshItem,
    SharedPollRefreshRequest, SubRefreshRequest, SubscribeRequest,
};
use crate::reply::Format;

/// An event that Centrifugo asks the backend about: the generated message of the request, and its head.
///
/// The functions of [`Head`] are those of an event too.
#[derive(Clone)]
pub struct Event<M>(Box<Parts<M>>);

/// The contents of an event. They are large, and an event is moved often: in a box, only a pointer is copied.
#[derive(Clone)]
struct Parts<M> {
    message: M,
    payload: Bytes,
    head: Head,
}

/// A client connects without a token.
pub type ConnectEvent = Event<ConnectRequest>;
/// A connection is about to expire: shall it go on?
pub type RefreshEvent = Event<RefreshRequest>;
/// A client subscribes to a channel.
pub type SubscribeEvent = Event<SubscribeRequest>;
/// A client publishes to a channel.
pub type PublishEvent = Event<PublishRequest>;
/// A client calls a method.
pub type RpcEvent = Event<RpcRequest>;
/// A subscription is about to expire: shall it go on?
pub type SubRefreshEvent = Event<SubRefreshRequest>;
/// A client sets a key of a map channel.
pub type MapPublishEvent = Event<MapPublishRequest>;
/// A client removes a key of a map channel.
pub type MapRemoveEvent = Event<MapRemoveRequest>;
/// The keys of a shared poll are due: which of them have a new version? It is not of one client.
pub type SharedPollRefreshEvent = Event<SharedPollRefreshRequest>;
/// The cache of a channel is empty: can the backend fill it? Centrifugo PRO; it is not of one client.
pub type CacheEmptyEvent = Event<NotifyCacheEmptyRequest>;
/// Channels became occupied or vacated. Centrifugo PRO; it is not of one client.
pub type ChannelStateEvent = Event<NotifyChannelStateRequest>;

impl<M: EventMessage> Event<M> {
    /// Creates an event, whose payload it decodes. Returns the format of its reply too.
    pub(crate) fn new(mut message: M, head: Head) -> Result<(Self, Format), Failure> {
        let (protocol, encoding) = message.format();
        let format = Format::new(protocol, encoding, head.start_of_reply());
        let (data, base64) = message.take_payload();
        let payload = if base64.is_empty() {
            data
        } else {
            let decoded = STANDARD.decode(base64);
            Bytes::from(decoded.map_err(|error| Failure::request(format!("`b64data`: {error}")))?)
        };
        let parts = Parts {
            message,
            payload,
            head,
        };
        Ok((Self(Box::new(parts)), format))
    }

    /// Returns the generated message, with the fields that a schema of your own adds. Its payload is empty: see `data`.
    #[must_use]
    pub fn message(&self) -> &M {
        &self.0.message
    }

    /// Returns the head of the request.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.0.head
    }
}

/// Shows neither tokens nor payloads.
impl<M: EventMessage> fmt::Debug for Event<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("kind", &M::KIND)
            .field("head", &self.0.head)
            .finish_non_exhaustive()
    }
}

impl<M> Deref for Event<M> {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.0.head
    }
}

/// Adds functions to the events of these messages.
macro_rules! accessors {
    (client: $($message:ty),+) => {$(
        impl Event<$message> {
            /// Returns the id of the client's connection.
            #[must_use]
            pub fn client(&self) -> &str {
                &self.0.message.client
            }

            /// Returns the client's transport, such as `websocket`.
            #[must_use]
            pub fn transport(&self) -> &str {
                &self.0.message.transport
            }

            /// Returns the client's protocol: `json` or `protobuf`. A client that uses JSON can get no other payloads.
            #[must_use]
            pub fn protocol(&self) -> &str {
                &self.0.message.protocol
            }
        }
    )+};
    (user: $($message:ty),+) => {$(
        impl Event<$message> {
            /// Returns the user's id; `None` for an anonymous user.
            #[must_use]
            pub fn user(&self) -> Option<&str> {
                Some(self.0.message.user.as_str()).filter(|user| !user.is_empty())
            }

            /// Returns the connection's `meta`, which is JSON that clients never see: from the token, or from the answer to
            /// `connect` or `refresh`.
            ///
            /// It is empty without the option `include_connection_meta`, or if there is none.
            #[must_use]
            pub fn meta(&self) -> &Bytes {
                &self.0.message.meta
            }

            /// Returns the connection's labels. Centrifugo PRO.
            #[must_use]
            pub fn labels(&self) -> &BTreeMap<String, String> {
                &self.0.message.labels
            }
        }
    )+};
    (channel: $($message:ty),+) => {$(
        impl Event<$message> {
            /// Returns the channel.
            #[must_use]
            pub fn channel(&self) -> &str {
                &self.0.message.channel
            }
        }
    )+};
    (key: $($message:ty),+) => {$(
        impl Event<$message> {
            /// Returns the key in the map.
            #[must_use]
            pub fn key(&self) -> &str {
                &self.0.message.key
            }
        }
    )+};
    (data: $($message:ty),+) => {$(
        impl Event<$message> {
            /// Returns the client's payload, whichever encoding it came in; empty if there is none.
            #[must_use]
            pub fn data(&self) -> &Bytes {
                &self.0.payload
            }

            /// Reads the client's payload as JSON.
            ///
            /// # Errors
            ///
            /// That of `serde_json`, also if there is no payload.
            pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
                serde_json::from_slice(&self.0.payload)
            }
        }
    )+};
}

accessors! { client:
    ConnectRequest, RefreshRequest, SubscribeRequest, PublishRequest, RpcRequest, SubRefreshRequest, MapPublishRequest,
    MapRemoveRequest
}
accessors! { user:
    RefreshRequest, SubscribeRequest, PublishRequest, RpcRequest, SubRefreshRequest, MapPublishRequest, MapRemoveRequest
}
accessors! { channel:
    SubscribeRequest, PublishRequest, SubRefreshRequest, MapPublishRequest, MapRemoveRequest, SharedPollRefreshRequest,
    NotifyCacheEmptyRequest
}
accessors! { key: MapPublishRequest, MapRemoveRequest }
accessors! { data: ConnectRequest, SubscribeRequest, PublishRequest, RpcRequest, MapPublishRequest }

impl Event<ConnectRequest> {
    /// Returns the name that the client gives itself, such as `js`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.message.name
    }

    /// Returns the version that the client gives itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.message.version
    }

    /// Returns the channels that the client asks the backend to be subscribed to.
    #[must_use]
    pub fn channels(&self) -> &[String] {
        &self.0.message.channels
    }
}

impl Event<SubscribeRequest> {
    /// Returns the token that the client subscribes with; empty without one. Centrifugo has not verified it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0.message.token
    }
}

impl Event<RpcRequest> {
    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.0.message.method
    }
}

impl Event<SharedPollRefreshRequest> {
    /// Returns the keys that clients track, with the versions that Centrifugo has; 0 if it has none.
    #[must_use]
    pub fn items(&self) -> &[SharedPollRefreshItem] {
        &self.0.message.items
    }
}

impl Event<NotifyChannelStateRequest> {
    /// Returns what has happened, oldest first.
    #[must_use]
    pub fn events(&self) -> &[ChannelEvent] {
        &self.0.message.events
    }
}
