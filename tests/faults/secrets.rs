//! The API key is not shown in any message, `Debug` or cause, even if the server sends it back.

use centrifugo_api::{Client, Retry};

use crate::fake_grpc::{Reply, frame};
use crate::fake_http::Answer;
use crate::over_both_transports::{Server, always, published};
use crate::{KEY, Outcome, all_texts, failure, publish};

/// The value of a header that the user sets.
const TOKEN: &str = "bearer-token-of-the-proxy";

fn client(url: &str) -> Client {
    let builder = Client::builder(url)
        .api_key(KEY)
        .retry(Retry::none())
        .header("X-Proxy-Token", TOKEN);
    builder.build().expect("the client is built")
}

#[track_caller]
fn assert_no_secret(text: &str, case: &str) {
    for secret in [KEY, TOKEN] {
        assert!(!text.contains(secret), "{case} shows a secret: {text}");
    }
}

#[tokio::test]
async fn debug_of_builder_and_client_shows_no_secret() -> Outcome {
    let (answer, reply) = published();
    for server in always(answer, reply) {
        let builder = server
            .builder()
            .header("X-Proxy-Token", TOKEN)
            .header("Cookie", TOKEN);
        let text = format!("{builder:?} {builder:#?}");
        assert_no_secret(&text, "the builder");
        assert!(
            text.contains("x-proxy-token") || text.contains("X-Proxy-Token"),
            "{text}"
        );
        let client = builder.build()?;
        publish(&client).await?;
        let text = format!("{client:?} {client:#?}");
        assert_no_secret(&text, "the client");
        assert!(text.contains("127.0.0.1"), "{text}");
    }
    Ok(())
}

#[test]
fn debug_of_a_builder_with_a_wrong_url_shows_no_secret() {
    for url in [
        format!("http://user:{KEY}@host/api"),
        format!("http://{KEY}@host/api"),
        format!("http://host/api?api_key={KEY}"),
        format!("http://host/api#{KEY}"),
        format!("user:{KEY}@host/api"),
        format!("host/api?api_key={KEY}"),
        format!("ws://host/api?api_key={KEY}"),
        format!("//user:{KEY}@host"),
        format!("http://user:{KEY}/x@host/api"),
        format!("http:/user:{KEY}@host/api"),
    ] {
        let builder = Client::builder(&url).api_key(KEY).retry(Retry::none());
        assert_no_secret(&format!("{builder:?} {builder:#?}"), &url);
        let error = builder.build().expect_err(&url);
        assert_no_secret(&all_texts(&error), &url);
    }
}

#[test]
fn refused_key_or_header_is_not_shown() {
    for url in ["http://localhost/api", "grpc://localhost:10000"] {
        for key in [
            format!("{KEY}\n"),
            format!("{KEY}\u{e9}"),
            format!(" {KEY}"),
            format!("{KEY}\0"),
        ] {
            let error = Client::new(url, &key).expect_err("an invalid key is refused");
            assert_no_secret(&all_texts(&error), "the key");
        }
        let error = Client::builder(url)
            .header("X-Token", format!("{TOKEN}\n"))
            .build()
            .expect_err("an invalid header is refused");
        assert_no_secret(&all_texts(&error), "the header");
    }
}

#[tokio::test]
async fn errors_show_no_secret() {
    for (answer, reply, case) in [
        (
            Answer::with(401, &[], ""),
            Reply::status(&[("grpc-status", "16")]),
            "unauthorized",
        ),
        (
            Answer::html(502, "Bad Gateway"),
            Reply::status(&[("grpc-status", "14")]),
            "transport",
        ),
        (Answer::nothing(), Reply::nothing().cut(), "network"),
        (
            Answer::raw("garbage\r\n\r\n").close(),
            Reply::nothing().reset(h2::Reason::CANCEL),
            "garbage",
        ),
        (
            Answer::json("{}"),
            Reply::started()
                .data(frame([0xff]))
                .trailers(&[("grpc-status", "0")]),
            "decode",
        ),
    ] {
        for server in always(answer, reply) {
            let url = match &server {
                Server::Http(fake) => fake.url(),
                Server::Grpc(fake) => fake.url(),
            };
            assert_no_secret(&all_texts(&failure(&client(&url), case).await), case);
        }
    }
    if cfg!(feature = "_http") {
        let error = failure(&client("http://127.0.0.1:1/api"), "refused").await;
        assert_no_secret(&all_texts(&error), "refused");
    }
    if cfg!(feature = "grpc") {
        let error = failure(&client("grpc://127.0.0.1:1"), "refused").await;
        assert_no_secret(&all_texts(&error), "refused");
    }
}
