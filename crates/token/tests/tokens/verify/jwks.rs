//! Sets of keys, as Centrifugo reads them.

use centrifugo_token::{Key, RefusalCode, Verifier};

use super::assert_refused;
use crate::support::{IAT, at, base64url, connection, data};

const POINT: &str = r#""x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;

fn key(kid: &str) -> Key {
    Key::from_pem(data("p256.pem")).unwrap().with_kid(kid)
}

fn jwk(key: &Key) -> String {
    key.public().unwrap().to_jwk()
}

fn read(keys: &[&str]) -> Result<Verifier, centrifugo_token::Error> {
    Verifier::with_jwks(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
}

#[test]
fn keys_that_cannot_be_read_fail_the_set() {
    let off = POINT.replace("\"y\":\"4", "\"y\":\"5");
    let own = jwk(&key("own"));
    for (wrong, reason) in [
        (
            r#"{"kty":"unknown","use":"enc"}"#.to_owned(),
            "`kty` \"unknown\"",
        ),
        (r#"{"kid":"x"}"#.to_owned(), "`kty` \"\""),
        ("{}".to_owned(), "`kty` \"\""),
        ("null".to_owned(), "not an object"),
        (r#"{"kty":"EC","use":"sig"}"#.to_owned(), "the curve \"\""),
        (
            format!(r#"{{"kty":"EC","crv":"secp256k1","use":"enc",{POINT}}}"#),
            "secp256k1",
        ),
        (
            format!(r#"{{"kty":"EC","crv":"P-256","use":"sig",{off}}}"#),
            "not a point on the curve P-256",
        ),
        (
            format!(r#"{{"kty":"EC","crv":"P-256","use":"enc",{off}}}"#),
            "not a point on the curve P-256",
        ),
        (
            r#"{"kty":"RSA","use":"enc","n":"AQAB","e":"AA"}"#.to_owned(),
            "exponent",
        ),
        (
            r#"{"kty":"RSA","use":"sig","n":"AQAB","e":"gAAAAA"}"#.to_owned(),
            "exponent",
        ),
        (
            r#"{"kty":"RSA","use":"enc","n":"%","e":"AQAB"}"#.to_owned(),
            "`n` is not base64url",
        ),
        (
            r#"{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB","dp":"%"}"#.to_owned(),
            "`dp` is not base64url",
        ),
        (r#"{"kty":"oct","use":"sig"}"#.to_owned(), "no `k`"),
        (
            r#"{"kty":"OKP","crv":"X25519","use":"enc","x":"AA"}"#.to_owned(),
            "32 bytes",
        ),
        (
            r#"{"kty":"OKP","crv":"P-256","use":"enc","x":"AA"}"#.to_owned(),
            "`crv` \"P-256\"",
        ),
        (
            r#"{"kty":"RSA","use":["sig"]}"#.to_owned(),
            "`use` is not a text",
        ),
    ] {
        let error = read(&[&own, &wrong]).unwrap_err().to_string();
        assert!(error.contains("keys[1] of the JWKS"), "{wrong}: {error}");
        assert!(error.contains(reason), "{wrong}: {error}");
    }
}

#[test]
fn keys_that_are_not_for_signatures_are_skipped() {
    let own = key("own");
    let token = connection().sign_at(&own, at(IAT)).unwrap();
    let private = data("rsa2048.jwk").replacen('{', r#"{"use":"enc","kid":"x","#, 1);
    for other in [
        r#"{"kty":"RSA","kid":"x","use":"enc","n":"AQAB","e":"AQAB","alg":"RSA-OAEP"}"#,
        r#"{"kty":"oct","kid":"x","k":"c2VjcmV0"}"#,
        &private,
    ] {
        let verifier = read(&[&jwk(&own), other]).unwrap();
        assert!(verifier.connection_at(&token, at(IAT)).is_ok(), "{other}");
        let wrong = connection().sign_at(&key("x"), at(IAT)).unwrap();
        let refused = verifier.connection_at(&wrong, at(IAT));
        assert_refused(
            refused,
            RefusalCode::InvalidToken,
            "no key with the ID \"x\"",
        );
    }
}

#[test]
fn unusable_keys_refuse_their_own_tokens_alone() {
    let own = key("own");
    let token = connection().sign_at(&own, at(IAT)).unwrap();
    let ed448 = base64url(&[1; 57]);
    for (other, reason) in [
        (
            r#"{"kty":"RSA","kid":"x","use":"sig","n":"AQAB","e":"AQAB"}"#.to_owned(),
            "17 bits",
        ),
        (
            r#"{"kty":"oct","kid":"x","use":"sig","k":"c2VjcmV0"}"#.to_owned(),
            "symmetric",
        ),
        (
            format!(r#"{{"kty":"OKP","crv":"Ed448","kid":"x","use":"sig","x":"{ed448}"}}"#),
            "Ed448",
        ),
        (jwk(&key("x")).replace("ES256", "ES384"), "does not fit"),
        (
            jwk(&key("x")).replace("ES256", "none"),
            "does not know the algorithm",
        ),
    ] {
        let verifier = read(&[&jwk(&own), &other]).unwrap();
        assert!(verifier.connection_at(&token, at(IAT)).is_ok(), "{other}");
        let wrong = connection().sign_at(&key("x"), at(IAT)).unwrap();
        let refused = verifier.connection_at(&wrong, at(IAT));
        assert_refused(refused, RefusalCode::InvalidToken, reason);
        // Alone it makes no set.
        let error = read(&[&other]).unwrap_err().to_string();
        assert!(error.contains("no key that verifies tokens"), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn last_key_of_an_id_counts() {
    let own = key("x");
    let token = connection().sign_at(&own, at(IAT)).unwrap();
    let other = Key::from_pem(data("ed25519.pem")).unwrap().with_kid("x");
    let last = read(&[&jwk(&other), &jwk(&own)]).unwrap();
    assert!(last.connection_at(&token, at(IAT)).is_ok());
    let first = read(&[&jwk(&own), &jwk(&other)]).unwrap();
    let refused = first.connection_at(&token, at(IAT));
    assert_refused(refused, RefusalCode::InvalidToken, "the header says ES256");
    let unusable = r#"{"kty":"oct","kid":"x","use":"sig","k":"c2VjcmV0"}"#;
    let refused = read(&[&jwk(&own), unusable])
        .unwrap()
        .connection_at(&token, at(IAT));
    assert_refused(refused, RefusalCode::InvalidToken, "symmetric");
}

#[test]
fn algorithm_of_ed25519_does_not_matter() {
    let own = Key::from_pem(data("ed25519.pem")).unwrap().with_kid("x");
    let token = connection().sign_at(&own, at(IAT)).unwrap();
    let verifier = read(&[&jwk(&own).replace("EdDSA", "Ed25519")]).unwrap();
    assert!(verifier.connection_at(&token, at(IAT)).is_ok());
}

#[test]
fn sets_without_keys_and_with_private_ones_are_refused() {
    let private = data("rsa2048.jwk").replacen('{', r#"{"use":"sig","kid":"x","#, 1);
    let encryption = jwk(&key("x")).replace("\"sig\"", "\"enc\"");
    let octets = r#"{"kty":"OKP","crv":"Ed25519","use":"sig","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let own = jwk(&key("own"));
    for (keys, reason) in [
        (Vec::new(), "its list `keys` is empty"),
        (vec![encryption.as_str()], "no key for signatures"),
        (
            vec![own.as_str(), private.as_str()],
            "keys[1] of the JWKS: key: the JWK is a private key",
        ),
        (
            vec![own.as_str(), octets],
            "keys[1] of the JWKS: key: the JWK is a private key",
        ),
    ] {
        let error = read(&keys).unwrap_err().to_string();
        assert!(error.contains(reason), "{keys:?}: {error}");
    }
}
