//! The endpoints, as a framework calls them.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use centrifugo_token::endpoints::{
    ConnectionTokenEndpoint, EndpointError, JwksEndpoint, Reject, SharedPollEndpoint,
    SharedPollRequest, SubscriptionTokenEndpoint,
};
use centrifugo_token::{
    ConnectionClaims, Expiry, Key, KeySet, SharedPollSecret, SubscriptionClaims, TrackedKeys,
    Verifier,
};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tower_service::Service;

use crate::support::{data, hour, key};

type Body = Full<Bytes>;

async fn call<S>(mut endpoint: S, method: &str, uri: &str, body: &str) -> (Response<()>, String)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("x-user", "42");
    let request = request.body(Full::from(body.to_owned())).unwrap();
    let Ok(response) = endpoint.call(request).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        Response::from_parts(head, ()),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

fn user(head: &Parts) -> Result<String, Reject> {
    let user = head.headers.get("x-user").ok_or(Reject::Forbidden)?;
    Ok(user.to_str()?.to_owned())
}

fn member(json: &str, name: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap();
    value[name].as_str().unwrap().to_owned()
}

fn set() -> KeySet {
    let key = Key::from_pem(data("p256.pem")).unwrap();
    KeySet::new(Duration::from_secs(3600)).publish(key).unwrap()
}

/// Grants subscriptions of `news`, and fails or forbids the others.
async fn subscribe(head: Parts, channel: String) -> Result<SubscriptionClaims, Reject> {
    match channel.as_str() {
        "secret" => Err(Reject::Forbidden),
        "broken" => Err(io::Error::other("the database is down").into()),
        "other" => Ok(SubscriptionClaims::user("42").channel("news", hour())),
        "wrong" => Ok(SubscriptionClaims::user("").channel(channel, hour())),
        _ => Ok(SubscriptionClaims::user(user(&head)?).channel(channel, hour())),
    }
}

#[tokio::test]
async fn connection_tokens_are_issued() {
    let function = |head: Parts| async move { Ok(ConnectionClaims::new(user(&head)?, hour())) };
    let by_key = ConnectionTokenEndpoint::new(key(), function);
    for method in ["GET", "POST"] {
        let (head, body) = call(by_key.clone(), method, "/", "anything").await;
        assert_eq!(head.status(), 200);
        assert_eq!(head.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(head.headers()[CONTENT_TYPE], "application/json");
        let token = Verifier::new(&key())
            .connection(&member(&body, "token"))
            .unwrap();
        assert_eq!(token.user, "42");
    }
    let set = set();
    let by_set = ConnectionTokenEndpoint::new(set.clone(), function);
    let (_, body) = call(by_set, "GET", "/", "").await;
    let token = Verifier::with_key_set(&set).connection(&member(&body, "token"));
    assert_eq!(token.unwrap().user, "42");
}

#[tokio::test]
async fn subscription_tokens_are_issued_for_the_channel_of_the_request() {
    let endpoint = SubscriptionTokenEndpoint::new(key(), subscribe);
    for (method, uri, body) in [
        ("POST", "/", r#"{"channel":"$news:a b","other":1}"#),
        ("GET", "/?x=1&channel=%24news%3Aa+b", ""),
        ("GET", "/?channel=$news:a%20b", ""),
    ] {
        let (head, body) = call(endpoint.clone(), method, uri, body).await;
        assert_eq!(head.status(), 200);
        let token = Verifier::new(&key())
            .subscription(&member(&body, "token"))
            .unwrap();
        assert_eq!(
            (token.user.as_str(), token.channel.as_str()),
            ("42", "$news:a b")
        );
    }
}

#[tokio::test]
async fn refusals_and_failures_have_their_status_and_no_text() {
    let endpoint = SubscriptionTokenEndpoint::new(key(), subscribe);
    for (channel, status, error) in [
        ("secret", 403, None),
        ("broken", 500, Some("the database is down")),
        ("other", 500, Some("another channel")),
        ("wrong", 500, Some("claim `sub`")),
    ] {
        let (head, body) = call(endpoint.clone(), "GET", &format!("/?channel={channel}"), "").await;
        assert_eq!(head.status(), status, "{channel}");
        assert_eq!(head.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(body, "");
        let shown = head
            .extensions()
            .get::<EndpointError>()
            .map(|error| error.error().to_string());
        assert_eq!(shown.is_some(), error.is_some());
        assert!(
            shown
                .unwrap_or_default()
                .contains(error.unwrap_or_default()),
            "{channel}"
        );
    }
    let never = |_: Parts| async { Ok(ConnectionClaims::new("42", Expiry::never())) };
    let (head, _) = call(ConnectionTokenEndpoint::new(set(), never), "GET", "/", "").await;
    assert_eq!(
        head.status(),
        500,
        "the set does not sign what never expires"
    );
}

#[tokio::test]
async fn wrong_requests_are_refused_before_the_function_is_called() {
    let unused = |_: Parts, _: String| async { unreachable!("the request is wrong") };
    let endpoint = SubscriptionTokenEndpoint::new(key(), unused);
    let large = format!(r#"{{"channel":"{}"}}"#, "x".repeat(64 * 1024));
    for (method, uri, body, status) in [
        ("POST", "/", "", 400),
        ("POST", "/", "{", 400),
        ("POST", "/", r#"{"channel":1}"#, 400),
        ("POST", "/", r#"{"channel":""}"#, 400),
        ("POST", "/?channel=a", "{}", 400),
        ("POST", "/", large.as_str(), 413),
        ("GET", "/", r#"{"channel":"a"}"#, 400),
        ("GET", "/?channel=a&channel=b", "", 400),
        ("GET", "/?channel=%ff", "", 400),
        ("PUT", "/", r#"{"channel":"a"}"#, 405),
    ] {
        let (head, reply) = call(endpoint.clone(), method, uri, body).await;
        assert_eq!(head.status(), status, "{method} {uri} {body:.20}");
        assert_eq!(reply, "");
    }
    let unused = |_: Parts, _: SharedPollRequest| async { unreachable!("the request is wrong") };
    let secret = SharedPollSecret::new("shared_poll_secret").unwrap();
    let endpoint = SharedPollEndpoint::new(secret, unused);
    for body in [
        r#"{"channel":"","keys":["a"]}"#,
        r#"{"channel":"c","keys":[""]}"#,
        r#"{"channel":"c","keys":["a\u0000b"]}"#,
        r#"{"channel":"c\u0000","keys":["a"]}"#,
    ] {
        let (head, _) = call(endpoint.clone(), "POST", "/", body).await;
        assert_eq!(head.status(), 400, "{body}");
    }
}

/// A body that never comes, of that length.
struct Announced(u64);

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn body_that_is_announced_as_too_long_is_not_waited_for() {
    let mut endpoint = SubscriptionTokenEndpoint::new(key(), subscribe);
    let request = Request::post("/").body(Announced(64 * 1024 + 1)).unwrap();
    let Ok(response) = endpoint.call(request).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn other_methods_are_answered_with_those_that_are_allowed() {
    let unused = |_: Parts| async { unreachable!("the method is wrong") };
    let connection = ConnectionTokenEndpoint::new(key(), unused);
    for method in ["HEAD", "OPTIONS", "DELETE"] {
        let (head, _) = call(connection.clone(), method, "/", "").await;
        assert_eq!(head.status(), 405);
        assert_eq!(head.headers()[ALLOW], "GET, POST");
    }
    let (head, _) = call(JwksEndpoint::new(set()), "POST", "/", "").await;
    assert_eq!(head.status(), 405);
    assert_eq!(head.headers()[ALLOW], "GET, HEAD");
    let unused = |_, _| async { unreachable!("the method is wrong") };
    let secret = SharedPollSecret::new("secret").unwrap();
    let (head, _) = call(SharedPollEndpoint::new(secret, unused), "GET", "/", "").await;
    assert_eq!(head.status(), 405);
    assert_eq!(head.headers()[ALLOW], "POST");
}

#[tokio::test]
async fn shared_poll_signatures_are_for_the_allowed_keys() {
    let secret = SharedPollSecret::new("secret").unwrap();
    let endpoint = SharedPollEndpoint::new(secret.clone(), |head: Parts, request| async move {
        let channel = if request.channel == "other" {
            "news"
        } else {
            &request.channel
        };
        let mut keys = request.keys;
        keys.retain(|key| key != "hidden");
        if request.channel == "more" {
            keys.push("more".to_owned());
        }
        Ok((
            TrackedKeys::user(user(&head)?).channel(channel, keys),
            hour(),
        ))
    });
    let body = r#"{"channel":"poll:prices","keys":["b","hidden","a"]}"#;
    let (head, reply) = call(endpoint.clone(), "POST", "/", body).await;
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()[CACHE_CONTROL], "no-store");
    assert!(reply.contains(r#""keys":["b","a"]"#), "{reply}");
    let keys = TrackedKeys::user("42").channel("poll:prices", ["b", "a"]);
    keys.verify(&secret, &member(&reply, "signature")).unwrap();
    for (channel, status) in [("other", 500), ("more", 500), ("", 400)] {
        let body = format!(r#"{{"channel":"{channel}","keys":["a"]}}"#);
        let (head, _) = call(endpoint.clone(), "POST", "/", &body).await;
        assert_eq!(head.status(), status, "{channel}");
    }
}

#[tokio::test]
async fn key_set_is_served_for_caches() {
    let set = set();
    let (head, body) = call(JwksEndpoint::new(set.clone()), "GET", "/", "").await;
    assert_eq!(body, set.jwks());
    assert_eq!(head.headers()[CACHE_CONTROL], "max-age=300");
    assert_eq!(head.headers()[CONTENT_TYPE], "application/json");
    let (head, body_of_head) = call(JwksEndpoint::new(set), "HEAD", "/", "").await;
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()[CONTENT_LENGTH], body.len().to_string());
    assert_eq!(body_of_head, "");
}
