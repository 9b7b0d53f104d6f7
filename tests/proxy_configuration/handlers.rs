//! Handlers of the events of the open-source Centrifugo.

use std::time::Duration;

use centrifugo_proxy::{
    Caller, ConnectReply, Failed, Handlers, MapPublishReply, MapRemoveReply, PublishReply,
    RefreshReply, RpcReply, SharedPollRefreshReply, StreamPublication, StreamSubscribeReply,
    SubRefreshReply, SubscribeReply,
};
use futures_util::stream::{self, Stream, StreamExt as _};

const MINUTE: Duration = Duration::from_secs(60);

/// Returns handlers of a chat, of methods, and of connections.
pub(crate) fn chat(caller: Caller) -> Handlers {
    Handlers::new(caller)
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .subscribe(|_| async { Ok(SubscribeReply::allow()) })
        .publish(|_| async { Ok(PublishReply::allow()) })
        .rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) })
}

/// Adds handlers of all other events that both transports have.
pub(crate) fn with_unary(handlers: Handlers) -> Handlers {
    handlers
        .refresh(|_| async { Ok(RefreshReply::for_the_next(MINUTE)) })
        .sub_refresh(|_| async { Ok(SubRefreshReply::for_ever()) })
        .map_publish(|_| async { Ok(MapPublishReply::allow()) })
        .map_remove(|_| async { Ok(MapRemoveReply::allow()) })
        .shared_poll_refresh(|_| async { Ok(SharedPollRefreshReply::new()) })
}

/// Adds a handler of streams of one publication, that stay open.
pub(crate) fn with_unidirectional(handlers: Handlers) -> Handlers {
    handlers.subscribe_unidirectional(|_| async { Ok((StreamSubscribeReply::allow(), one())) })
}

/// Adds such a handler of bidirectional streams.
pub(crate) fn with_bidirectional(handlers: Handlers) -> Handlers {
    handlers.subscribe_bidirectional(|_, _| async { Ok((StreamSubscribeReply::allow(), one())) })
}

fn one() -> impl Stream<Item = Result<StreamPublication, Failed>> {
    stream::iter([Ok(StreamPublication::new("\"from the stream\""))]).chain(stream::pending())
}
