//! Keys and signatures.

use std::time::{Duration, SystemTime};

use ::jsonwebtoken::{EncodingKey, Header, encode};
use centrifugo_token::{
    Algorithm, ConnectionClaims, Expiry, Key, KeySet, PublicKey, RefusalCode, ScheduledKey,
    Verifier,
};
use serde_json::json;

use super::{assert_refused, forged, forged_with, verifier};
use crate::support::{self, IAT, at, connection, data, every_key, key, subscription};

#[test]
fn what_is_signed_verifies_with_static_key() {
    for key in every_key() {
        let verifier = Verifier::new(&key);
        let token = connection().sign_at(&key, at(IAT)).unwrap();
        let read = verifier.connection_at(&token, at(IAT)).unwrap();
        assert_eq!(
            (read.user.as_str(), read.expires_at),
            ("42", Some(1_700_003_600))
        );
        let token = subscription().sign_at(&key, at(IAT)).unwrap();
        let read = verifier.subscription_at(&token, at(IAT)).unwrap();
        assert_eq!((read.user.as_str(), read.channel.as_str()), ("42", "news"));
    }
}

#[test]
fn what_is_signed_verifies_by_jwks() {
    for key in every_key().into_iter().filter(|key| key.public().is_some()) {
        let set = KeySet::new(Duration::from_secs(3600)).publish(key).unwrap();
        let key = set.active().unwrap();
        let token = connection().sign_at(&key, at(IAT)).unwrap();
        for verifier in [
            Verifier::with_key_set(&set),
            Verifier::with_jwks(&set.jwks()).unwrap(),
        ] {
            assert!(verifier.connection_at(&token, at(IAT)).is_ok());
            let without_kid = connection().sign_at(&every_key()[3], at(IAT)).unwrap();
            let refused = verifier.connection_at(&without_kid, at(IAT));
            assert_refused(refused, RefusalCode::InvalidToken, "has no `kid`");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for key in every_key() {
        // RSA and P-521 in a debug build are slow: a sample of theirs.
        let step = match key.algorithm() {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::EdDsa => 1,
            _ => 37,
        };
        let verifier = Verifier::new(&key);
        let token = connection().sign_at(&key, at(IAT)).unwrap();
        for bit in (0..8 * token.len()).step_by(step) {
            let mut bytes = token.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(
                verifier.connection_at(&changed, at(IAT)).is_err(),
                "bit {bit} of {token}"
            );
        }
    }
}

#[test]
fn changed_tokens_and_jwks_never_panic_and_are_refused() {
    let mut chance = support::Chance::new(4);
    let token = connection().info("1").sign_at(&key(), at(IAT)).unwrap();
    let set = KeySet::new(Duration::from_secs(60));
    let set = set
        .publish(Key::from_pem(data("p256.pem")).unwrap())
        .unwrap();
    for _ in 0..support::inputs(3000) {
        let changed = chance.mutate(token.as_bytes());
        let changed = String::from_utf8_lossy(&changed);
        if changed != token {
            assert!(
                verifier().connection_at(&changed, at(IAT)).is_err(),
                "{changed}"
            );
        }
        let claims = chance.mutate(
            br#"{"sub":"42","exp":1700003600,"subs":{"a":{"b64info":"/wA="}},"aud":["x"]}"#,
        );
        let _ = verifier().connection_at(&forged(&String::from_utf8_lossy(&claims)), at(IAT));
        let jwks = chance.mutate(set.jwks().as_bytes());
        let _ = Verifier::with_jwks(&String::from_utf8_lossy(&jwks));
    }
}

#[test]
fn wrong_keys_and_algorithms_are_refused() {
    let token = connection().sign_at(&key(), at(IAT)).unwrap();
    let other = Verifier::new(&Key::hs256("other").unwrap());
    assert_refused(
        other.connection_at(&token, at(IAT)),
        RefusalCode::InvalidToken,
        "signature is wrong",
    );
    let rsa = PublicKey::from_pem(data("rsa2048-public.pem")).unwrap();
    let public = Verifier::with_public_key(rsa.clone());
    assert_refused(
        public.connection_at(&token, at(IAT)),
        RefusalCode::InvalidToken,
        "HS256, for which there is no key",
    );
    // The public key as an HMAC secret, as an attacker would.
    let confused = EncodingKey::from_secret(data("rsa2048-public.pem").as_bytes()).unwrap();
    let token = encode(&Header::default(), &json!({"sub": "42"}), &confused).unwrap();
    assert_refused(
        public.connection_at(&token, at(IAT)),
        RefusalCode::InvalidToken,
        "HS256, for which there is no key",
    );
    for alg in ["none", "None", "PS256", "hs256", ""] {
        let token = forged_with(&format!(r#"{{"alg":"{alg}"}}"#), r#"{"sub":"42"}"#);
        assert_refused(
            verifier().connection_at(&token, at(IAT)),
            RefusalCode::InvalidToken,
            "does not know the algorithm",
        );
    }
    // An RSA key of a JWKS with an algorithm accepts no other one.
    let set = KeySet::new(Duration::from_secs(3600));
    let key = Key::from_pem(data("rsa2048.pem")).unwrap();
    let set = set.publish(key.clone()).unwrap();
    let other = key
        .with_algorithm(Algorithm::Rs512)
        .unwrap()
        .with_thumbprint_kid()
        .unwrap();
    let token = connection().sign_at(&other, at(IAT)).unwrap();
    let refused = Verifier::with_key_set(&set).connection_at(&token, at(IAT));
    assert_refused(refused, RefusalCode::InvalidToken, "the header says RS512");
}

#[test]
fn secret_verifies_each_hash_and_previous_one_until_its_end() {
    let verifier = verifier()
        .previous_secret("former", Some(at(IAT + 10)))
        .unwrap();
    for key in [
        Key::hs256("former"),
        Key::hs384("former"),
        Key::hs512("client_secret"),
    ] {
        let key = key.unwrap();
        let token = connection().sign_at(&key, at(IAT)).unwrap();
        assert!(
            verifier
                .connection_at(&token, at(IAT + 10) + Duration::from_millis(999))
                .is_ok()
        );
        let is_current = key.algorithm() == Algorithm::Hs512;
        assert_eq!(
            verifier.connection_at(&token, at(IAT + 11)).is_ok(),
            is_current
        );
    }
    let forever = super::verifier().previous_secret("former", None).unwrap();
    let token = connection()
        .sign_at(&Key::hs256("former").unwrap(), at(IAT))
        .unwrap();
    assert!(forever.connection_at(&token, at(IAT + 3599)).is_ok());
}

#[test]
fn previous_secret_needs_no_current_one() {
    let token = connection()
        .sign_at(&Key::hs256("former").unwrap(), at(IAT))
        .unwrap();
    let rsa = PublicKey::from_pem(data("rsa2048-public.pem")).unwrap();
    let verifier = Verifier::with_public_key(rsa)
        .previous_secret("former", Some(at(IAT + 10)))
        .unwrap();
    assert!(verifier.connection_at(&token, at(IAT + 10)).is_ok());
    assert_refused(
        verifier.connection_at(&token, at(IAT + 11)),
        RefusalCode::InvalidToken,
        "HS256, for which there is no key",
    );
}

#[test]
fn verifiers_take_the_keys_that_centrifugo_takes() {
    let rsa = PublicKey::from_pem(data("rsa2048-public.pem")).unwrap();
    let both = verifier().public_key(rsa.clone()).unwrap();
    assert!(both.clone().key(&Key::hs256("other").unwrap()).is_err());
    assert!(both.public_key(rsa.clone()).is_err());
    let jwks = |jwk: &str| Verifier::with_jwks(&format!(r#"{{"keys":[{jwk}]}}"#));
    let jwk = rsa.to_jwk().replacen('{', r#"{"kid":"a","#, 1);
    assert!(jwks(&jwk).unwrap().key(&key()).is_err());
}

#[test]
fn empty_key_id_finds_no_key() {
    let public = Key::from_pem(data("p256.pem"))
        .unwrap()
        .with_kid("")
        .public()
        .unwrap();
    let verifier = Verifier::with_jwks(&format!(r#"{{"keys":[{}]}}"#, public.to_jwk())).unwrap();
    let token = connection().sign_at(
        &Key::from_pem(data("p256.pem")).unwrap().with_kid(""),
        at(IAT),
    );
    let refused = verifier.connection_at(&token.unwrap(), at(IAT));
    assert_refused(refused, RefusalCode::InvalidToken, "has no `kid`");
}

#[test]
fn retired_keys_of_a_set_are_not_known() {
    let day = at(IAT + 86_400);
    let set = KeySet::new(Duration::from_secs(3600));
    let set = set
        .publish(Key::from_pem(data("p256.pem")).unwrap().with_kid("old"))
        .unwrap();
    let new = Key::from_pem(data("ed25519.pem")).unwrap().with_kid("new");
    let set = set
        .publish(ScheduledKey::new(new).active_from(day))
        .unwrap();
    let old = set.active_at(at(IAT)).unwrap();
    let never = Key::from_pem(data("p256.pem")).unwrap().with_kid("old");
    let forever = ConnectionClaims::new("42", Expiry::never())
        .sign_at(&never, at(IAT))
        .unwrap();
    let verifier = Verifier::with_key_set(&set);
    let last = connection().sign_at(&old, day).unwrap();
    assert!(
        verifier
            .connection_at(&last, day + Duration::from_secs(3599))
            .is_ok()
    );
    let end: SystemTime = day + Duration::from_secs(3600 + 300);
    assert!(verifier.connection_at(&forever, end).is_ok());
    let refused = verifier.connection_at(&forever, end + Duration::from_secs(1));
    assert_refused(
        refused,
        RefusalCode::InvalidToken,
        "no key with the ID \"old\"",
    );
}
