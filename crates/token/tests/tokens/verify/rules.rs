//! The rules for claims.

use std::time::Duration;

use centrifugo_api::{SubscribeOptionOverride, binary};
use centrifugo_token::{
    ConnectionClaims, Expiry, RefusalCode, Subscriber, SubscriptionClaims, SubscriptionOptions,
};
use serde_json::json;

use super::{assert_refused, verifier};
use crate::support::{IAT, at, connection, hour, key, subscription};

#[test]
fn times_are_compared_without_tolerance() {
    let token = connection().sign_at(&key(), at(IAT)).unwrap();
    let last = at(IAT + 3600) - Duration::from_nanos(1000);
    assert!(verifier().connection_at(&token, last).is_ok());
    assert_refused(
        verifier().connection_at(&token, at(IAT + 3600)),
        RefusalCode::TokenExpired,
        "expired",
    );
    let later = subscription()
        .not_before(at(IAT + 10))
        .sign_at(&key(), at(IAT))
        .unwrap();
    assert_refused(
        verifier().subscription_at(&later, at(IAT + 4)),
        RefusalCode::TokenExpired,
        "another 6 s",
    );
    assert!(verifier().subscription_at(&later, at(IAT + 11)).is_ok());
    let never = ConnectionClaims::new("42", Expiry::never())
        .sign(&key())
        .unwrap();
    assert_eq!(
        verifier()
            .connection_at(&never, at(100 * IAT))
            .unwrap()
            .expires_at,
        None
    );
}

#[test]
fn expire_at_takes_the_place_of_exp() {
    let one_time = connection().one_time().sign_at(&key(), at(IAT)).unwrap();
    assert_eq!(
        verifier()
            .connection_at(&one_time, at(IAT))
            .unwrap()
            .expires_at,
        None
    );
    let longer = subscription().expire_at(Expiry::at(at(IAT + 9000)));
    let longer = longer.sign_at(&key(), at(IAT)).unwrap();
    let read = verifier().subscription_at(&longer, at(IAT)).unwrap();
    assert_eq!(read.expires_at, Some(1_700_009_000));
}

#[test]
fn audience_issuer_and_user_claim_are_checked() {
    let verifier = verifier().audience("a").issuer("i").user_id_claim("user");
    let good = connection()
        .audience("b")
        .audience("a")
        .issuer("i")
        .claim("user", 7);
    let token = good.sign_at(&key(), at(IAT)).unwrap();
    assert_eq!(verifier.connection_at(&token, at(IAT)).unwrap().user, "7");
    let subscription = subscription().audience("a").issuer("i").claim("user", "x");
    let token = subscription.sign_at(&key(), at(IAT)).unwrap();
    assert_eq!(verifier.subscription_at(&token, at(IAT)).unwrap().user, "x");
    let token = connection().issuer("i").sign_at(&key(), at(IAT)).unwrap();
    assert_refused(
        verifier.connection_at(&token, at(IAT)),
        RefusalCode::InvalidToken,
        "`aud`",
    );
    let token = connection()
        .audience("a")
        .issuer("j")
        .sign_at(&key(), at(IAT))
        .unwrap();
    assert_refused(
        verifier.connection_at(&token, at(IAT)),
        RefusalCode::InvalidToken,
        "`iss`",
    );
}

#[test]
fn kinds_of_tokens_are_not_mixed_up() {
    let token = subscription().sign_at(&key(), at(IAT)).unwrap();
    assert_refused(
        verifier().connection_at(&token, at(IAT)),
        RefusalCode::InvalidToken,
        "`channel`",
    );
    let token = connection().sign_at(&key(), at(IAT)).unwrap();
    assert_refused(
        verifier().subscription_at(&token, at(IAT)),
        RefusalCode::PermissionDenied,
        "`channel`",
    );
}

#[test]
fn subscriptions_belong_to_their_subscriber() {
    let token = subscription().client("c").sign_at(&key(), at(IAT)).unwrap();
    let token = verifier().subscription_at(&token, at(IAT)).unwrap();
    let right = Subscriber {
        user: "42",
        channel: "news",
        client: "c",
    };
    assert!(token.check(&right).is_ok());
    for wrong in [
        Subscriber {
            user: "43",
            ..right
        },
        Subscriber {
            channel: "sports",
            ..right
        },
        Subscriber {
            client: "d",
            ..right
        },
    ] {
        assert_refused(
            token.check(&wrong),
            RefusalCode::InvalidToken,
            "the token is for the",
        );
    }
}

#[test]
fn token_without_client_is_for_each_connection_of_the_user() {
    let token = subscription().sign_at(&key(), at(IAT)).unwrap();
    let token = verifier().subscription_at(&token, at(IAT)).unwrap();
    let subscriber = Subscriber {
        user: "42",
        channel: "news",
        client: "c",
    };
    assert!(token.check(&subscriber).is_ok());
}

#[test]
fn unknown_namespaces_are_refused() {
    let verifier = verifier().namespaces(["chat"]);
    for (channel, is_known) in [
        ("news", true),
        ("chat:1", true),
        ("$chat:1", true),
        ("game:1", false),
    ] {
        let plain = connection().channel(channel);
        let options = connection().subscription(channel, SubscriptionOptions::new());
        for claims in [plain, options] {
            let token = claims.sign_at(&key(), at(IAT)).unwrap();
            assert_eq!(
                verifier.connection_at(&token, at(IAT)).is_ok(),
                is_known,
                "{channel}"
            );
        }
        let claims = SubscriptionClaims::user("42").channel(channel, hour());
        let token = claims.sign_at(&key(), at(IAT)).unwrap();
        let read = verifier.subscription_at(&token, at(IAT));
        if is_known {
            assert_eq!(read.unwrap().channel, channel);
        } else {
            assert_refused(read, RefusalCode::UnknownChannel, "\"game:1\"");
        }
    }
}

#[test]
fn payloads_and_options_are_read_back() {
    let options = SubscribeOptionOverride::new().presence(true);
    let claims = connection()
        .info(binary([0xff]))
        .meta(&json!({"a": 1}))
        .id("one")
        .subscription(
            "b",
            SubscriptionOptions::new().info("[1]").r#override(options),
        )
        .subscription("a", SubscriptionOptions::new().data(binary(b"x")));
    let token = claims.sign_at(&key(), at(IAT)).unwrap();
    let read = verifier().connection_at(&token, at(IAT)).unwrap();
    assert_eq!(read.info.unwrap(), [0xff].as_slice());
    assert_eq!(read.meta.unwrap().get(), r#"{"a":1}"#);
    assert_eq!(read.id, "one");
    let [(first, b), (second, a)] = read.subscriptions.try_into().unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("b", "a"));
    assert_eq!(b.info.unwrap(), "[1]");
    assert_eq!(b.r#override, Some(options));
    assert_eq!(a.data.unwrap(), "x");
    assert_eq!(a.r#override, None);
}
