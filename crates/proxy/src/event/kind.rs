//! The kinds of events.

use std::fmt;

/// The kind of an event that Centrifugo asks a backend about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A client connects without a token.
    Connect,
    /// A connection is about to expire.
    Refresh,
    /// A client subscribes to a channel.
    Subscribe,
    /// A client publishes to a channel.
    Publish,
    /// A client calls a method.
    Rpc,
    /// A subscription is about to expire.
    SubRefresh,
    /// A client sets a key of a map channel. Since Centrifugo 6.9.
    MapPublish,
    /// A client removes a key of a map channel. Since Centrifugo 6.9.
    MapRemove,
    /// The keys of a shared poll are due. Since Centrifugo 6.9.
    SharedPollRefresh,
    /// A client subscribes to a channel whose publications come from a stream of the backend. Only over gRPC.
    SubscribeUnidirectional,
    /// The same, and the stream gets what the client publishes. Only over gRPC.
    SubscribeBidirectional,
    /// A client subscribes to a channel whose cache is empty. Centrifugo PRO.
    CacheEmpty,
    /// Channels became occupied or vacated. Centrifugo PRO.
    ChannelState,
}

impl EventKind {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::Connect,
        Self::Refresh,
        Self::Subscribe,
        Self::Publish,
        Self::Rpc,
        Self::SubRefresh,
        Self::MapPublish,
        Self::MapRemove,
        Self::SharedPollRefresh,
        Self::SubscribeUnidirectional,
        Self::SubscribeBidirectional,
        Self::CacheEmpty,
        Self::ChannelState,
    ];

    /// Returns the name, such as `sub_refresh`: the last part of the URL over HTTP, and a label in traces and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Refresh => "refresh",
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::Rpc => "rpc",
            Self::SubRefresh => "sub_refresh",
            Self::MapPublish => "map_publish",
            Self::MapRemove => "map_remove",
            Self::SharedPollRefresh => "shared_poll_refresh",
            Self::SubscribeUnidirectional => "subscribe_unidirectional",
            Self::SubscribeBidirectional => "subscribe_bidirectional",
            Self::CacheEmpty => "cache_empty",
            Self::ChannelState => "channel_state",
        }
    }

    /// Returns the name of the rpc over gRPC, such as `SubRefresh`.
    #[must_use]
    pub const fn rpc(self) -> &'static str {
        match self {
            Self::Connect => "Connect",
            Self::Refresh => "Refresh",
            Self::Subscribe => "Subscribe",
            Self::Publish => "Publish",
            Self::Rpc => "RPC",
            Self::SubRefresh => "SubRefresh",
            Self::MapPublish => "MapPublish",
            Self::MapRemove => "MapRemove",
            Self::SharedPollRefresh => "SharedPollRefresh",
            Self::SubscribeUnidirectional => "SubscribeUnidirectional",
            Self::SubscribeBidirectional => "SubscribeBidirectional",
            Self::CacheEmpty => "NotifyCacheEmpty",
            Self::ChannelState => "NotifyChannelState",
        }
    }

    /// Returns whether the event is a stream, which only gRPC has.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        matches!(
            self,
            Self::SubscribeUnidirectional | Self::SubscribeBidirectional
        )
    }

    /// Returns the kind of that [`name`](Self::name).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut kinds = Self::ALL.iter().copied();
        kinds.find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
