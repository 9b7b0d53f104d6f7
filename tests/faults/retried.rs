//! Retries with the same key, and failures that are not retried: each fault once, followed by a
//! successful reply.

use std::time::{Duration, Instant};

use centrifugo_api::{
    BatchResponse, BroadcastRequest, BroadcastResponse, Client, Error, PublishRequest, Retry,
};

use crate::fake_grpc::{Reply, frame};
use crate::fake_http::Answer;
use crate::over_both_transports::{Server, published, replying, script};
use crate::{Outcome, publication, publish};

/// The limit of a reply in the tests, in bytes.
const LIMIT: usize = 1000;

/// Temporary failures after which the call may have run, over each transport.
fn passing() -> Vec<(Answer, Reply, &'static str)> {
    let announced = Answer::head(200, &[("Content-Length", "1000")]);
    let begun = Reply::started().data(&frame([0; 100])[..9]);
    let html = "<html><h1>Bad Gateway</h1></html>";
    let mut faults = vec![
        (Answer::nothing(), Reply::nothing().cut(), "cut at once"),
        (
            announced.clone().close(),
            Reply::started().cut(),
            "cut after the head",
        ),
        (
            announced.write("{").close(),
            begun.clone().cut(),
            "cut within the body",
        ),
        (Answer::chunks(["{"]).close(), begun.clone().end(), "no end"),
        (
            Answer::html(502, html),
            Reply::head(502, &[("content-type", "text/html")])
                .data(html)
                .end(),
            "502",
        ),
        (
            Answer::with(503, &[], ""),
            Reply::status(&[("grpc-status", "14")]),
            "503",
        ),
        (
            Answer::with(429, &[], "slow down"),
            Reply::head(429, &[]).end(),
            "429",
        ),
    ];
    faults.extend(of_grpc(&begun).map(|(reply, case)| (Answer::nothing(), reply, case)));
    faults
}

/// Temporary failures that only gRPC has.
fn of_grpc(begun: &Reply) -> [(Reply, &'static str); 6] {
    use h2::Reason;
    [
        (Reply::status(&[("grpc-status", "4")]), "DeadlineExceeded"),
        (Reply::nothing().go_away(Reason::NO_ERROR), "GOAWAY"),
        (
            begun.clone().go_away(Reason::ENHANCE_YOUR_CALM),
            "GOAWAY within the body",
        ),
        (
            Reply::nothing().reset(Reason::CANCEL),
            "RST_STREAM, cancelled",
        ),
        (Reply::nothing().reset(Reason::INTERNAL_ERROR), "RST_STREAM"),
        (
            begun.clone().reset(Reason::INTERNAL_ERROR),
            "RST_STREAM within the body",
        ),
    ]
}

fn quick(server: &Server) -> Client {
    let retry = Retry::default()
        .first_wait(Duration::from_millis(1))
        .idempotency_keys();
    server
        .builder()
        .retry(retry)
        .max_response_size(LIMIT)
        .build()
        .expect("the client is built")
}

/// Returns the idempotency keys that the server received.
fn keys(server: &Server) -> Vec<String> {
    use centrifugo_api::prost::Message as _;
    match server {
        Server::Http(fake) => fake
            .requests()
            .iter()
            .filter_map(|request| serde_json::from_str::<PublishRequest>(&request.body).ok())
            .map(|request| request.idempotency_key)
            .collect(),
        Server::Grpc(fake) => fake
            .requests()
            .iter()
            .filter_map(|call| PublishRequest::decode(call.message()).ok())
            .map(|request| request.idempotency_key)
            .collect(),
    }
}

#[tokio::test]
async fn temporary_failure_is_retried_with_the_same_key() -> Outcome {
    for (answer, reply, case) in passing() {
        for server in script([(answer, reply), published()]) {
            let case = format!("{} {case}", server.transport());
            let result = publish(&quick(&server))
                .await
                .map_err(|error| format!("{case}: {error:?}"))?;
            assert_eq!(result.offset, 7, "{case}");
            let keys = keys(&server);
            assert!(
                matches!(&keys[..], [a, b] if a == b && a.len() == 36),
                "{case}: {keys:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn call_that_may_have_run_is_not_retried_without_key() {
    for (answer, reply, case) in passing() {
        for server in script([(answer, reply)]) {
            let case = format!("{} {case}", server.transport());
            let client = quick(&server).with_retry(Retry::default());
            let error = client.publish(publication()).await.expect_err(&case);
            assert!(
                error.is_retryable() && !error.is_unsent(),
                "{case}: {error:?}"
            );
            assert_eq!((server.calls(), error.attempts()), (1, 1), "{case}");
        }
    }
}

#[tokio::test]
async fn lasting_failure_is_not_retried_even_with_key() {
    let html = "<html>Please log in</html>";
    let ok = [("grpc-status", "0")];
    let message = |bytes: &[u8]| Reply::started().data(frame(bytes)).trailers(&ok);
    let mut faults = vec![
        (
            Answer::html(200, html),
            Reply::started().data(html).end(),
            "HTML".to_owned(),
        ),
        (Answer::json("{"), message(&[0xff]), "cut short".into()),
        (
            Answer::json("{}"),
            message(&[]),
            "neither an error nor a result".into(),
        ),
        (
            Answer::json([b' '; LIMIT + 1]),
            message(&[0; LIMIT + 1]),
            "too large".into(),
        ),
    ];
    for (status, code) in [
        (400, 3),
        (403, 7),
        (404, 12),
        (405, 5),
        (413, 8),
        (431, 11),
        (500, 13),
        (501, 2),
    ] {
        let reply = Reply::status(&[("grpc-status", &code.to_string())]);
        faults.push((
            Answer::with(status, &[], "no luck"),
            reply,
            format!("{status} or {code}"),
        ));
    }
    for status in [301, 302, 307, 308] {
        let location = [("location", "/other")];
        let reply = Reply::head(status, &location).end();
        faults.push((
            Answer::with(status, &location, ""),
            reply,
            status.to_string(),
        ));
    }
    for (answer, reply, case) in faults {
        for server in script([(answer, reply)]) {
            let case = format!("{} {case}", server.transport());
            let error = publish(&quick(&server)).await.expect_err(&case);
            assert!(
                !error.is_retryable() && error.attempts() == 1,
                "{case}: {error:?}"
            );
            assert_eq!(server.calls(), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn broken_parts_are_sent_once_even_with_key() {
    for server in replying::<BroadcastResponse>(r#"{"result":{"responses":[{"result":{}}]}}"#) {
        let request = BroadcastRequest::new(["a", "b"], "{}");
        let error = quick(&server)
            .broadcast(request)
            .await
            .expect_err(server.transport());
        assert!(
            matches!(
                error,
                Error::Decode {
                    method: Some("broadcast"),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(server.calls(), 1, "{}", server.transport());
    }
    for server in replying::<BatchResponse>(r#"{"replies":[{"publish":{}}]}"#) {
        let error = quick(&server)
            .batch((publication(), publication()))
            .await
            .expect_err(server.transport());
        assert!(
            matches!(
                error,
                Error::Decode {
                    method: Some("batch"),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(server.calls(), 1, "{}", server.transport());
    }
}

/// A status, and the wait that it asks for, as `Retry-After` and as `google.rpc.RetryInfo`.
fn overloaded(seconds: u8, code: &str) -> (Answer, Reply) {
    let delay = crate::api_errors::field(1, &[0x08, seconds]);
    let details = crate::api_errors::details("type.googleapis.com/google.rpc.RetryInfo", &delay);
    let status = [
        ("grpc-status", code),
        ("grpc-status-details-bin", details.as_str()),
    ];
    (
        Answer::with(429, &[("Retry-After", &seconds.to_string())], ""),
        Reply::status(&status),
    )
}

#[tokio::test]
async fn wait_that_the_server_asks_for_is_kept() -> Outcome {
    // `Unavailable` and `ResourceExhausted`.
    for code in ["14", "8"] {
        for server in script([overloaded(1, code), published()]) {
            let started = Instant::now();
            publish(&quick(&server)).await?;
            assert!(
                started.elapsed() >= Duration::from_secs(1),
                "{}",
                server.transport()
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn wait_that_would_outlast_the_call_is_not_started() {
    for server in script([overloaded(60, "14")]) {
        let case = server.transport();
        let started = Instant::now();
        let error = publish(&quick(&server).with_timeout(Duration::from_secs(30)))
            .await
            .expect_err(case);
        let Error::Transport { retry_after, .. } = &error else {
            panic!("{case}: {error:?}")
        };
        assert_eq!(*retry_after, Some(Duration::from_secs(60)), "{case}");
        assert!(started.elapsed() < Duration::from_secs(30), "{case}");
    }
}

/// Publishes with keys on two nodes.
async fn publish_ten_times(url: &str, other: &str) -> Outcome {
    let client = Client::builder(url)
        .endpoint(other)
        .retry(Retry::default().idempotency_keys())
        .build()?;
    for _ in 0..10 {
        publish(&client).await?;
    }
    Ok(())
}

/// As after 503.
#[cfg(feature = "_http")]
#[tokio::test]
async fn node_with_too_many_requests_rests_as_long_as_it_asks() -> Outcome {
    use crate::fake_http::FakeHttp;

    let exhausted = FakeHttp::always(overloaded(60, "8").0);
    let healthy = FakeHttp::always(published().0);
    publish_ten_times(&exhausted.url(), &healthy.url()).await?;
    let calls = (exhausted.requests().len(), healthy.requests().len());
    assert_eq!(calls, (1, 10));
    Ok(())
}

/// As after `Unavailable`.
#[cfg(feature = "grpc")]
#[tokio::test]
async fn node_whose_resources_are_exhausted_rests_as_long_as_it_asks() -> Outcome {
    use crate::fake_grpc::FakeGrpc;

    let exhausted = FakeGrpc::always(overloaded(60, "8").1);
    let healthy = FakeGrpc::always(published().1);
    publish_ten_times(&exhausted.url(), &healthy.url()).await?;
    let calls = (exhausted.requests().len(), healthy.requests().len());
    assert_eq!(calls, (1, 10));
    Ok(())
}
