//! Callers without the secret.

use std::convert::Infallible;

use bytes::Bytes;
use centrifugo_proxy::{Caller, ConnectReply, Handlers};
use http::{Request, StatusCode};
use http_body_util::{Empty, StreamBody};

use crate::{post, send, text};

/// Returns handlers with a secret.
fn guarded() -> Handlers {
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    Handlers::new(caller).connect(|_| async { Ok(ConnectReply::user("42")) })
}

#[tokio::test(start_paused = true)]
async fn caller_without_secret_is_refused_before_its_body_is_read() {
    // A body that never ends: reading it would end in 504.
    let body = StreamBody::new(futures_util::stream::pending::<
        Result<http_body::Frame<Bytes>, Infallible>,
    >());
    let request = Request::post("/connect").header("x-centrifugo-secret", "wrong");
    let request = request.body(body).expect("the request is valid");
    let response = send(guarded().http(), request).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(response).await, "");

    let mut request = post("/connect", "{}");
    let secret = http::HeaderValue::from_static("s3cret");
    request.headers_mut().insert("x-centrifugo-secret", secret);
    let response = send(guarded().http(), request).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn stranger_learns_nothing_of_paths_and_methods() {
    for path in ["/connect", "/rpc", "/nothing", "/"] {
        let response = send(guarded().http(), post(path, "{}")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let request = Request::get("/connect").body(Empty::<Bytes>::new());
    let response = send(guarded().http(), request.expect("the request is valid")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
