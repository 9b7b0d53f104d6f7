//! Headers and claims that are refused, and the reasons.

use centrifugo_token::{Key, RefusalCode, Verifier};
use serde_json::json;

use super::{assert_refused, forged, forged_with, verifier};
use crate::support::{IAT, at, data};

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
