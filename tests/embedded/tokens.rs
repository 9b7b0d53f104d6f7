//! Clients with tokens.

use std::time::Duration;

use centrifugo_api::{Error, SubscribeOptionOverride};
use centrifugo_api_testing::{Event, Server};
use centrifugo_token::{ConnectionClaims, Expiry, Key, SubscriptionClaims, SubscriptionOptions};

use crate::Outcome;

const MINUTE: Duration = Duration::from_secs(60);

fn key() -> Key {
    Key::hs256("the secret of these tests, which is long").expect("the secret is valid")
}

fn start() -> Result<Server, Error> {
    Server::builder().token_key(&key()).start()
}

fn connection(user: &str) -> ConnectionClaims {
    ConnectionClaims::new(user, Expiry::after(MINUTE))
}

#[track_caller]
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> u32 {
    let error = outcome.expect_err("the token is refused");
    error.api_code().unwrap_or_else(|| panic!("{error}"))
}

#[test]
fn token_decides_user_info_and_channels() -> Outcome {
    let server = start()?;
    let options = SubscriptionOptions::new().data(r#"{"from":"token"}"#);
    let claims = connection("alice")
        .info(r#"{"name":"Alice"}"#)
        .subscription("news", options);
    let mut alice = server.connect_with_token(&claims.sign(&key())?)?;
    assert_eq!(alice.user(), "alice");
    let Some(Event::Subscribed { channel, data, .. }) = alice.try_next() else {
        panic!("no subscription")
    };
    assert_eq!(
        (&*channel, &data[..]),
        ("news", &br#"{"from":"token"}"#[..])
    );
    let presence = server
        .blocking_client()
        .presence(centrifugo_api::PresenceRequest::new("news"))?;
    let info = &presence.presence[alice.id()];
    assert_eq!(
        (&*info.user, &info.conn_info[..]),
        ("alice", &br#"{"name":"Alice"}"#[..])
    );
    Ok(())
}

#[test]
fn override_wins_over_the_namespace() -> Outcome {
    let server = start()?;
    let hidden = SubscribeOptionOverride::new().presence(false);
    let options = SubscriptionOptions::new().r#override(hidden);
    let claims = connection("alice").subscription("news", options);
    let _alice = server.connect_with_token(&claims.sign(&key())?)?;
    let presence = server
        .blocking_client()
        .presence(centrifugo_api::PresenceRequest::new("news"))?;
    assert!(presence.presence.is_empty(), "{presence:?}");
    Ok(())
}

#[test]
fn refused_tokens_have_the_codes_of_centrifugo() -> Outcome {
    let server = start()?;
    let token = connection("alice").sign(&key())?;
    assert_eq!(code(server.connect_with_token("a.b.c")), 3500);
    let other = Key::hs256("another secret of these tests, which is long")?;
    assert_eq!(
        code(server.connect_with_token(&connection("alice").sign(&other)?)),
        3500
    );
    let unknown = connection("alice").channel("unknown:a").sign(&key())?;
    assert_eq!(code(server.connect_with_token(&unknown)), 102);
    let many = (0..129).fold(connection("alice"), |claims, number| {
        claims.channel(format!("channel-{number}"))
    });
    assert_eq!(code(server.connect_with_token(&many.sign(&key())?)), 3505);
    server.advance(MINUTE + Duration::from_secs(1));
    assert_eq!(code(server.connect_with_token(&token)), 109);
    let error = Server::start()?.connect_with_token(&token).unwrap_err();
    assert!(
        error.to_string().contains("ServerBuilder::token_key"),
        "{error}"
    );
    Ok(())
}

#[test]
fn connection_ends_after_its_token_unless_it_is_refreshed() -> Outcome {
    let server = start()?;
    let token = connection("alice").sign(&key())?;
    let mut expiring = server.connect_with_token(&token)?;
    let mut refreshed = server.connect_with_token(&token)?;
    server.advance(MINUTE / 2);
    let later = connection("alice").sign_at(&key(), server.now())?;
    refreshed.refresh(&later)?;
    server.advance(MINUTE);
    let Some(Event::Disconnected { code, .. }) = expiring.try_next() else {
        panic!("the connection has not expired")
    };
    assert_eq!(code, 3005);
    assert_eq!(refreshed.try_next(), None);
    server.advance(MINUTE * 10);
    assert!(matches!(
        refreshed.try_next(),
        Some(Event::Disconnected { code: 3005, .. })
    ));
    Ok(())
}

#[test]
fn refresh_with_another_token_ends_the_connection() -> Outcome {
    let server = start()?;
    let token = connection("alice").channel("news").sign(&key())?;
    for (other, expected) in [
        ("a.b.c".to_owned(), 3500),
        (connection("bob").channel("news").sign(&key())?, 3500),
        (connection("alice").sign(&key())?, 3010),
        (
            connection("alice")
                .channel("news")
                .channel("more")
                .sign(&key())?,
            3010,
        ),
    ] {
        let mut alice = server.connect_with_token(&token)?;
        assert!(matches!(alice.try_next(), Some(Event::Subscribed { .. })));
        assert_eq!(code(alice.refresh(&other)), expected);
        while let Some(event) = alice.try_next() {
            if let Event::Disconnected { code, .. } = event {
                assert_eq!(code, expected);
            }
        }
        assert_eq!(code(alice.refresh(&token)), 103);
    }
    Ok(())
}

#[test]
fn subscription_token_is_for_its_user_channel_and_client() -> Outcome {
    let server = start()?;
    let expiry = Expiry::after(MINUTE);
    let claims = || SubscriptionClaims::user("alice").channel("news", expiry);
    let connect = || server.connect("alice");

    let alice = connect();
    let token = claims().data(r#"{"from":"token"}"#).sign(&key())?;
    assert_eq!(
        alice.subscribe_with_token("news", &token)?,
        r#"{"from":"token"}"#
    );
    assert_eq!(code(alice.subscribe_with_token("news", &token)), 105);
    assert_eq!(code(alice.subscribe_with_token("unknown:a", &token)), 102);
    assert_eq!(code(alice.subscribe_with_token("other", "a.b.c")), 103);

    assert_eq!(code(connect().subscribe_with_token("other", &token)), 3500);
    let of_bob = SubscriptionClaims::user("bob")
        .channel("news", expiry)
        .sign(&key())?;
    let mut refused = connect();
    assert_eq!(code(refused.subscribe_with_token("news", &of_bob)), 3500);
    assert!(matches!(
        refused.try_next(),
        Some(Event::Disconnected { code: 3500, .. })
    ));
    let alone = connect();
    let of_client = claims().client(alone.id()).sign(&key())?;
    assert_eq!(
        code(connect().subscribe_with_token("news", &of_client)),
        3500
    );
    alone.subscribe_with_token("news", &of_client)?;
    Ok(())
}

#[test]
fn subscription_ends_after_its_token_unless_it_is_refreshed() -> Outcome {
    let server = start()?;
    let claims = |expiry| SubscriptionClaims::user("alice").channel("news", expiry);
    let token = claims(Expiry::after(MINUTE)).sign(&key())?;
    let mut expiring = server.connect("alice");
    let mut refreshed = server.connect("alice");
    expiring.subscribe_with_token("news", &token)?;
    refreshed.subscribe_with_token("news", &token)?;
    server.advance(MINUTE / 2);
    let later = claims(Expiry::after(MINUTE * 10)).sign(&key())?;
    refreshed.refresh_subscription("news", &later)?;
    assert_eq!(code(refreshed.refresh_subscription("other", &later)), 103);
    server.advance(MINUTE);
    let mut last = None;
    while let Some(event) = expiring.try_next() {
        last = Some(event);
    }
    assert!(
        matches!(last, Some(Event::Unsubscribed { code: 2501, .. })),
        "{last:?}"
    );
    while let Some(event) = refreshed.try_next() {
        assert!(!matches!(event, Event::Disconnected { .. }), "{event:?}");
    }
    assert_eq!(code(refreshed.refresh_subscription("news", &token)), 3006);
    Ok(())
}

#[test]
fn keys_and_rules_come_from_a_configuration() -> Outcome {
    let configuration = r#"{"client": {
        "token": {"hmac_secret_key": "the secret of these tests, which is long", "audience": "web", "issuer": "backend"},
        "subscription_token": {"enabled": true, "hmac_secret_key": "a secret for subscriptions, which is long"}
    }}"#;
    let server = Server::builder().configuration(configuration).start()?;
    let claims = connection("alice").audience("web").issuer("backend");
    let alice = server.connect_with_token(&claims.sign(&key())?)?;
    assert_eq!(
        code(server.connect_with_token(&connection("alice").sign(&key())?)),
        3500
    );
    let subscription = SubscriptionClaims::user("alice").channel("news", Expiry::after(MINUTE));
    assert_eq!(
        code(alice.subscribe_with_token("news", &subscription.sign(&key())?)),
        103
    );
    let own = Key::hs256("a secret for subscriptions, which is long")?;
    alice.subscribe_with_token("news", &subscription.sign(&own)?)?;

    let jwks = r#"{"client": {"token": {"jwks_public_endpoint": "https://example.com/jwks"}}}"#;
    let server = Server::builder().configuration(jwks).start()?;
    let error = server
        .connect_with_token(&claims.sign(&key())?)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("client.token.jwks_public_endpoint"),
        "{error}"
    );
    let server = Server::builder()
        .configuration(jwks)
        .token_key(&key())
        .start()?;
    server.connect_with_token(&claims.sign(&key())?)?;

    let broken = r#"{"client": {"token": {"rsa_public_key": "no PEM"}}}"#;
    let error = Server::builder().configuration(broken).start().unwrap_err();
    assert!(
        error.to_string().contains("client.token.rsa_public_key"),
        "{error}"
    );
    Ok(())
}
