//! Redirects: they are never followed, because the key would be sent along.

use centrifugo_api::Error;

use crate::fake_grpc::Reply;
use crate::fake_http::{Answer, FakeHttp};
use crate::over_both_transports::{always, published};
use crate::{Predicates, assert_says, failure, predicates};

const STATUSES: [u16; 6] = [300, 301, 302, 303, 307, 308];

#[tokio::test]
async fn redirect_is_never_followed() {
    for status in STATUSES {
        let elsewhere = FakeHttp::always(published().0);
        let location = elsewhere.url_at("/api/publish");
        let answer = Answer::with(status, &[("Location", &location)], "<a>Moved</a>");
        let reply = Reply::head(status, &[("location", &location)]).end();
        for server in always(answer, reply) {
            let case = format!("{} {status}", server.transport());
            let error = failure(&server.client(), &case).await;
            assert!(
                matches!(
                    error,
                    Error::Transport {
                        method: "publish",
                        ..
                    }
                ),
                "{case}: {error:?}"
            );
            assert_eq!(predicates(&error), Predicates::default(), "{case}");
            assert_says(&error, &status.to_string(), &case);
            assert_eq!(server.calls(), 1, "{case}");
        }
        assert_eq!(elsewhere.connections(), 0, "{status}");
    }
}

#[tokio::test]
async fn redirect_to_a_path_of_the_same_server_is_not_followed() {
    for status in STATUSES {
        let answer = Answer::with(status, &[("Location", "/other/publish")], "");
        let reply = Reply::head(status, &[("location", "/other/publish")]).end();
        for server in always(answer, reply) {
            let case = format!("{} {status}", server.transport());
            failure(&server.client(), &case).await;
            assert_eq!(server.calls(), 1, "{case}");
        }
    }
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn redirect_says_where_to_and_what_to_do() {
    for status in STATUSES {
        let answer = Answer::with(
            status,
            &[("Location", "https://example.com/api/publish")],
            "<a>Moved</a>",
        );
        let fake = FakeHttp::always(answer);
        let error = failure(&crate::client(&fake.url()), "redirect").await;
        let Error::Transport {
            status: reported, ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(*reported, centrifugo_api::Status::Http(status));
        assert_says(&error, "to https://example.com/api/publish", "redirect");
        assert_says(&error, "never followed", "redirect");
        assert_says(&error, "https instead of http?", "redirect");
    }
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn redirect_without_a_location_is_no_success() {
    let fake = FakeHttp::always(Answer::html(302, "<a>Moved</a>"));
    let error = failure(&crate::client(&fake.url()), "redirect").await;
    assert_says(&error, "HTTP 302: <a>Moved</a>", "redirect");
}

#[tokio::test]
#[cfg(feature = "http")]
async fn client_of_the_user_that_follows_redirects_is_refused() {
    let elsewhere = FakeHttp::always(published().0);
    let location = elsewhere.url_at("/api/publish");
    let server = FakeHttp::always(Answer::with(302, &[("Location", &location)], ""));
    let own = crate::own_client::builder().expect("the TLS provider has the default versions");
    let client = centrifugo_api::Client::builder(server.url())
        .http_client(own.build().expect("the client is built"))
        .build()
        .expect("the client is built");
    let error = failure(&client, "302").await;
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(!error.is_retryable() && !error.is_unsent(), "{error:?}");
    assert_says(&error, "redirect(reqwest::redirect::Policy::none())", "302");
    assert_says(&error, &elsewhere.address().to_string(), "302");
}
