//! The JSON of each claim.

use std::time::{SystemTime, UNIX_EPOCH};

use centrifugo_api::{FilterNode, SubscribeOptionOverride, binary};
use centrifugo_token::{
    Capability, ConnectionClaims, Expiry, Permission, SubscriptionClaims, SubscriptionOptions,
};
use serde_json::{Value, json};

use crate::support::{self, IAT, at, claims_of, connection, hour, key, subscription, text_of};

const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Returns the claims beside `sub`, `exp` and `iat`.
fn further(claims: &ConnectionClaims) -> Value {
    let token = claims.sign_at(&key(), at(IAT)).unwrap();
    let mut claims = claims_of(&token);
    let object = claims.as_object_mut().unwrap();
    for name in ["sub", "exp", "iat"] {
        object.remove(name);
    }
    claims
}

fn further_of_subscription(claims: &SubscriptionClaims) -> Value {
    let token = claims.sign_at(&key(), at(IAT)).unwrap();
    let mut claims = claims_of(&token);
    let object = claims.as_object_mut().unwrap();
    for name in ["sub", "exp", "iat", "channel"] {
        object.remove(name);
    }
    claims
}

#[test]
fn public_vectors_are_signed_byte_for_byte() {
    let connection = connection().sign_at(&key(), at(IAT)).unwrap();
    assert_eq!(
        connection,
        format!(
            "{HEADER}.eyJzdWIiOiI0MiIsImV4cCI6MTcwMDAwMzYwMCwiaWF0IjoxNzAwMDAwMDAwfQ.HKZwmcYmHVbRESuYd4swVgAH7gg41giR57F_K5FEmEY"
        )
    );
    let subscription = subscription().sign_at(&key(), at(IAT)).unwrap();
    assert_eq!(
        subscription,
        format!(
            "{HEADER}.eyJzdWIiOiI0MiIsImV4cCI6MTcwMDAwMzYwMCwiaWF0IjoxNzAwMDAwMDAwLCJjaGFubmVsIjoibmV3cyJ9.v_Quw-azNV1qFjm9ZQnkp6QBtK6LmtFxY74YcUHlJcA"
        )
    );
}

#[test]
fn tokens_have_random_ids_and_the_time_by_default() {
    let claims = ConnectionClaims::new("42", Expiry::never());
    let before = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let first = claims_of(&claims.sign(&key()).unwrap());
    let second = claims_of(&claims.sign(&key()).unwrap());
    assert_ne!(first["jti"], second["jti"]);
    assert_eq!(first["jti"].as_str().unwrap().len(), 36);
    assert!((before..before + 60).contains(&first["iat"].as_u64().unwrap()));
    assert_eq!(first.get("exp"), None);
}

#[test]
fn key_id_is_in_the_header() {
    let token = connection().sign(&key().with_kid("on\"e")).unwrap();
    let header = token.split('.').next().unwrap();
    assert_eq!(
        support::from_base64url(header),
        br#"{"alg":"HS256","typ":"JWT","kid":"on\"e"}"#
    );
}

#[test]
fn anonymous_users_have_no_sub() {
    let token = ConnectionClaims::anonymous(hour())
        .without_id()
        .sign_at(&key(), at(IAT));
    assert_eq!(
        text_of(&token.unwrap()),
        r#"{"exp":1700003600,"iat":1700000000}"#
    );
    let claims = SubscriptionClaims::anonymous()
        .channel("news", hour())
        .without_id();
    let token = claims.sign_at(&key(), at(IAT)).unwrap();
    assert_eq!(
        text_of(&token),
        r#"{"exp":1700003600,"iat":1700000000,"channel":"news"}"#
    );
}

#[test]
fn claims_of_both_kinds_are_written() {
    let claims = connection()
        .not_before(at(IAT + 10))
        .issued_at(at(IAT - 10))
        .id("one")
        .audience("centrifugo")
        .issuer("app")
        .expire_at(Expiry::at(at(IAT + 7200)))
        .info(r#"{"name": "Alice"}"#)
        .claim("role", json!({"admin": true}))
        .claim("Team", ["a", "b"]);
    let token = claims.sign_at(&key(), at(IAT)).unwrap();
    assert_eq!(
        text_of(&token),
        r#"{"sub":"42","exp":1700003600,"iat":1699999990,"nbf":1700000010,"expire_at":1700007200,"jti":"one","aud":"centrifugo","iss":"app","info":{"name": "Alice"},"role":{"admin":true},"Team":["a","b"]}"#
    );
    let two = subscription().audience("a").audience("b").one_time();
    assert_eq!(
        further_of_subscription(&two),
        json!({"aud": ["a", "b"], "expire_at": 0})
    );
    assert_eq!(
        further(&connection().info(binary([0xff, 0]))),
        json!({"b64info": "/wA="})
    );
    assert_eq!(further(&connection().info("null")), json!({"info": null}));
}

#[test]
fn claims_of_connections_are_written() {
    let claims = connection().channel("news").channel("sports");
    assert_eq!(further(&claims), json!({"channels": ["news", "sports"]}));
    let filter = FilterNode::default().key("lang").cmp("eq").val("en");
    let options = SubscriptionOptions::new()
        .info("1")
        .data(binary(b"x"))
        .r#override(
            SubscribeOptionOverride::new()
                .presence(true)
                .join_leave(false),
        )
        .server_tags_filter(&filter);
    let claims = connection()
        .subscription("news", options)
        .subscription("News", SubscriptionOptions::new());
    let expected = json!({"subs": {
        "news": {
            "info": 1,
            "b64data": "eA==",
            "override": {"presence": {"value": true}, "join_leave": {}},
            "server_tags_filter": {"key": "lang", "cmp": "eq", "val": "en"},
        },
        "News": {},
    }});
    assert_eq!(further(&claims), expected);
    let claims = connection()
        .meta(&json!({"ip": "127.0.0.1"}))
        .capability(Capability::new(
            ["news"],
            [Permission::Subscribe, Permission::Publish],
        ))
        .capability(Capability::new(["chat:*"], [Permission::History]).wildcard())
        .capability(Capability::new(["a|b"], [Permission::Presence]).regex())
        .label("plan", "pro");
    let expected = json!({
        "meta": {"ip": "127.0.0.1"},
        "caps": [
            {"channels": ["news"], "allow": ["sub", "pub"]},
            {"channels": ["chat:*"], "match": "wildcard", "allow": ["hst"]},
            {"channels": ["a|b"], "match": "regex", "allow": ["prs"]},
        ],
        "labels": {"plan": "pro"},
    });
    assert_eq!(further(&claims), expected);
}

#[test]
fn claims_of_subscriptions_are_written() {
    let claims = subscription()
        .client("c1")
        .info("[1]")
        .data("{}")
        .r#override(SubscribeOptionOverride::new().force_recovery(true))
        .allow([Permission::Publish, Permission::Presence]);
    let expected = json!({
        "client": "c1",
        "info": [1],
        "data": {},
        "override": {"force_recovery": {"value": true}},
        "allow": ["pub", "prs"],
    });
    assert_eq!(further_of_subscription(&claims), expected);
    let binary = subscription().data(binary(b"x"));
    assert_eq!(further_of_subscription(&binary), json!({"b64data": "eA=="}));
}

#[test]
fn debug_shows_no_payload() {
    let claims = connection()
        .info(r#""secret""#)
        .meta(&json!({"secret": 1}))
        .claim("secret", 1);
    let text = format!("{claims:?} {:?}", subscription().data(r#""secret""#));
    assert!(!text.contains("secret"), "{text}");
    let options = SubscriptionOptions::new().data(r#""secret""#);
    assert!(!format!("{options:?}").contains("secret"));
}
