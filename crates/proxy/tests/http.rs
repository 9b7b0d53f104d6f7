//! The HTTP service: what it answers to Centrifugo's requests, and to others.
#![cfg(feature = "http")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use centrifugo_proxy::{
    Caller, ClientError, ConnectReply, Disconnect, EventKind, Failed, Handlers, HttpResponse,
    HttpService, PublishReply, RefreshReply, Reject, RpcReply, SharedPollItem,
    SharedPollRefreshReply, StreamSubscribeReply, SubRefreshReply, SubscribeReply, binary,
};
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use tower::ServiceExt as _;

const DENIED: ClientError = ClientError::constant(403, "denied");
const BANNED: Disconnect = Disconnect::constant(4500, "banned");

fn anyone() -> Handlers {
    Handlers::new(Caller::anyone())
}

async fn send<B>(service: HttpService, request: Request<B>) -> HttpResponse
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Ok(response) = service.oneshot(request).await;
    response
}

fn post(path: &str, body: &str) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let request = Request::post(path).header("content-type", "application/json");
    request.body(body).expect("the request is valid")
}

async fn text(response: HttpResponse) -> String {
    let body = response.into_body().collect().await;
    let Ok(body) = body;
    String::from_utf8(body.to_bytes().to_vec()).expect("the body is text")
}

/// Returns the status and the body of the response to an event.
async fn ask(handlers: &Handlers, path: &str, body: &str) -> (StatusCode, String) {
    let response = send(handlers.http(), post(path, body)).await;
    (response.status(), text(response).await)
}

#[tokio::test]
async fn event_is_answered_by_its_handler() {
    let handlers = anyone()
        .connect(|event| async move {
            assert_eq!(event.client(), "c1");
            assert_eq!(event.name(), "js");
            assert_eq!(event.data(), r#"{ "a":1}"#);
            Ok(ConnectReply::user("42").info("[1]").channel("news"))
        })
        .subscribe(|event| async move {
            assert_eq!(event.user(), None);
            assert_eq!(event.channel(), "chat:1");
            Ok(SubscribeReply::allow())
        });
    let connect = r#"{"client":"c1","transport":"websocket","protocol":"json","encoding":"json","data":{ "a":1},"name":"js"}"#;
    assert_eq!(
        ask(&handlers, "/connect", connect).await,
        (
            StatusCode::OK,
            r#"{"result":{"user":"42","info":[1],"channels":["news"]}}"#.to_owned()
        )
    );
    let subscribe =
        r#"{"client":"c1","protocol":"json","encoding":"json","user":"","channel":"chat:1"}"#;
    assert_eq!(
        ask(&handlers, "/subscribe", subscribe).await,
        (StatusCode::OK, r#"{"result":{}}"#.to_owned())
    );
}

#[tokio::test]
async fn refusals_are_answers() {
    let handlers = anyone()
        .subscribe(|_| async { Err::<SubscribeReply, _>(DENIED.temporary().into()) })
        .publish(|_| async { Err::<PublishReply, _>(BANNED.into()) });
    assert_eq!(
        ask(&handlers, "/subscribe", "{}").await,
        (
            StatusCode::OK,
            r#"{"error":{"code":403,"message":"denied","temporary":true}}"#.to_owned()
        )
    );
    assert_eq!(
        ask(&handlers, "/publish", "{}").await,
        (
            StatusCode::OK,
            r#"{"disconnect":{"code":4500,"reason":"banned"}}"#.to_owned()
        )
    );
}

#[tokio::test]
async fn payloads_go_back_as_they_came() {
    let handlers = anyone().rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    let json = r#"{"protocol":"json","encoding":"json","data":{"a" : 1}}"#;
    assert_eq!(
        ask(&handlers, "/rpc", json).await.1,
        r#"{"result":{"data":{"a" : 1}}}"#
    );
    let binary = r#"{"protocol":"protobuf","encoding":"binary","b64data":"AP8="}"#;
    assert_eq!(
        ask(&handlers, "/rpc", binary).await.1,
        r#"{"result":{"b64data":"AP8="}}"#
    );
    let nothing = r#"{"protocol":"json","encoding":"json"}"#;
    assert_eq!(ask(&handlers, "/rpc", nothing).await.1, r#"{"result":{}}"#);
}

#[tokio::test]
async fn binary_reply_is_base64_and_other_bytes_are_refused() {
    let failures = Failures::default();
    let handlers = failures.watch(anyone().rpc(|event| async move {
        match event.method() {
            "said" => Ok(RpcReply::new(binary(vec![0, 255]))),
            _ => Ok(RpcReply::new(vec![0, 255])),
        }
    }));
    let said = r#"{"method":"said","protocol":"json","encoding":"json"}"#;
    assert_eq!(
        ask(&handlers, "/rpc", said).await.1,
        r#"{"result":{"b64data":"AP8="}}"#
    );
    let unsaid = r#"{"method":"unsaid","protocol":"json","encoding":"json"}"#;
    let encoded = r#"{"method":"unsaid","protocol":"json","encoding":"binary"}"#;
    let refused = (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    for unsaid in [unsaid, encoded] {
        assert_eq!(ask(&handlers, "/rpc", unsaid).await, refused);
        assert!(failures.take().contains("`data` is not JSON"));
    }
}

#[tokio::test]
async fn json_goes_back_as_base64_to_a_proxy_with_binary_encoding() {
    let handlers = anyone().rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) });
    let json = r#"{"protocol":"json","encoding":"binary","b64data":"eyJhIjoxfQ=="}"#;
    let answer = ask(&handlers, "/rpc", json).await.1;
    assert_eq!(answer, r#"{"result":{"b64data":"eyJhIjoxfQ=="}}"#);
    let nothing = r#"{"protocol":"json","encoding":"binary"}"#;
    assert_eq!(ask(&handlers, "/rpc", nothing).await.1, r#"{"result":{}}"#);
}

#[tokio::test]
async fn reply_can_not_break_out_of_its_field() {
    let handlers =
        anyone().rpc(|_| async { Ok(RpcReply::new(r#"1},"disconnect":{"code":4500}"#)) });
    let (status, body) = ask(&handlers, "/rpc", "{}").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body, "");
}

#[tokio::test]
async fn empty_data_in_place_of_a_publication_is_refused() {
    let handlers = anyone().publish(|_| async { Ok(PublishReply::allow().data("")) });
    let (status, _) = ask(&handlers, "/publish", r#"{"data":1}"#).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn subscription_that_goes_on_for_ever_differs_from_one_that_ends() {
    let for_ever = anyone().sub_refresh(|_| async { Ok(SubRefreshReply::for_ever()) });
    let expired = anyone().sub_refresh(|_| async { Ok(SubRefreshReply::expired()) });
    assert_eq!(
        ask(&for_ever, "/sub_refresh", "{}").await.1,
        r#"{"result":{}}"#
    );
    assert_eq!(
        ask(&expired, "/sub_refresh", "{}").await.1,
        r#"{"result":{"expired":true}}"#
    );
}

/// Returns handlers with a secret, which count nothing: their handler must not be called.
fn guarded() -> Handlers {
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    Handlers::new(caller).connect(|_| async { Ok(ConnectReply::user("42")) })
}

#[tokio::test]
async fn caller_without_secret_is_refused_before_its_body_is_read() {
    // A body that never ends: reading it would time out.
    let body = StreamBody::new(futures_util::stream::pending::<
        Result<http_body::Frame<Bytes>, Infallible>,
    >());
    let request = Request::post("/connect").header("x-centrifugo-secret", "wrong");
    let request = request.body(body).expect("the request is valid");
    let handlers = guarded().timeout(Duration::from_secs(3600));
    let response = send(handlers.http(), request).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(response).await, "");

    let mut request = post("/connect", "{}");
    let secret = http::HeaderValue::from_static("s3cret");
    request.headers_mut().insert("x-centrifugo-secret", secret);
    let response = send(handlers.http(), request).await;
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

/// The failures that `on_failure` saw.
#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Vec<String>>>);

impl Failures {
    fn watch(&self, handlers: Handlers) -> Handlers {
        let seen = Arc::clone(&self.0);
        handlers.on_failure(move |failed| {
            let mut seen = seen.lock().expect("no other test panics");
            seen.push(failed.to_string());
        })
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("no other test panics")).join("\n")
    }
}

#[tokio::test]
async fn error_and_panic_of_a_handler_are_told_to_the_hook_alone() {
    let failures = Failures::default();
    let handlers = failures.watch(
        anyone()
            .connect(|_| async {
                let number: u32 = "password of the database".parse()?;
                Ok(ConnectReply::user(number.to_string()))
            })
            .subscribe(|event| async move {
                assert_eq!(event.channel(), "news", "another secret");
                Ok(SubscribeReply::allow())
            })
            .refresh(|_| async { Err::<RefreshReply, _>(Failed("down".into())) })
            .rpc(|_| -> std::future::Ready<Result<RpcReply, Reject>> {
                panic!("before the future")
            }),
    );
    for (path, cause) in [
        ("/connect", "connect: the handler failed: invalid digit"),
        ("/subscribe", "another secret"),
        ("/refresh", "refresh: the handler failed: down"),
        ("/rpc", "before the future"),
    ] {
        let answer = ask(&handlers, path, "{}").await;
        assert_eq!(answer, (StatusCode::INTERNAL_SERVER_ERROR, String::new()));
        let seen = failures.take();
        assert!(seen.contains(cause), "{path}: {seen}");
    }
}

#[tokio::test]
async fn failure_reads_as_a_line_of_a_log() {
    let failures = Failures::default();
    let down = || std::io::Error::other("database is down");
    let handlers = failures.watch(
        anyone()
            .timeout(Duration::from_millis(20))
            .connect(move |_| async move { Err(down().into()) })
            .subscribe(|_| std::future::pending::<Result<SubscribeReply, Reject>>())
            .rpc(move |_| async move { Err(down().into()) }),
    );
    for (path, body, line) in [
        (
            "/rpc",
            r#"{"client":"c1","user":"42","method":"echo"}"#,
            r#"rpc "echo" of user 42: the handler failed: database is down"#,
        ),
        (
            "/rpc",
            r#"{"client":"c1","method":"a\nb"}"#,
            r#"rpc "a\nb" of client c1: the handler failed: database is down"#,
        ),
        (
            "/connect",
            r#"{"client":"c1"}"#,
            "connect of client c1: the handler failed: database is down",
        ),
        (
            "/subscribe",
            r#"{"client":"c1","user":"42","channel":"chat:1"}"#,
            r#"subscribe "chat:1" of user 42: there was no answer within 20ms: "#,
        ),
        (
            "/publish",
            "{}",
            "publish: no handler for `publish`: register one",
        ),
        ("/nothing", "{}", "unknown event: no handler for `/nothing`"),
    ] {
        ask(&handlers, path, body).await;
        let seen = failures.take();
        assert!(seen.starts_with(line), "{path}: {seen}");
    }
}

#[tokio::test]
async fn payload_that_is_not_json_is_told_with_what_to_give() {
    let failures = Failures::default();
    let handlers = failures.watch(
        anyone()
            .connect(|_| async { Ok(ConnectReply::user("42").meta(binary("x"))) })
            .rpc(|_| async { Ok(RpcReply::new("x")) })
            .shared_poll_refresh(|_| async {
                let item = SharedPollItem::new("key", 1, binary("x"));
                Ok(SharedPollRefreshReply::new().item(item))
            }),
    );
    for (path, problem, advice) in [
        (
            "/connect",
            "`meta` is not JSON, which it must always be: ",
            "give `centrifugo_proxy::json(&value)?`",
        ),
        (
            "/rpc",
            "`data` is not JSON, and the client uses JSON",
            "or `centrifugo_proxy::binary(bytes)` if clients expect bytes",
        ),
        (
            "/shared_poll_refresh",
            "`data` is not JSON, which it must be over HTTP: ",
            "or let Centrifugo call `Handlers::grpc`",
        ),
    ] {
        ask(&handlers, path, r#"{"protocol":"json"}"#).await;
        let seen = failures.take();
        assert!(seen.contains(problem) && seen.ends_with(advice), "{seen}");
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

#[tokio::test]
async fn headers_and_extensions_reach_the_handler() {
    let handlers = anyone().connect(|event| async move {
        assert_eq!(event.header("Cookie"), Some("session=1"));
        assert_eq!(event.extensions().get::<&str>(), Some(&"from a layer"));
        assert_eq!(
            event.peer(),
            Some("10.0.0.1:1".parse().expect("it is an address"))
        );
        Ok(ConnectReply::anonymous())
    });
    let mut request = post("/connect", "{}");
    let cookie = http::HeaderValue::from_static("session=1");
    request.headers_mut().insert("cookie", cookie);
    request.extensions_mut().insert("from a layer");
    let peer = centrifugo_proxy::Peer("10.0.0.1:1".parse().expect("it is an address"));
    request.extensions_mut().insert(peer);
    assert_eq!(
        send(handlers.http(), request).await.status(),
        StatusCode::OK
    );
}
