//! The printed configuration, and each mismatch that is found then.

mod namespaces;
mod printed;
mod proxies;

use super::ProxyConfiguration;
use crate::caller::Caller;
use crate::error::Error;
use crate::event::EventKind;
use crate::handlers::Handlers;
use crate::reply::{
    CacheEmptyReply, ChannelStateReply, ConnectReply, MapPublishReply, MapRemoveReply,
    PublishReply, RefreshReply, RpcReply, SharedPollRefreshReply, StreamSubscribeReply,
    SubRefreshReply, SubscribeReply,
};
use crate::stream::StreamPublication;

const HTTP: &str = "http://backend:3000/centrifugo";
const GRPC: &str = "grpc://backend:4000";

type Publications = futures_util::stream::Empty<Result<StreamPublication, crate::Failed>>;

fn no_publications() -> Publications {
    futures_util::stream::empty()
}

/// Returns handlers of these events alone.
fn handlers(caller: Caller, kinds: &[EventKind]) -> Handlers {
    let mut handlers = Handlers::new(caller);
    for kind in kinds {
        handlers = match kind {
            EventKind::Connect => handlers.connect(|_| async { Ok(ConnectReply::user("42")) }),
            EventKind::Refresh => handlers.refresh(|_| async { Ok(RefreshReply::expired()) }),
            EventKind::Subscribe => handlers.subscribe(|_| async { Ok(SubscribeReply::allow()) }),
            EventKind::Publish => handlers.publish(|_| async { Ok(PublishReply::allow()) }),
            EventKind::Rpc => handlers.rpc(|_| async { Ok(RpcReply::new("1")) }),
            EventKind::SubRefresh => {
                handlers.sub_refresh(|_| async { Ok(SubRefreshReply::expired()) })
            }
            EventKind::MapPublish => {
                handlers.map_publish(|_| async { Ok(MapPublishReply::allow()) })
            }
            EventKind::MapRemove => handlers.map_remove(|_| async { Ok(MapRemoveReply::allow()) }),
            EventKind::SharedPollRefresh => {
                handlers.shared_poll_refresh(|_| async { Ok(SharedPollRefreshReply::default()) })
            }
            EventKind::SubscribeUnidirectional => handlers.subscribe_unidirectional(|_| async {
                Ok((StreamSubscribeReply::allow(), no_publications()))
            }),
            EventKind::SubscribeBidirectional => handlers.subscribe_bidirectional(|_, _| async {
                Ok((StreamSubscribeReply::allow(), no_publications()))
            }),
            EventKind::CacheEmpty => {
                handlers.cache_empty(|_| async { Ok(CacheEmptyReply::populated()) })
            }
            EventKind::ChannelState => {
                handlers.channel_state(|_| async { Ok(ChannelStateReply::received()) })
            }
        };
    }
    handlers
}

fn anyone(kinds: &[EventKind]) -> ProxyConfiguration {
    ProxyConfiguration::new(&handlers(Caller::anyone(), kinds)).http(HTTP)
}

fn secret() -> Result<Caller, Error> {
    Caller::with_secret("s3cret")
}

/// Asserts that a configuration is refused in these words, in each form.
#[track_caller]
fn assert_refused(configuration: &ProxyConfiguration, words: &[&str]) {
    let error = configuration.to_json().expect_err("it is refused");
    assert_eq!(configuration.to_yaml().as_ref(), Err(&error));
    assert_eq!(configuration.to_environment().as_ref(), Err(&error));
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("s3cret"), "{text}");
}
