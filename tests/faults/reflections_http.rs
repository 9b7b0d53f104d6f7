//! A key that the server sends back, as debug pages and echo servers do, is not shown.

use centrifugo_api::Error;

use crate::fake_http::{Answer, FakeHttp, Request};
use crate::{KEY, all_texts, client, failure};

type Reflect = fn(&str) -> Answer;

/// Returns replies that contain parts of the request.
fn reflections() -> [(Reflect, &'static str); 9] {
    [
        (
            |headers| Answer::html(403, format!("<pre>{headers}</pre>")),
            "status",
        ),
        (
            |headers| Answer::with(500, &[("Content-Type", "text/plain")], headers),
            "plain text",
        ),
        (
            |headers| Answer::html(200, format!("<pre>{headers}</pre>")),
            "HTML for a reply",
        ),
        (
            |headers| Answer::json(format!(r#"{{"headers":{headers:?}}}"#)),
            "JSON without a result",
        ),
        (
            |headers| Answer::json(format!(r#"{{"result":{{"offset":{headers:?}}}}}"#)),
            "wrong type",
        ),
        (
            |headers| Answer::json(format!(r#"{{"result":{{"x":{headers:?}"#)),
            "cut short",
        ),
        (
            |headers| Answer::with(302, &[("Location", &format!("/login?{headers}"))], ""),
            "redirect",
        ),
        (
            |headers| {
                Answer::json(format!(
                    r#"{{"error":{{"code":107,"message":{headers:?}}}}}"#
                ))
            },
            "API error",
        ),
        (
            |headers| Answer::with(400, &[], format!(r#"{{"code":107,"message":{headers:?}}}"#)),
            "error mode",
        ),
    ]
}

#[tokio::test]
async fn key_that_a_server_sends_back_is_not_shown() {
    for (answer, case) in reflections() {
        let fake =
            FakeHttp::by(move |request: &Request| answer(&request.headers("x-api-key").join(" ")));
        let error = failure(&client(&fake.url()), case).await;
        let text = all_texts(&error);
        assert!(!text.contains(KEY), "{case} shows the key: {text}");
        assert!(!matches!(error, Error::Network { .. }), "{case}: {error:?}");
    }
}

#[tokio::test]
async fn key_that_a_server_sends_back_in_part_is_not_shown() {
    // The start of a body is shown, and the cut may fall within the key.
    for before in 180..200 {
        let padding = "x".repeat(before);
        let fake = FakeHttp::by(move |request: &Request| {
            Answer::html(
                502,
                format!("{padding}{}", request.headers("x-api-key").join(" ")),
            )
        });
        let error = failure(&client(&fake.url()), "cut").await;
        assert!(
            !all_texts(&error).contains(&KEY[..KEY.len() / 2]),
            "{before} bytes before: {error}"
        );
    }
}
