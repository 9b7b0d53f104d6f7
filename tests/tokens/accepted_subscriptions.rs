//! Subscription tokens that are accepted, and what their claims do.

use centrifugo_api::{SubscribeOptionOverride, binary};
use centrifugo_token::{ConnectionClaims, Expiry, SubscriptionClaims};

use crate::Outcome;
use crate::harness::{Backend, Server, key, minute};

on_both!(each_claim_has_its_effect, token_is_for_its_client);

/// Changes of claims, the data that the client gets, and the info in presence, if the client is there.
type Case = (
    &'static str,
    fn(SubscriptionClaims) -> SubscriptionClaims,
    &'static str,
    Option<&'static str>,
);

const CASES: &[Case] = &[
    ("sub and channel", |claims| claims, "", Some("")),
    ("expire_at 0", |claims| claims.one_time(), "", Some("")),
    (
        "nbf, iat and jti",
        |claims| {
            let earlier = std::time::SystemTime::now() - std::time::Duration::from_secs(10);
            claims.not_before(earlier).issued_at(earlier).id("one")
        },
        "",
        Some(""),
    ),
    (
        "aud, iss and own claims that no option asks for",
        |claims| {
            claims
                .audience("a")
                .audience("b")
                .issuer("i")
                .claim("own", 1)
        },
        "",
        Some(""),
    ),
    (
        "info and data",
        |claims| claims.info(r#"{"in":1}"#).data(r#"{"out":2}"#),
        r#"{"out":2}"#,
        Some(r#"{"in":1}"#),
    ),
    (
        "b64info and b64data",
        |claims| claims.info(binary("[1]")).data(binary("[2]")),
        "[2]",
        Some("[1]"),
    ),
    (
        "override presence",
        |claims| claims.r#override(SubscribeOptionOverride::new().presence(false)),
        "",
        None,
    ),
];

async fn each_claim_has_its_effect(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    for (user, connection, claims) in [
        (
            "42",
            ConnectionClaims::new("42", minute()),
            SubscriptionClaims::user("42"),
        ),
        (
            "",
            ConnectionClaims::anonymous(minute()),
            SubscriptionClaims::anonymous(),
        ),
    ] {
        for (name, change, data, info) in CASES {
            let mut client = server.connected(&connection).await?;
            let token = change(claims.clone().channel("plain:a", minute())).sign(&key())?;
            let subscribed = client.subscribe_with("plain:a", &token).await;
            assert_eq!(subscribed.as_deref(), Ok(*data), "{name}");
            let member = server.member("plain:a", client.id()).await;
            let seen = member.map(|member| (member.user, member.chan_info));
            let expected = info.map(|info| (user.to_owned(), info.to_owned()));
            assert_eq!(seen, expected, "{name}");
        }
    }
    Ok(())
}

/// Tokens let clients into channels that need one.
async fn token_is_for_its_client(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let connection = ConnectionClaims::new("42", Expiry::never());
    let mut client = server.connected(&connection).await?;
    let claims = SubscriptionClaims::user("42").channel("$plain:a", Expiry::never());
    let token = claims.client(client.id()).sign(&key())?;
    if backend == Backend::Real {
        // The embedded server lets its clients subscribe to every channel.
        assert_eq!(client.subscribe("$plain:b").await, Err(103));
    }
    assert_eq!(
        client.subscribe_with("$plain:a", &token).await.as_deref(),
        Ok("")
    );
    let mut other = server.connected(&connection).await?;
    assert_eq!(other.subscribe_with("$plain:a", &token).await, Err(3500));
    Ok(())
}
