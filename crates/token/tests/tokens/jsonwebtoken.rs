//! The crate `jsonwebtoken` as a judge: it verifies our tokens, and we verify its.

use ::jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};
use centrifugo_token::{Algorithm, ConnectionClaims, Key, Verifier};
use serde_json::{Value, json};

use crate::support::{ASYMMETRIC, data, hour};

/// A key, and the same for `jsonwebtoken`.
struct Pair {
    ours: Key,
    theirs: EncodingKey,
    their_public: DecodingKey,
    algorithm: ::jsonwebtoken::Algorithm,
}

/// Returns the pairs of all algorithms that `jsonwebtoken` has: all but ES512.
fn pairs() -> Vec<Pair> {
    let secret = "a secret that is long enough for each of the hashes: 64 bytes.....";
    let hmac = [Key::hs256(secret), Key::hs384(secret), Key::hs512(secret)];
    let mut pairs: Vec<Pair> = hmac
        .into_iter()
        .map(|key| Pair {
            theirs: EncodingKey::from_secret(secret.as_bytes()).unwrap(),
            their_public: DecodingKey::from_secret(secret.as_bytes()).unwrap(),
            algorithm: key.as_ref().unwrap().algorithm().name().parse().unwrap(),
            ours: key.unwrap(),
        })
        .collect();
    for &(name, algorithm) in ASYMMETRIC {
        if algorithm == Algorithm::Es512 {
            continue;
        }
        let ours = Key::from_pem(data(name))
            .unwrap()
            .with_algorithm(algorithm)
            .unwrap();
        let pem = data(name).into_bytes();
        let public = ours.public().unwrap().to_pem().into_bytes();
        let (theirs, their_public) = match name.split_at(2).0 {
            "rs" => (
                EncodingKey::from_rsa_pem(&pem),
                DecodingKey::from_rsa_pem(&public),
            ),
            "ed" => (
                EncodingKey::from_ed_pem(&pem),
                DecodingKey::from_ed_pem(&public),
            ),
            _ => (
                EncodingKey::from_ec_pem(&pem),
                DecodingKey::from_ec_pem(&public),
            ),
        };
        pairs.push(Pair {
            ours,
            theirs: theirs.unwrap(),
            their_public: their_public.unwrap(),
            algorithm: algorithm.name().parse().unwrap(),
        });
    }
    pairs
}

#[test]
fn jsonwebtoken_verifies_our_tokens() {
    let pairs = pairs();
    assert_eq!(pairs.len(), 9);
    for pair in pairs {
        let claims = ConnectionClaims::new("42", hour())
            .audience("a")
            .issuer("i");
        let token = claims.sign(&pair.ours.with_kid("one")).unwrap();
        let mut validation = Validation::new(pair.algorithm);
        validation.set_audience(&["a"]);
        validation.set_issuer(&["i"]);
        let read = decode::<Value>(&token, &pair.their_public, &validation).unwrap();
        assert_eq!(read.header.kid.as_deref(), Some("one"));
        assert_eq!(read.claims["sub"], "42");
    }
}

#[test]
fn we_verify_tokens_of_jsonwebtoken() {
    for pair in pairs() {
        let claims = json!({"sub": "42", "exp": 4_000_000_000_u64, "info": {"a": 1}});
        let token = encode(&Header::new(pair.algorithm), &claims, &pair.theirs).unwrap();
        let read = Verifier::new(&pair.ours).connection(&token).unwrap();
        assert_eq!(read.user, "42");
        assert_eq!(read.info.unwrap(), r#"{"a":1}"#);
    }
}
