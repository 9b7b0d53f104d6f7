//! Bodies of HTTP requests that arrive in pieces.
#![cfg(feature = "http")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use centrifugo_proxy::{Caller, Handlers, RpcReply};
use futures_util::{Stream, stream};
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tower::ServiceExt as _;

const BODY: &str = r#"{"data":"in pieces"}"#;

async fn ask<S>(frames: S) -> (StatusCode, Bytes)
where
    S: Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + 'static,
{
    let handlers = Handlers::new(Caller::anyone())
        .rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    let request = Request::post("/rpc").header("content-type", "application/json");
    let request = request.body(StreamBody::new(frames));
    let request = request.expect("the request is valid");
    let Ok(response) = handlers.http().oneshot(request).await;
    let status = response.status();
    let Ok(body) = response.into_body().collect().await;
    (status, body.to_bytes())
}

#[tokio::test]
async fn pieces_of_a_body_are_put_together() {
    for length in 1..=BODY.len() {
        let pieces = BODY.as_bytes().chunks(length);
        let pieces = pieces.map(|piece| Frame::data(Bytes::from_static(piece)));
        let empty = || Frame::data(Bytes::new());
        let mut frames = vec![empty()];
        frames.extend(pieces.flat_map(|piece| [piece, empty()]));
        frames.push(Frame::trailers(HeaderMap::new()));
        let answer = ask(stream::iter(frames.into_iter().map(Ok))).await;
        let expected = Bytes::from(r#"{"result":{"data":"in pieces"}}"#);
        assert_eq!(answer, (StatusCode::OK, expected), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn body_whose_head_says_that_it_is_too_long_is_not_waited_for() {
    let handlers = Handlers::new(Caller::anyone()).rpc(|_| async { Ok(RpcReply::empty()) });
    let never = stream::pending::<Result<Frame<Bytes>, Infallible>>();
    let request = Request::post("/rpc")
        .header("content-type", "application/json")
        .header("content-length", "1001")
        .body(StreamBody::new(never))
        .expect("the request is valid");
    let Ok(response) = handlers.body_limit(1000).http().oneshot(request).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// A byte of a body, which counts those that are kept.
struct Counted(Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        b" "
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn pieces_of_a_body_are_not_kept_apart() {
    let kept = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let frames = stream::iter((0..1000).map(move |_| {
        let before = kept.fetch_add(1, Ordering::Relaxed);
        seen.fetch_max(before + 1, Ordering::Relaxed);
        let byte = Bytes::from_owner(Counted(Arc::clone(&kept)));
        Ok(Frame::data(byte))
    }));
    let (status, _) = ask(frames).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let most = most.load(Ordering::Relaxed);
    assert!(most <= 2, "{most} pieces were there at once");
}
