//! HTTP statuses without an API error.

use std::time::{Duration, SystemTime};

use centrifugo_api::{Error, Status};

use crate::fake_http::{Answer, FakeHttp};
use crate::{Predicates, assert_says, client, failure, predicates};

async fn failure_of(answer: Answer) -> Error {
    let fake = FakeHttp::always(answer);
    failure(&client(&fake.url()), "status").await
}

#[tokio::test]
async fn statuses_become_transport_errors_with_a_hint() {
    for (status, text, retryable, hint) in [
        (400, "Bad Request", false, "schema"),
        (402, "Payment Required", false, ""),
        (
            403,
            "Forbidden",
            false,
            "a proxy in front of Centrifugo forbids the call",
        ),
        (404, "404 page not found", false, "/api"),
        (404, "404 page not found", false, "not Centrifugo PRO"),
        (404, "404 page not found", false, "older"),
        (
            405,
            "Method Not Allowed",
            false,
            "is this URL Centrifugo's server API?",
        ),
        (407, "Proxy Authentication Required", false, "credentials"),
        (408, "Request Timeout", true, "the whole request in time"),
        (
            413,
            "Request Entity Too Large",
            false,
            "a proxy limits the size of requests",
        ),
        (418, "teapot", false, ""),
        (429, "slow down", true, ""),
        (431, "Request Header Fields Too Large", false, "headers"),
        (
            500,
            "Internal Server Error",
            false,
            "the call has probably run",
        ),
        (500, "Internal Server Error", false, "gRPC"),
        (501, "Not Implemented", false, ""),
        (
            502,
            "<html>Bad Gateway</html>",
            true,
            "a proxy did not get a response from Centrifugo",
        ),
        (
            503,
            "Service Unavailable",
            true,
            "a proxy did not get a response from Centrifugo",
        ),
        (
            504,
            "Gateway Timeout",
            true,
            "a proxy did not get a response from Centrifugo",
        ),
        (519, "odd", false, ""),
        (520, "origin", true, "a proxy did not get a response"),
        (521, "origin", true, "a proxy did not get a response"),
        (522, "origin", true, "a proxy did not get a response"),
        (523, "origin", true, "a proxy did not get a response"),
        (524, "origin", true, "a proxy did not get a response"),
        (525, "origin", false, ""),
        (530, "origin", true, "a proxy did not get a response"),
        (599, "odd", false, ""),
    ] {
        let case = format!("{status} {text}");
        let error = failure_of(Answer::with(
            status,
            &[("Content-Type", "text/plain")],
            text,
        ))
        .await;
        let Error::Transport {
            method,
            status: reported,
            body,
            retry_after,
            ..
        } = &error
        else {
            panic!("{case}: {error:?}")
        };
        assert_eq!(
            (*method, *reported, body.as_str()),
            ("publish", Status::Http(status), text)
        );
        assert_eq!(*retry_after, None, "{case}");
        assert_eq!(
            predicates(&error),
            Predicates {
                retryable,
                ..Predicates::default()
            },
            "{case}"
        );
        assert_says(
            &error,
            &format!("publish: the server answered HTTP {status}: {text}"),
            &case,
        );
        assert_says(&error, hint, &case);
    }
}

#[tokio::test]
async fn refused_key_is_unauthorized_and_says_which_key() {
    for answer in [
        Answer::with(401, &[], ""),
        Answer::with(401, &[("WWW-Authenticate", "Basic")], "<html>401</html>"),
        Answer::with(401, &[], r#"{"code":401,"message":"Unauthorized"}"#),
        Answer::head(401, &[("Content-Length", "100")]).close(),
    ] {
        let error = failure_of(answer).await;
        assert!(
            matches!(
                error,
                Error::Unauthorized {
                    method: "publish",
                    status: Status::Http(401),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(
            predicates(&error),
            Predicates {
                unauthorized: true,
                unsent: true,
                ..Predicates::default()
            }
        );
        assert_says(&error, "http_api.key", "401");
    }
}

#[tokio::test]
async fn wait_that_the_server_asks_for_is_reported() {
    for (status, retry_after, expected) in [
        (429, "30", Some(30)),
        (429, " 5 ", Some(5)),
        (429, "0", Some(0)),
        (503, "120", Some(120)),
        // A date that has passed.
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", Some(0)),
        (429, "Wed, 32 Oct 2065 07:28:00 GMT", None),
        (429, "-1", None),
        (429, "1.5", None),
        (429, "soon", None),
        (429, "99999999999999999999999", None),
    ] {
        let error = failure_of(Answer::with(
            status,
            &[("Retry-After", retry_after)],
            "slow down",
        ))
        .await;
        let Error::Transport {
            retry_after: reported,
            ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            *reported,
            expected.map(Duration::from_secs),
            "{retry_after}"
        );
    }
}

#[tokio::test]
async fn wait_until_a_date_is_reported() {
    const WAIT: Duration = Duration::from_secs(600);
    let date = httpdate::fmt_http_date(SystemTime::now() + WAIT);
    let error = failure_of(Answer::with(503, &[("Retry-After", &date)], "")).await;
    let Error::Transport {
        retry_after: Some(wait),
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert!(wait <= WAIT && wait > WAIT / 2, "{wait:?}");
}

#[tokio::test]
async fn body_of_a_status_is_shown_in_part_and_on_one_line() {
    let long = "x".repeat(5000);
    let error = failure_of(Answer::html(502, &long)).await;
    assert_says(&error, &format!(": {}… (", "x".repeat(200)), "long");
    assert!(error.to_string().len() < 500, "{error}");

    let error = failure_of(Answer::html(502, "a\r\nb\u{1b}[31m\0c")).await;
    assert!(!error.to_string().contains(char::is_control), "{error:?}");

    let error = failure_of(Answer::html(502, b"\xff\xfe".repeat(300))).await;
    assert_says(&error, "\u{fffd}", "no text");
    for length in 195..205 {
        failure_of(Answer::html(502, format!("{}é漢🦀", "x".repeat(length)))).await;
    }
}

#[tokio::test]
async fn status_is_reported_though_its_body_is_cut_short() {
    for answer in [
        Answer::head(503, &[("Content-Length", "100")])
            .write("Serv")
            .close(),
        Answer::head(503, &[("Transfer-Encoding", "chunked")])
            .write("5\r\nhe")
            .close(),
    ] {
        let error = failure_of(answer).await;
        let Error::Transport { status, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(*status, Status::Http(503));
    }
}
