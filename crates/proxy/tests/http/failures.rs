//! Failures of handlers, which only `on_failure` sees.

use std::time::Duration;

use centrifugo_proxy::{
    ConnectReply, Failed, RefreshReply, Reject, RpcReply, SharedPollItem, SharedPollRefreshReply,
    SubscribeReply, binary,
};
use http::StatusCode;

use crate::{Failures, anyone, ask};

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
