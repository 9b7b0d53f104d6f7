//! The answers of a backend.

use std::time::{Duration, SystemTime};

use centrifugo_proxy::{
    ClientError, ConnectReply, Disconnect, MapPublishReply, MapRemoveReply, PublishReply,
    RefreshReply, RpcReply, SharedPollRefreshReply, StreamSubscribeReply, SubRefreshReply,
    SubscribeReply,
};
use serde_json::Value;

/// An answer of the backend to one event.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Connect(ConnectReply),
    Refresh(RefreshReply),
    Subscribe(SubscribeReply),
    Publish(PublishReply),
    Rpc(RpcReply),
    SubRefresh(SubRefreshReply),
    MapPublish(MapPublishReply),
    MapRemove(MapRemoveReply),
    SharedPollRefresh(SharedPollRefreshReply),
    /// Opens a stream, which the case gets.
    Stream(StreamSubscribeReply),
    Error(ClientError),
    Disconnect(Disconnect),
    /// The handler returns an error that the client must not see.
    Fails,
    Panics,
    /// Nothing, until Centrifugo gives up.
    Late,
    /// An answer that the function makes when the server asks, for times.
    Then(fn() -> Answer),
    Raw(Raw),
    /// An answer that handlers of `cent` can give, as JSON.
    Cent(Value),
}

/// An answer that no handler of `centrifugo-proxy` can give.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    /// A response, as JSON over HTTP and as protobuf over gRPC.
    Response(Value),
    /// Bytes that are not a response.
    Garbage,
    /// A status of HTTP.
    Status(u16),
}

/// Returns a response that no handler can give.
pub(crate) fn raw(response: Value) -> Answer {
    Answer::Raw(Raw::Response(response))
}

/// Returns bytes that are not a response.
pub(crate) fn garbage() -> Answer {
    Answer::Raw(Raw::Garbage)
}

/// Returns a status of HTTP, without an answer.
pub(crate) fn status(status: u16) -> Answer {
    Answer::Raw(Raw::Status(status))
}

pub(crate) const NO: ClientError = ClientError::constant(400, "no");
pub(crate) const SOON: ClientError = ClientError::constant(1999, "soon").temporary();
/// Lets the client reconnect.
pub(crate) const PAUSE: Disconnect = Disconnect::constant(4000, "pause");
pub(crate) const BYE: Disconnect = Disconnect::constant(4999, "bye");

/// Returns the time in a minute.
pub(crate) fn in_a_minute() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

/// Returns a time that has passed.
pub(crate) fn past() -> SystemTime {
    SystemTime::now() - Duration::from_secs(10)
}

/// Returns a time as Centrifugo writes it, in seconds.
pub(crate) fn unix(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.expect("the clock is set").as_secs()
}

/// Makes replies answers.
macro_rules! answers {
    ($($variant:ident($reply:ty)),+ $(,)?) => {$(
        impl From<$reply> for Answer {
            fn from(reply: $reply) -> Self {
                Self::$variant(reply)
            }
        }
    )+};
}

answers!(
    Connect(ConnectReply),
    Refresh(RefreshReply),
    Subscribe(SubscribeReply),
    Publish(PublishReply),
    Rpc(RpcReply),
    SubRefresh(SubRefreshReply),
    MapPublish(MapPublishReply),
    MapRemove(MapRemoveReply),
    SharedPollRefresh(SharedPollRefreshReply),
    Stream(StreamSubscribeReply),
    Error(ClientError),
    Disconnect(Disconnect),
);
