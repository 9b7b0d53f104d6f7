//! Paths and methods of requests.

use bytes::Bytes;
use centrifugo_proxy::{ConnectReply, EventKind, RpcReply, StreamSubscribeReply};
use http::{Request, StatusCode};
use http_body_util::Empty;

use crate::{Failures, anyone, ask, post, send, text};

#[tokio::test]
async fn path_without_event_or_handler_is_not_found() {
    let handlers = anyone().connect(|_| async { Ok(ConnectReply::anonymous()) });
    for path in ["/", "/connect/", "/Connect", "/x/connect", "/rpc"] {
        let (status, body) = ask(&handlers, path, "{}").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(body.contains("no handler"), "{path}: {body}");
    }
}

#[tokio::test]
async fn service_of_one_event_answers_at_any_path() {
    let handlers = anyone().connect(|_| async { Ok(ConnectReply::anonymous()) });
    let service = handlers.http_event(EventKind::Connect);
    let response = send(service, post("/any/path", "{}")).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn paths_begin_with_the_prefix() {
    let handlers = anyone()
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .rpc(|_| async { Ok(RpcReply::empty()) });
    for prefix in ["/centrifugo", "/centrifugo/", "centrifugo"] {
        for (path, status) in [
            ("/centrifugo/connect", StatusCode::OK),
            ("/connect", StatusCode::NOT_FOUND),
            ("/centrifugoconnect", StatusCode::NOT_FOUND),
        ] {
            let below = handlers.http().below(prefix);
            let response = send(below, post(path, "{}")).await;
            assert_eq!(response.status(), status, "{path} below {prefix}");
        }
    }
    let below = handlers.http().below("/");
    let response = send(below, post("/connect", "{}")).await;
    assert_eq!(response.status(), StatusCode::OK);
    // The service of one event has no others.
    let connect = handlers.http_event(EventKind::Connect).below("/centrifugo");
    let response = send(connect, post("/centrifugo/rpc", "{}")).await;
    assert_eq!(text(response).await, r#"{"result":{"user":"42"}}"#);
}

#[tokio::test]
async fn other_methods_than_post_are_not_allowed() {
    let handlers = anyone().connect(|_| async { Ok(ConnectReply::anonymous()) });
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let request = Request::builder().method(method).uri("/connect");
        let request = request
            .body(Empty::<Bytes>::new())
            .expect("the request is valid");
        let response = send(handlers.http(), request).await;
        assert_eq!(
            response.status(),
            StatusCode::METHOD_NOT_ALLOWED,
            "{method}"
        );
        assert_eq!(response.headers()["allow"], "POST");
    }
}

#[tokio::test]
async fn stream_over_http_is_referred_to_grpc() {
    let failures = Failures::default();
    let registered = anyone().subscribe_unidirectional(|_| async {
        let publications = futures_util::stream::empty();
        Ok((StreamSubscribeReply::allow(), publications))
    });
    for handlers in [anyone(), registered] {
        let handlers = failures.watch(handlers);
        let (status, text) = ask(&handlers, "/subscribe_unidirectional", "{}").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(
            text.contains("only over gRPC: serve `Handlers::grpc`"),
            "{text}"
        );
        let seen = failures.take();
        assert!(seen.starts_with("subscribe_unidirectional: "), "{seen}");
        let service = handlers.http_event(EventKind::SubscribeUnidirectional);
        let response = send(service, post("/", "{}")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(failures.take().contains("only over gRPC"));
    }
}
