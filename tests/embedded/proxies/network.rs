//! Backends over HTTP and gRPC: `proxy_url`, and the endpoints of a configuration.

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use centrifugo_api_testing::{Namespace, ProxyOptions, Server, ServerBuilder};
use centrifugo_proxy::{
    Caller, ConnectReply, EventKind, Failed, Handlers, RpcReply, StreamPublication,
    StreamSubscribeReply, SubscribeReply,
};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

use super::{NO, connect, refusal, text};
use crate::{Outcome, describe, soon};

/// The handlers of both backends.
const KINDS: [EventKind; 3] = [EventKind::Connect, EventKind::Subscribe, EventKind::Rpc];

fn handlers() -> Result<Handlers, centrifugo_proxy::Error> {
    let handlers = Handlers::new(Caller::with_secret("s3cret")?);
    Ok(handlers
        .connect(|event| {
            let name = event.name().to_owned();
            async move { Ok(ConnectReply::user(name).meta(r#"{"m":1}"#)) }
        })
        .subscribe(|event| async move {
            if event.channel().ends_with("no") {
                return Err(NO.into());
            }
            Ok(SubscribeReply::allow().data(r#"{"welcome":1}"#))
        })
        .rpc(|event| async move {
            if event.method() == "panic" {
                panic!("the handler panics");
            }
            let meta = text(event.meta());
            Ok(RpcReply::new(format!("[{},{meta}]", text(event.data()))))
        })
        .subscribe_bidirectional(|_, publications| async move {
            let echo = publications.map(|data| {
                if data == "0" {
                    return Err(Failed::from(super::Broken));
                }
                Ok(StreamPublication::new(data))
            });
            Ok((StreamSubscribeReply::allow(), echo))
        })
        .subscribe_unidirectional(|_| async {
            let publications = stream::iter([Ok(StreamPublication::new("1"))]);
            Ok((StreamSubscribeReply::allow(), publications))
        }))
}

async fn serve_http(router: Router) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn http_backend() -> Result<String, Box<dyn std::error::Error>> {
    let service = handlers()?.http().below("/centrifugo");
    let address = serve_http(Router::new().fallback_service(service)).await?;
    Ok(format!("http://{address}/centrifugo"))
}

async fn grpc_backend() -> Result<String, Box<dyn std::error::Error>> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = incoming.local_addr()?;
    let server = tonic::transport::Server::builder().add_service(handlers()?.grpc());
    tokio::spawn(server.serve_with_incoming(incoming));
    Ok(format!("grpc://{address}"))
}

fn options() -> ProxyOptions {
    ProxyOptions::new()
        .static_header("x-centrifugo-secret", "s3cret")
        .include_connection_meta(true)
}

fn builder() -> ServerBuilder {
    Server::builder().namespace(Namespace::new("chat").subscribe_proxy_enabled(true))
}

#[tokio::test]
async fn backends_are_asked_over_both_protocols() -> Outcome {
    for url in [http_backend().await?, grpc_backend().await?] {
        let server = builder()
            .proxy_url(&url, KINDS)
            .proxy_options(options())
            .start()?;
        let anna = connect(&server, "anna").await?;
        assert_eq!(anna.user(), "anna", "{url}");
        assert_eq!(
            anna.subscribe("chat:1").await?.data,
            r#"{"welcome":1}"#,
            "{url}"
        );
        assert_eq!(
            refusal(anna.subscribe("chat:no").await),
            (403, "no".into()),
            "{url}"
        );
        assert_eq!(anna.rpc("echo", "7").await?, r#"[7,{"m":1}]"#, "{url}");
        assert_eq!(refusal(anna.rpc("panic", "7").await).0, 100, "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn backend_refuses_without_its_secret() -> Outcome {
    for url in [http_backend().await?, grpc_backend().await?] {
        let wrong = ProxyOptions::new().static_header("x-centrifugo-secret", "other");
        let server = builder()
            .proxy_url(&url, KINDS)
            .proxy_options(wrong)
            .start()?;
        assert_eq!(refusal(connect(&server, "anna").await).0, 100, "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn streams_work_over_grpc() -> Outcome {
    let feed = Namespace::new("feed").subscribe_stream_proxy_enabled(true);
    let talk = Namespace::new("talk")
        .subscribe_stream_proxy_enabled(true)
        .subscribe_stream_proxy_bidirectional(true);
    let kinds = [
        EventKind::Connect,
        EventKind::SubscribeBidirectional,
        EventKind::SubscribeUnidirectional,
    ];
    let server = Server::builder()
        .namespace(feed)
        .namespace(talk)
        .proxy_url(grpc_backend().await?, kinds)
        .proxy_options(options())
        .start()?;
    let mut anna = connect(&server, "anna").await?;
    anna.subscribe("feed:1").await?;
    anna.subscribe("talk:1").await?;
    anna.publish("talk:1", "1").await?;
    anna.publish("talk:1", "0").await?;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let event = soon("an event", anna.next()).await.ok_or("the end")?;
        seen.push(describe(&event));
    }
    seen.sort();
    let expected = [
        "feed:1: 0 1",
        "feed:1: 2000 server unsubscribe",
        "talk:1: 0 1",
        "talk:1: 2500 insufficient state",
    ];
    assert_eq!(seen, expected);
    Ok(())
}

#[test]
fn urls_at_which_nothing_can_be_asked_are_refused_at_the_start() {
    for (url, problem) in [
        ("ftp://127.0.0.1:21", "neither http:// nor grpc://"),
        ("https://127.0.0.1", "no TLS"),
        ("grpcs://127.0.0.1:4000", "no TLS"),
        ("http://", "is not a URL"),
        ("http://127.0.0.1:3000?a=b", "has a query"),
        ("grpc://127.0.0.1", "give a host and a port"),
        ("backend", "give a host and a port"),
        ("grpc://127.0.0.1:4000/path", "give a host and a port"),
        ("grpc://", "is not an address"),
    ] {
        let started = builder().proxy_url(url, KINDS).start();
        let error = started.map(drop).expect_err(url).to_string();
        assert!(error.contains("proxy_url: "), "{url}: {error}");
        assert!(error.contains(problem), "{url}: {error}");
    }
    let kinds = [EventKind::SubscribeBidirectional];
    let started = builder().proxy_url("http://127.0.0.1:3000", kinds).start();
    let error = started.map(drop).expect_err("it is a stream").to_string();
    assert!(
        error.contains("`subscribe_bidirectional` is a stream"),
        "{error}"
    );
}

#[tokio::test]
async fn backend_that_is_not_there_is_error_100() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    drop(listener);
    for scheme in ["http", "grpc"] {
        let url = format!("{scheme}://{address}");
        let server = builder().proxy_url(&url, KINDS).start()?;
        assert_eq!(refusal(connect(&server, "anna").await).0, 100, "{url}");
    }
    Ok(())
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_error_100() -> Outcome {
    let router = Router::new()
        .route("/connect", post(async || r#"{"result": {"user": "anna"}}"#))
        .route(
            "/rpc",
            post(async |body: String| {
                if body.contains("late") {
                    std::future::pending::<()>().await;
                }
                "{"
            }),
        );
    let url = format!("http://{}", serve_http(router).await?);
    let options = ProxyOptions::new().timeout(std::time::Duration::from_millis(100));
    let server = builder()
        .proxy_url(url, KINDS)
        .proxy_options(options)
        .start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(refusal(anna.rpc("garbage", "1").await).0, 100);
    assert_eq!(refusal(anna.rpc("late", "1").await).0, 100);
    Ok(())
}

#[tokio::test]
async fn answers_that_say_several_things_have_an_order() -> Outcome {
    let all = r#"{
        "result": {"data": 1},
        "error": {"code": 400, "message": "no"},
        "disconnect": {"code": 4500, "reason": "bye"}
    }"#;
    let router = Router::new()
        .route("/connect", post(async || r#"{"result": {"user": "anna"}}"#))
        .route(
            "/publish",
            post(async || r#"{"result": {"data": 1, "b64data": "Mg=="}}"#),
        )
        .route(
            "/rpc",
            post(async || r#"{"result": {"data": 1, "b64data": "Mg=="}}"#),
        )
        .route("/subscribe", post(async move || all));
    let url = format!("http://{}", serve_http(router).await?);
    let kinds = [
        EventKind::Connect,
        EventKind::Publish,
        EventKind::Rpc,
        EventKind::Subscribe,
    ];
    let server = Server::builder().proxy_url(url, kinds).start()?;
    let anna = connect(&server, "anna").await?;
    anna.publish("news", "0").await?;
    let published = crate::published(&server.client(), "news").await?;
    assert_eq!(published, ["1"], "data comes before b64data");
    assert_eq!(
        anna.rpc("method", "0").await?,
        "2",
        "b64data comes before data"
    );
    let refused = anna.subscribe("news").await;
    assert_eq!(
        refusal(refused),
        (4500, "bye".into()),
        "disconnect comes first"
    );
    Ok(())
}

#[tokio::test]
async fn statuses_of_configuration_stand_for_refusals() -> Outcome {
    let router = Router::new()
        .route(
            "/connect",
            post(async || r#"{"result": {"user": "anna", "expire_at": 0}}"#),
        )
        .route(
            "/rpc",
            post(async |body: String| {
                let code = body
                    .split(&['"', ':'][..])
                    .find_map(|word| word.parse::<u16>().ok());
                StatusCode::from_u16(code.unwrap_or(500)).unwrap_or_default()
            }),
        );
    let origin = format!("http://{}", serve_http(router).await?);
    let transforms = json!([
        {"status_code": 404, "to_error": {"code": 404, "message": "not found", "temporary": true}},
        {"status_code": 503, "to_disconnect": {"code": 4003, "reason": "later"}},
    ]);
    let configuration = json!({
        "client": {"proxy": {"connect": {"enabled": true, "endpoint": format!("{origin}/connect")}}},
        "rpc": {
            "without_namespace": {"proxy_enabled": true},
            "proxy": {
                "endpoint": format!("{origin}/rpc"),
                "http": {"status_to_code_transforms": transforms},
            },
        },
    });
    let server = Server::builder()
        .configuration_value(configuration)
        .start()?;
    let mut anna = connect(&server, "anna").await?;
    assert_eq!(
        refusal(anna.rpc("404", "1").await),
        (404, "not found".into())
    );
    assert_eq!(refusal(anna.rpc("500", "1").await).0, 100);
    assert_eq!(refusal(anna.rpc("503", "1").await), (4003, "later".into()));
    let end = anna.try_next().ok_or("no event")?;
    assert_eq!(describe(&end), "disconnected: 4003 later");
    Ok(())
}

/// A test with another executor than tokio's asks handlers in the server's thread.
#[test]
fn test_without_runtime_of_tokio_is_served_too() -> Outcome {
    let server = builder().proxy(&handlers()?).start()?;
    let anna = block_on(connect(&server, "anna"))?;
    assert_eq!(anna.user(), "anna");
    Ok(())
}

/// Runs a future as a small executor does.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}
