//! The rules for claims.

use std::time::Duration;

use centrifugo_api::{SubscribeOptionOverride, binary};
use centrifugo_token::{
    ConnectionClaims, Expiry, Key, RefusalCode, Subscriber, SubscriptionClaims,
    SubscriptionOptions, Verifier,
};
use serde_json::json;

use super::{assert_refused, forged, forged_with, verifier};
use crate::support::{IAT, at, connection, data, hour, key, subscription};

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

#[test]
fn claims_of_wrong_types_are_refused() {
    for (claims, reason) in [
        (r#"{"sub":42}"#, "`sub` is not a text"),
        (r#"{"exp":"soon"}"#, "`exp` is not a number"),
        (r#"{"exp":true}"#, "`exp` is not a number"),
        (r#"{"expire_at":1.5}"#, "`expire_at` is not a whole number"),
        (r#"{"channels":"news"}"#, "`channels` is not a list"),
        (r#"{"subs":{"a":1}}"#, "`subs` is not an object of objects"),
        (
            r#"{"subs":{"a":{"b64info":"?"}}}"#,
            "`b64info` is not standard base64",
        ),
        (
            r#"{"subs":{"a":{"override":{"presence":true}}}}"#,
            "`override`",
        ),
        (r#"{"b64info":1}"#, "`b64info` is not a text"),
        (r#"{"aud":null}"#, "`aud` is not a text or a list"),
        (r#"{"exp":" 4102444800"}"#, "`exp` is not a number"),
        (r#"{"aud":1}"#, "`aud` is not a text or a list"),
        (r#"{"sub":"a","SUB":"b"}"#, "is repeated"),
        ("null", "not a JSON object"),
        (r#"{"channels":[null]}"#, "`channels` is not a list"),
        (
            r#"{"subs":{"a":null}}"#,
            "`subs` is not an object of objects",
        ),
        (r#"{"sub":"\ud800"}"#, "`sub` is not a text"),
        ("[]", "not a JSON object"),
        ("{}x", "not a JSON object"),
    ] {
        let outcome = verifier().connection_at(&forged(claims), at(IAT));
        assert_refused(outcome, RefusalCode::InvalidToken, reason);
    }
    let outcome = verifier().connection_at(&forged(r#"{"b64info":"_w"}"#), at(IAT));
    let reason = "`b64info` is not standard base64";
    assert_refused(outcome, RefusalCode::Internal, reason);
    let huge = forged(r#"{"exp":9223372036854775807}"#);
    let outcome = verifier().connection_at(&huge, at(IAT));
    assert_refused(outcome, RefusalCode::TokenExpired, "too large");
    let upper = verifier().connection_at(
        &forged(r#"{"Sub":"42","EXP":"1700003600","info":null}"#),
        at(IAT),
    );
    let upper = upper.unwrap();
    assert_eq!(
        (upper.user.as_str(), upper.expires_at),
        ("42", Some(1_700_003_600))
    );
    assert_eq!(upper.info.unwrap(), "null");
    let spaced = forged_with(r#" {"alg":"HS256"}"#, r#"{"sub":"42"}"#);
    let refused = verifier().connection(&spaced);
    assert_refused(refused, RefusalCode::InvalidToken, "begin with `eyJ`");
    for text in ["", "eyJ", "a.b.c", "eyJ.eyJ.x", "e30.e30."] {
        assert_refused(verifier().connection(text), RefusalCode::InvalidToken, "");
    }
}

#[test]
fn odd_claims_are_refused_more_strictly_than_by_centrifugo() {
    for (claims, code) in [
        (r#"{"nbf":1e30}"#, RefusalCode::TokenExpired),
        (r#"{"b64info":"AA\n=="}"#, RefusalCode::Internal),
        (r#"{"sub":"\ud800"}"#, RefusalCode::InvalidToken),
        ("null", RefusalCode::InvalidToken),
    ] {
        let refused = verifier().connection_at(&forged(claims), at(IAT));
        assert_refused(refused, code, "");
    }
}

#[test]
fn headers_of_wrong_types_are_refused() {
    for header in [
        r#"{"alg":"HS256","typ":5}"#,
        r#"{"alg":"HS256","cty":["JWT"]}"#,
        r#"{"alg":"HS256","kid":1}"#,
        r#"{"ALG":"HS256"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
    ] {
        let token = forged_with(header, r#"{"sub":"42"}"#);
        let refused = verifier().connection_at(&token, at(IAT));
        assert_refused(
            refused,
            RefusalCode::InvalidToken,
            "the header is not an object",
        );
    }
    let texts = r#"{"alg":"HS256","typ":"x","cty":null,"kid":"y"}"#;
    let token = forged_with(texts, r#"{"sub":"42"}"#);
    assert!(verifier().connection_at(&token, at(IAT)).is_ok());
}

#[test]
fn reasons_have_a_limit() {
    let long = "x\u{1}".repeat(100_000);
    let claims = |claims: &serde_json::Value| forged(&claims.to_string());
    let set = Key::from_pem(data("p256.pem")).unwrap().with_kid("a");
    let jwks = format!(r#"{{"keys":[{}]}}"#, set.public().unwrap().to_jwk());
    let by_kid = Verifier::with_jwks(&jwks).unwrap();
    let header = json!({"alg": "ES256", "kid": long}).to_string();
    let strict = verifier().audience("a").issuer("i").namespaces(["n"]);
    let own = json!({"aud": "a", "iss": "i", "channels": [format!("{long}:a")]});
    for (verifier, token) in [
        (&by_kid, forged_with(&header, "{}")),
        (&strict, claims(&json!({ "aud": long }))),
        (&strict, claims(&json!({ "aud": vec!["b"; 10_000] }))),
        (&strict, claims(&json!({ "aud": "a", "iss": long }))),
        (&strict, claims(&own)),
        (&strict, claims(&json!(long))),
        (
            &strict,
            forged(&format!(r#"{{"{0}":1,"{0}":1}}"#, "x".repeat(1000))),
        ),
        (
            &strict,
            forged_with(&json!({"alg": long}).to_string(), "{}"),
        ),
    ] {
        let reason = verifier.connection_at(&token, at(IAT)).unwrap_err();
        let length = reason.reason().chars().count();
        assert!(length <= 501, "{length}: {reason}");
    }
    let token = claims(&json!({ "aud": "a", "iss": "x".repeat(101) }));
    let refusal = strict.connection_at(&token, at(IAT)).unwrap_err();
    let shown = format!("is \"{}…\", and not \"i\"", "x".repeat(100));
    assert!(refusal.reason().contains(&shown), "{refusal}");
}
