//! Bodies of requests: their type, syntax, length and time.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use centrifugo_proxy::{ConnectReply, RpcReply, SharedPollRefreshReply};
use http::{Request, StatusCode};
use http_body_util::{Full, StreamBody};

use crate::{anyone, ask, send};

#[tokio::test]
async fn content_type_must_be_json() {
    let handlers = anyone().connect(|_| async { Ok(ConnectReply::anonymous()) });
    let allowed = ["application/json", "Application/JSON; charset=utf-8"];
    let refused = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "json",
    ];
    let nothing = Request::post("/connect").body(Full::new(Bytes::from("{}")));
    let nothing = send(handlers.http(), nothing.expect("the request is valid")).await;
    assert_eq!(nothing.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for (content_type, status) in allowed
        .map(|allowed| (allowed, StatusCode::OK))
        .into_iter()
        .chain(refused.map(|refused| (refused, StatusCode::UNSUPPORTED_MEDIA_TYPE)))
    {
        let request = Request::post("/connect").header("content-type", content_type);
        let request = request
            .body(Full::new(Bytes::from("{}")))
            .expect("the request is valid");
        assert_eq!(
            send(handlers.http(), request).await.status(),
            status,
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_no_event_are_bad_requests() {
    let handlers = anyone().rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    for body in [
        "",
        "[]",
        "1",
        r#"{"client""#,
        r#"{"client":1}"#,
        r#"{"b64data":"!"}"#,
        r#"{"b64data":"AP8"}"#,
        r#"{"data":}"#,
        "{} {}",
    ] {
        let (status, _) = ask(&handlers, "/rpc", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    for body in ["null", r#"{"unknown":{"a":[1,2]}}"#] {
        let (status, _) = ask(&handlers, "/rpc", body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
}

#[tokio::test]
async fn large_request_is_not_quoted_as_a_whole() {
    let handlers = anyone().shared_poll_refresh(|_| async { Ok(SharedPollRefreshReply::new()) });
    let body = format!(r#"{{"items":[{{"version":"{}"}}]}}"#, "ä".repeat(100_000));
    let (status, text) = ask(&handlers, "/shared_poll_refresh", &body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.ends_with("ää…"), "{text}");
    assert!(text.chars().count() < 600, "{text}");
}

#[tokio::test]
async fn body_above_the_limit_is_refused() {
    let handlers = anyone()
        .body_limit(20)
        .rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    let (status, _) = ask(&handlers, "/rpc", r#"{"data":"12345678"}"#).await;
    assert_eq!(status, StatusCode::OK);
    let (status, body) = ask(&handlers, "/rpc", r#"{"data":"1234567890"}"#).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(body.contains("body_limit"), "{body}");
    // Without a length, the body is read up to the limit.
    let chunk = || Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(b"          ")));
    let chunks = StreamBody::new(futures_util::stream::repeat_with(chunk));
    let request = Request::post("/rpc")
        .header("content-type", "application/json")
        .body(chunks)
        .expect("the request is valid");
    let response = send(handlers.http(), request).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn handler_and_body_have_the_timeout_together() {
    let handlers = anyone()
        .timeout(Duration::from_millis(900))
        .rpc(|_| async { std::future::pending().await });
    let (status, _) = ask(&handlers, "/rpc", "{}").await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    let pending = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, Infallible>>();
    let request = Request::post("/rpc").header("content-type", "application/json");
    let request = request.body(StreamBody::new(pending));
    let response = send(handlers.http(), request.expect("the request is valid")).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
}
