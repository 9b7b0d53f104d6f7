//! Panics of the backend's functions, wherever they happen: each event has an answer, and observers see what happened.
#![cfg(all(feature = "http", feature = "grpc"))]

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use centrifugo_proxy::messages::{StreamSubscribeResponse, SubscribeRequest};
use centrifugo_proxy::{
    Caller, EventEnd, EventObserver, EventStart, Failed, FailedEvent, Handlers, Observer, Reject,
    RpcReply, StreamPublication, StreamSubscribeReply,
};
use futures_util::{Stream, stream};
use http::{Request, StatusCode};
use http_body_util::Full;
use tonic::client::Grpc;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::ServiceExt as _;

/// The events that an observer has seen, in order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn push(&self, text: String) {
        self.0.lock().expect("no other test panics").push(text);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no other test panics"))
    }
}

impl Observer for Seen {
    fn event(&self, _: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        Some(Box::new(self.clone()))
    }

    fn stream_failed(&self, failed: &FailedEvent<'_>) {
        self.push(failed.to_string());
    }
}

impl EventObserver for Seen {
    fn ends(self: Box<Self>, end: &EventEnd<'_>) {
        self.push(end.outcome.name().to_owned());
    }
}

/// Something that panics when it is dropped.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("while it is dropped");
    }
}

/// The status of an event whose request is empty.
async fn status(handlers: &Handlers) -> StatusCode {
    let request = Request::post("/rpc").header("content-type", "application/json");
    let request = request.body(Full::new(Bytes::from("{}")));
    let request = request.expect("the request is valid");
    let Ok(response) = handlers.http().oneshot(request).await;
    response.status()
}

async fn open(handlers: &Handlers) -> Result<Streaming<StreamSubscribeResponse>, Status> {
    let path = "/centrifugal.centrifugo.proxy.CentrifugoProxy/SubscribeUnidirectional";
    let path = http::uri::PathAndQuery::from_static(path);
    let request = tonic::Request::new(SubscribeRequest::default());
    let codec = ProstCodec::<_, StreamSubscribeResponse>::default();
    let mut client = Grpc::new(handlers.grpc());
    let response = client.server_streaming(request, path, codec).await?;
    let mut stream = response.into_inner();
    stream.message().await?;
    Ok(stream)
}

#[tokio::test]
async fn handler_that_panics_while_it_is_dropped_has_timed_out() {
    let seen = Seen::default();
    let handlers = Handlers::new(Caller::anyone())
        .timeout(Duration::from_millis(10))
        .observer(seen.clone())
        .rpc(|_| async {
            let _fragile = Fragile;
            std::future::pending::<Result<RpcReply, Reject>>().await
        });
    assert_eq!(status(&handlers).await, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(seen.take(), ["timeout"]);
}

#[tokio::test]
async fn caller_whose_check_panics_is_refused() {
    let seen = Seen::default();
    let caller = Caller::verified_by(|_, _| panic!("no certificate"));
    let handlers = Handlers::new(caller)
        .observer(seen.clone())
        .rpc(|_| async { Ok(RpcReply::empty()) });
    let expected = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(status(&handlers).await, expected);
    assert_eq!(seen.take(), ["panic"]);
    let refused = open(&handlers).await.map(drop);
    assert_eq!(refused.map_err(|status| status.code()), Err(Code::Internal));
}

#[tokio::test]
async fn panic_of_a_stream_is_told_as_panic() -> Result<(), Status> {
    let seen = Seen::default();
    let handlers = Handlers::new(Caller::anyone())
        .observer(seen.clone())
        .subscribe_unidirectional(|_| async {
            let publications = stream::poll_fn(|_| panic!("within the stream"));
            Ok((StreamSubscribeReply::allow(), publications))
        });
    let mut stream = open(&handlers).await?;
    let status = stream.message().await.expect_err("the stream panics");
    assert_eq!((status.code(), status.message()), (Code::Internal, ""));
    let panic = "subscribe_unidirectional: a function of the backend panicked: within the stream";
    assert_eq!(seen.take(), ["accepted", panic]);
    Ok(())
}

#[tokio::test]
async fn stream_that_panics_while_it_is_dropped_has_ended() -> Result<(), Status> {
    struct Ended {
        _fragile: Fragile,
    }
    impl Stream for Ended {
        type Item = Result<StreamPublication, Failed>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(None)
        }
    }
    let handlers = Handlers::new(Caller::anyone()).subscribe_unidirectional(|_| async {
        Ok((StreamSubscribeReply::allow(), Ended { _fragile: Fragile }))
    });
    let mut stream = open(&handlers).await?;
    assert_eq!(stream.message().await?, None);
    drop(open(&handlers).await?);
    Ok(())
}
