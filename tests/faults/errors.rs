//! The fields and the JSON of every kind of error: its kind, method and attempts.

use std::time::{Duration, Instant};

use centrifugo_api::{
    ApiError, BatchResponse, BroadcastRequest, BroadcastResponse, Client, Coalescing, Effect,
    Error, PublishRequest, PublishResponse, Retry,
};
use serde_json::{Value, json};

use crate::api_errors::{api_error, details};
use crate::closed_port::closed_port;
use crate::fake_grpc::Reply;
use crate::fake_http::Answer;
use crate::over_both_transports::{Server, always, replying, script};
use crate::{KEY, Outcome, assert_says, failure, publication};

const UNKNOWN_CHANNEL: &str = r#"{"error":{"code":102,"message":"unknown channel"}}"#;

fn as_json(error: &Error) -> Value {
    serde_json::to_value(error).expect("an error has a JSON form")
}

/// Checks an error's JSON, whose message is the error's text; and that of a clone.
#[track_caller]
fn assert_json(error: &Error, mut expected: Value) {
    expected["message"] = Value::from(error.to_string());
    assert_eq!(as_json(error), expected);
    let clone = error.clone();
    assert_eq!(as_json(&clone), expected);
    assert_eq!(format!("{clone:?}"), format!("{error:?}"));
}

/// Returns servers that return Centrifugo's error as their transport error mode does.
fn in_error_mode(http: u16, grpc: &str, code: u32, message: &str) -> Vec<Server> {
    let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
    let details = details(
        "type.googleapis.com/centrifugal.centrifugo.api.Error",
        &api_error(code, message),
    );
    let status = [
        ("grpc-status", grpc),
        ("grpc-message", message),
        ("grpc-status-details-bin", &details),
    ];
    always(Answer::with(http, &[], body), Reply::status(&status))
}

#[tokio::test]
async fn api_error_names_its_method_and_channel() {
    let servers = replying::<PublishResponse>(UNKNOWN_CHANNEL)
        .into_iter()
        .chain(in_error_mode(404, "5", 102, "unknown channel"));
    for server in servers {
        let case = server.transport();
        let error = failure(&server.client(), case).await;
        assert_eq!(error.method(), Some("publish"), "{case}");
        let Error::Api(api) = &error else {
            panic!("{case}: {error:?}")
        };
        assert_eq!(
            (api.method(), api.channel()),
            (Some("publish"), Some("news")),
            "{case}"
        );
        assert_eq!(
            error.to_string(),
            "publish: Centrifugo returned error 102: unknown channel \
             (the namespace of channel `news` is not configured)",
            "{case}"
        );
        assert_json(
            &error,
            json!({
                "kind": "api", "code": 102, "method": "publish", "attempts": 1,
                "retryable": false, "unsent": false,
            }),
        );
        assert_eq!(
            serde_json::to_value(api).expect("an error has a JSON form"),
            json!({
                "code": 102, "message": "unknown channel", "temporary": false,
                "method": "publish", "channel": "news",
            }),
            "{case}"
        );
    }
}

#[tokio::test]
async fn api_error_in_a_shared_batch_names_its_method_and_channel() {
    let json = format!(r#"{{"replies":[{UNKNOWN_CHANNEL}]}}"#);
    for server in replying::<BatchResponse>(&json) {
        let client = server.client().coalescing(Coalescing::default());
        let error = failure(&client, server.transport()).await;
        let Error::Api(api) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (api.method(), api.channel()),
            (Some("publish"), Some("news"))
        );
    }
}

#[tokio::test]
async fn api_errors_of_a_batch_name_their_methods_and_channels() -> Outcome {
    let json = format!(r#"{{"replies":[{UNKNOWN_CHANNEL},{UNKNOWN_CHANNEL}]}}"#);
    let names = |error: ApiError| (error.method(), error.channel().map(str::to_owned));
    let expected = (Some("publish"), Some("news".to_owned()));
    for server in replying::<BatchResponse>(&json) {
        let client = server.client();
        let (first, second) = client.batch((publication(), publication())).await?;
        for error in [first.unwrap_err(), second.unwrap_err()] {
            assert_eq!(names(error), expected);
        }
        for outcome in client.batch(vec![publication(); 2]).await? {
            assert_eq!(names(outcome.unwrap_err()), expected);
        }
        for outcome in client.batch([publication(), publication()]).await? {
            assert_eq!(names(outcome.unwrap_err()), expected);
        }
    }
    Ok(())
}

#[tokio::test]
async fn api_errors_of_a_broadcast_name_its_method_and_their_channels() -> Outcome {
    let responses = format!(r#"{{"responses":[{UNKNOWN_CHANNEL},{{"result":{{}}}}]}}"#);
    let request = || BroadcastRequest::new(["a", "b"], "1");
    let mut results = Vec::new();
    for server in replying::<BroadcastResponse>(&format!(r#"{{"result":{responses}}}"#)) {
        results.push(server.client().broadcast(request()).await?);
    }
    for server in
        replying::<BatchResponse>(&format!(r#"{{"replies":[{{"broadcast":{responses}}}]}}"#))
    {
        let client = server.client();
        results.extend(client.batch(vec![request()]).await?.all_ok()?);
        let (result,) = client.batch((request(),)).await?;
        results.push(result?);
    }
    for result in results {
        let errors: Vec<_> = result.failed().map(|(_, error)| error).collect();
        let [error] = errors[..] else {
            panic!("{result:?}")
        };
        assert_eq!(
            (error.method(), error.channel()),
            (Some("broadcast"), Some("a"))
        );
        assert_eq!(
            serde_json::to_value(&result)?,
            json!({
                "channels": ["a", "b"],
                "outcomes": [
                    {"Err": {
                        "code": 102, "message": "unknown channel", "temporary": false,
                        "method": "broadcast", "channel": "a",
                    }},
                    {"Ok": {}},
                ],
            })
        );
        let error = result.all_ok().expect_err("a channel failed");
        assert_eq!(
            error.to_string(),
            "broadcast: 1 of 2 parts failed: `a`: Centrifugo returned error 102: unknown channel \
             (the namespace of channel `a` is not configured)"
        );
        assert_json(
            &error,
            json!({
                "kind": "partial", "method": "broadcast", "attempts": 1,
                "retryable": false, "unsent": false,
            }),
        );
    }
    Ok(())
}

#[tokio::test]
async fn method_that_the_server_lacks_is_unsupported() {
    let not_found = |code| Reply::status(&[("grpc-status", code)]);
    for (answer, reply, expected) in [
        (
            Answer::with(404, &[], "404 page not found"),
            not_found("12"),
            true,
        ),
        (Answer::with(403, &[], ""), not_found("7"), false),
        (Answer::with(405, &[], ""), not_found("5"), false),
        (Answer::with(500, &[], ""), not_found("13"), false),
        (Answer::with(503, &[], ""), not_found("14"), false),
    ] {
        for server in always(answer, reply) {
            let error = failure(&server.client(), server.transport()).await;
            assert_eq!(error.is_unsupported(), expected, "{error:?}");
        }
    }
    for (code, expected) in [(104, true), (102, false), (107, false), (404, false)] {
        let json = format!(r#"{{"replies":[{{"error":{{"code":{code},"message":"no"}}}}]}}"#);
        for server in replying::<BatchResponse>(&json) {
            let client = server.client();
            let shared = failure(&client.coalescing(Coalescing::default()), "shared").await;
            assert_eq!(shared.is_unsupported(), expected, "{shared:?}");
            let (alone,) = client.batch((publication(),)).await.expect("a batch");
            let alone = Error::from(alone.expect_err("the command fails"));
            assert_eq!(alone.is_unsupported(), expected, "{alone:?}");
        }
    }
}

#[tokio::test]
async fn errors_of_responses_are_json() {
    for (answer, reply, expected) in [
        (
            Answer::with(401, &[], ""),
            Reply::status(&[("grpc-status", "16")]),
            json!({"kind": "unauthorized", "retryable": false}),
        ),
        (
            Answer::with(503, &[], "Bad Gateway"),
            Reply::status(&[("grpc-status", "14"), ("grpc-message", "Bad Gateway")]),
            json!({"kind": "transport", "retryable": true}),
        ),
        (
            Answer::json("{}"),
            Reply::ok(&PublishResponse::default()),
            json!({"kind": "decode", "retryable": false}),
        ),
        (
            Answer::nothing(),
            Reply::nothing().cut(),
            json!({"kind": "network", "retryable": true}),
        ),
    ] {
        for server in always(answer, reply) {
            let error = failure(&server.client(), server.transport()).await;
            let mut expected = expected.clone();
            expected["method"] = json!("publish");
            expected["attempts"] = json!(1);
            expected["unsent"] = json!(error.is_unauthorized());
            assert_json(&error, expected);
        }
    }
}

#[tokio::test]
async fn errors_of_calls_that_were_not_sent_are_json() -> Outcome {
    let closed = closed_port()?;
    let address = closed.local_addr()?;
    for url in [format!("http://{address}/api"), format!("grpc://{address}")] {
        let client = match Client::builder(&url)
            .api_key(KEY)
            .retry(Retry::none())
            .build()
        {
            Ok(client) => client,
            // The transport is not compiled in.
            Err(error) => {
                assert_json(
                    &error,
                    json!({"kind": "config", "attempts": 1, "retryable": false, "unsent": true}),
                );
                continue;
            }
        };
        let of_publish = |kind: &str, retryable: bool| {
            json!({
                "kind": kind, "method": "publish", "attempts": 1,
                "retryable": retryable, "unsent": true,
            })
        };
        let refused = failure(&client, &url).await;
        assert_json(&refused, of_publish("network", true));
        let late = failure(&client.with_timeout(Duration::ZERO), &url).await;
        assert_json(&late, of_publish("timeout", true));
        let invalid = client.publish(PublishRequest::new("", "1")).await;
        let mut expected = of_publish("invalid_request", false);
        expected["code"] = json!(107);
        assert_json(&invalid.expect_err("no channel"), expected);
        client.close(Duration::from_secs(1)).await?;
        assert_json(&failure(&client, &url).await, of_publish("closed", false));
    }
    let error = Client::new("localhost", KEY).expect_err("no scheme");
    assert_json(
        &error,
        json!({"kind": "config", "attempts": 1, "retryable": false, "unsent": true}),
    );
    Ok(())
}

#[tokio::test]
async fn refused_connection_is_named() -> Outcome {
    let closed = closed_port()?;
    let address = closed.local_addr()?;
    let urls = [
        (format!("http://{address}/api"), cfg!(feature = "_http")),
        (format!("grpc://{address}"), cfg!(feature = "grpc")),
    ];
    for (url, _) in urls.into_iter().filter(|(_, compiled)| *compiled) {
        let error = failure(&crate::client(&url), &url).await;
        assert!(
            matches!(
                &error,
                Error::Network {
                    reason: "connection refused",
                    effect: Effect::Unsent,
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            format!("publish: cannot connect to {url}: connection refused; nothing was sent")
        );
    }
    Ok(())
}

#[tokio::test]
async fn error_has_the_attempts_and_the_time_of_the_whole_call() {
    const PAUSE: Duration = Duration::from_millis(150);
    let cut = || {
        (
            Answer::nothing().after(PAUSE),
            Reply::nothing().cut().after(PAUSE),
        )
    };
    for server in script([cut(), cut()]) {
        let client = server
            .builder()
            .retry(
                Retry::default()
                    .max_attempts(2)
                    .first_wait(Duration::from_millis(1)),
            )
            .build()
            .expect("the client is built");
        let started = Instant::now();
        let request = publication().idempotency_key("key");
        let error = client.publish(request).await.expect_err(server.transport());
        let took = started.elapsed();
        let Error::Network {
            elapsed, attempts, ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(attempts.count(), 2);
        assert!(
            (2 * PAUSE..=took).contains(elapsed),
            "{elapsed:?} of {took:?}"
        );
        assert_says(&error, "; 2 attempts", server.transport());
        assert_eq!(as_json(&error)["attempts"], json!(2));
    }
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn reply_that_centrifugo_cuts_after_10_s_is_explained() {
    let cut = Answer::nothing().after(Duration::from_millis(10_050));
    let fake = crate::fake_http::FakeHttp::always(cut);
    let client = Client::builder(fake.url())
        .timeout(Duration::from_secs(30))
        .retry(Retry::none())
        .build()
        .expect("the client is built");
    let error = failure(&client, "cut").await;
    assert!(
        matches!(error, Error::Network { .. }) && !error.is_unsent(),
        "{error:?}"
    );
    assert_says(&error, "cut replies that take longer than 10 s", "cut");
}

#[test]
fn codes_of_disconnects_are_told_as_ends_of_connections() {
    for (code, text) in [
        (2999, "Centrifugo returned error 2999: bye"),
        (3000, "Centrifugo ended the connection with code 3000: bye"),
        (4999, "Centrifugo ended the connection with code 4999: bye"),
        (5000, "Centrifugo returned error 5000: bye"),
    ] {
        assert_eq!(ApiError::new(code, "bye").to_string(), text);
    }
}
