//! Handlers of proxy events for [Centrifugo](https://centrifugal.dev): who connects, what clients may subscribe to, publish and
//! call.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stderr, clippy::print_stdout)]

mod api;
mod caller;
mod code;
mod error;
mod event;
mod failure;
#[cfg(feature = "grpc")]
mod grpc;
mod handlers;
#[cfg(feature = "http")]
mod http;
pub mod messages;
mod observe;
mod reject;
mod reply;
mod stream;

pub use caller::{Caller, Secrets};
pub use code::{ClientError, Disconnect};
pub use error::Error;
pub use event::{
    CacheEmptyEvent, ChannelStateEvent, ConnectEvent, Event, EventKind, EventMessage, Head,
    MapPublishEvent, MapRemoveEvent, Peer, PublishEvent, RefreshEvent, RpcEvent,
    SharedPollRefreshEvent, SubRefreshEvent, SubscribeEvent,
};
pub use failure::Failure;
#[cfg(feature = "grpc")]
#[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
pub use grpc::{GrpcFuture, GrpcService};
pub use handlers::Handlers;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use http::{HttpFuture, HttpResponse, HttpService};
pub use observe::{EventEnd, EventObserver, EventStart, Observer, Outcome, Transport};
pub use reject::{ErrorReject, Failed, Reject};
pub use reply::{
    CacheEmptyReply, ChannelStateReply, ConnectReply, KeyMode, MapPublishReply, MapRemoveReply,
    PublishReply, RefreshReply, RpcReply, SharedPollItem, SharedPollRefreshReply,
    StreamSubscribeReply, SubRefreshReply, SubscribeReply, SubscriptionOptions,
};
pub use stream::{ClientPublications, PublicationStream, StreamPublication};
