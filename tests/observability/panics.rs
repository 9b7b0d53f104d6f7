//! Observers that panic change nothing of a call.

use std::sync::Arc;

use centrifugo_api::http::HeaderMap;
use centrifugo_api::observe::{AttemptStart, CallEnd, CallObserver, CallStart, Observer};
use centrifugo_api::{Client, Coalescing, InfoRequest, PublishRequest, RpcRequest};

use crate::log::Log;
use crate::{Outcome, both_transports};

/// An observer whose functions all panic.
struct Panics;

impl Observer for Panics {
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        assert!(
            call.request::<RpcRequest>().is_none(),
            "a panic at the start"
        );
        Some(Arc::new(Self))
    }
}

impl CallObserver for Panics {
    fn attempt_starts(&self, _: &AttemptStart<'_>, _: &mut HeaderMap) {
        panic!("a panic in an attempt");
    }

    fn ends(&self, _: &CallEnd<'_>) {
        panic!("a panic at the end");
    }
}

#[tokio::test]
async fn panic_of_an_observer_changes_nothing() -> Outcome {
    for (_server, builder, _) in both_transports()? {
        let log = Log::default();
        let client: Client = builder.observer(Panics).observer(log.clone()).build()?;
        client
            .publish(PublishRequest::new("chat:news", "{}"))
            .await?;
        let _ = client.rpc(RpcRequest::new("method")).await;
        assert_eq!(log.take().len(), 8);
    }
    Ok(())
}

/// An observer that panics when it is dropped, after the call.
struct PanicsLate;

impl Observer for PanicsLate {
    fn call(&self, _: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        Some(Arc::new(PanicsAtDrop))
    }
}

struct PanicsAtDrop;

impl CallObserver for PanicsAtDrop {}

impl Drop for PanicsAtDrop {
    fn drop(&mut self) {
        panic!("a panic at the drop");
    }
}

#[tokio::test]
async fn panic_at_the_drop_of_an_observer_changes_nothing() -> Outcome {
    for (_server, builder, _) in both_transports()? {
        let client = builder.observer(PanicsLate).build()?;
        let shared = client.clone().coalescing(Coalescing::default());
        client.info(InfoRequest::new()).await?;
        shared.info(InfoRequest::new()).await?;
    }
    Ok(())
}
