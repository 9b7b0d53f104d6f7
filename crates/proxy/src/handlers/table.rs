//! The registered handlers.

// The hidden functions of `EventMessage` name these types.
#![allow(unreachable_pub)]

use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;

use crate::event::{Event, EventKind, EventMessage, SubscribeEvent};
use crate::failure::Failure;
use crate::messages::{
    ConnectRequest, MapPublishRequest, MapRemoveRequest, NotifyCacheEmptyRequest,
    NotifyChannelStateRequest, Publication, PublishRequest, RefreshRequest, RpcRequest,
    SharedPollRefreshRequest, SubRefreshRequest, SubscribeRequest, SubscribeResponse,
};
use crate::observe::Summary;
use crate::reject::{Failed, Reject};
use crate::reply::{Format, Reply, StreamSubscribeReply};
use crate::stream::{ClientPublications, StreamPublication, checked, empty};

/// A future without a type of its own.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A stream without a type of its own.
pub(crate) type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// The answer to an event, and how it is to be counted.
#[derive(Debug)]
pub struct Answer<R> {
    pub(crate) response: R,
    pub(crate) summary: Summary,
}

/// A handler, whatever its function is.
pub type Handler<M> = Arc<
    dyn Fn(Event<M>, Format) -> BoxFuture<Result<Answer<<M as EventMessage>::Response>, Failure>>
        + Send
        + Sync,
>;

/// A handler that opens a stream.
pub(crate) type StreamHandler = Arc<
    dyn Fn(SubscribeEvent, ClientPublications, Format) -> BoxFuture<Result<Opened, Failure>>
        + Send
        + Sync,
>;

/// The answer that opens a stream, or refuses to, and the publications.
pub(crate) type Opened = (
    Answer<SubscribeResponse>,
    BoxStream<Result<Publication, Failure>>,
);

/// The handlers by event.
#[derive(Clone, Default)]
#[allow(missing_debug_implementations)] // Users never have one.
pub struct Table {
    pub(crate) connect: Option<Handler<ConnectRequest>>,
    pub(crate) refresh: Option<Handler<RefreshRequest>>,
    pub(crate) subscribe: Option<Handler<SubscribeRequest>>,
    pub(crate) publish: Option<Handler<PublishRequest>>,
    pub(crate) rpc: Option<Handler<RpcRequest>>,
    pub(crate) sub_refresh: Option<Handler<SubRefreshRequest>>,
    pub(crate) map_publish: Option<Handler<MapPublishRequest>>,
    pub(crate) map_remove: Option<Handler<MapRemoveRequest>>,
    pub(crate) shared_poll_refresh: Option<Handler<SharedPollRefreshRequest>>,
    pub(crate) cache_empty: Option<Handler<NotifyCacheEmptyRequest>>,
    pub(crate) channel_state: Option<Handler<NotifyChannelStateRequest>>,
    pub(crate) subscribe_unidirectional: Option<StreamHandler>,
    pub(crate) subscribe_bidirectional: Option<StreamHandler>,
}

impl Table {
    pub(crate) fn has(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Connect => self.connect.is_some(),
            EventKind::Refresh => self.refresh.is_some(),
            EventKind::Subscribe => self.subscribe.is_some(),
            EventKind::Publish => self.publish.is_some(),
            EventKind::Rpc => self.rpc.is_some(),
            EventKind::SubRefresh => self.sub_refresh.is_some(),
            EventKind::MapPublish => self.map_publish.is_some(),
            EventKind::MapRemove => self.map_remove.is_some(),
            EventKind::SharedPollRefresh => self.shared_poll_refresh.is_some(),
            EventKind::SubscribeUnidirectional => self.subscribe_unidirectional.is_some(),
            EventKind::SubscribeBidirectional => self.subscribe_bidirectional.is_some(),
            EventKind::CacheEmpty => self.cache_empty.is_some(),
            EventKind::ChannelState => self.channel_state.is_some(),
        }
    }
}

/// Returns a handler that calls a function.
pub(crate) fn handler<M, A, F, R>(function: F) -> Handler<M>
where
    M: EventMessage,
    A: Reply<M>,
    F: Fn(Event<M>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<A, A::Reject>> + Send + 'static,
{
    Arc::new(move |event, format| {
        let answered = function(event);
        Box::pin(async move {
            match answered.await {
                Ok(reply) => {
                    let response = reply.accepted(&format)?;
                    let summary = Summary::Accepted;
                    Ok(Answer { response, summary })
                }
                Err(reject) => A::refused(reject),
            }
        })
    })
}

/// Returns a handler of streams that calls a function.
pub(crate) fn stream_handler<F, R, S>(function: F) -> StreamHandler
where
    F: Fn(SubscribeEvent, ClientPublications) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(StreamSubscribeReply, S), Reject>> + Send + 'static,
    S: Stream<Item = Result<StreamPublication, Failed>> + Send + 'static,
{
    Arc::new(move |event, publications, format| {
        let answered = function(event, publications);
        Box::pin(async move {
            match answered.await {
                Ok((reply, stream)) => {
                    let response = reply.accepted(&format)?;
                    let summary = Summary::Accepted;
                    Ok((Answer { response, summary }, checked(stream, format)))
                }
                Err(reject) => {
                    let answer = StreamSubscribeReply::refused(reject)?;
                    Ok((answer, empty()))
                }
            }
        })
    })
}
