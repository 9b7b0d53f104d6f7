//! Sets of keys with keys that a real server cannot use.

use centrifugo_token::{Key, Verifier};

use crate::Outcome;
use crate::harness::{Backend, Endpoint, Server, forged_with, secret};

/// A further key of a set, whether a real server still reads the set, and whether `Verifier` does.
const KEYS: &[(&str, bool, bool)] = &[
    (
        r#"{"kty":"RSA","kid":"x","use":"enc","n":"AQAB","e":"AQAB"}"#,
        true,
        true,
    ),
    (
        r#"{"kty":"RSA","kid":"x","use":"sig","alg":"PS256","n":"AQAB","e":"AQAB"}"#,
        true,
        true,
    ),
    (
        r#"{"kty":"RSA","kid":"x","use":"sig","alg":"none","n":"AQAB","e":"AQAB"}"#,
        true,
        true,
    ),
    (
        r#"{"kty":"RSA","kid":"x","use":"sig","n":"%","e":"AQAB"}"#,
        false,
        false,
    ),
    (
        r#"{"kty":"EC","crv":"P-256","kid":"x","use":"sig","x":"AA","y":"AA"}"#,
        false,
        false,
    ),
    (
        r#"{"kty":"EC","crv":"secp256k1","kid":"x","use":"sig","x":"AA","y":"AA"}"#,
        false,
        false,
    ),
    (
        r#"{"kty":"OKP","crv":"X25519","kid":"x","use":"sig","x":"AA"}"#,
        false,
        false,
    ),
    (r#"{"kty":"unknown","kid":"x","use":"sig"}"#, false, false),
    ("null", false, false),
    (r#"{"kty":"unknown","kid":"x","use":"enc"}"#, false, false),
    (r#"{"kid":"x"}"#, false, false),
    ("{}", false, false),
    (
        r#"{"kty":"oct","kid":"secret","use":"sig","alg":"HS256","k":"c2VjcmV0"}"#,
        true,
        true,
    ),
    (
        r#"{"kty":"RSA","kid":"x","use":"sig","n":"AQAB","e":"AQAB"}"#,
        true,
        true,
    ),
    (
        r#"{"kty":"RSA","kid":"x","use":"enc","n":"AQAB","e":"gAAAAA"}"#,
        false,
        false,
    ),
    (
        r#"{"kty":"OKP","crv":"Ed448","kid":"x","use":"sig","x":"AA"}"#,
        true,
        true,
    ),
    // A point off the curve, whatever the key is for.
    (
        r#"{"kty":"EC","crv":"P-256","kid":"x","use":"enc","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"5Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#,
        false,
        false,
    ),
    // The last one of keys with the same ID counts.
    (
        r#"{"kty":"RSA","kid":"OWN","use":"sig","n":"AQAB","e":"AQAB"}"#,
        true,
        true,
    ),
    // A private key, which `Verifier` refuses: whoever has the set could sign.
    (
        r#"{"kty":"OKP","crv":"Ed25519","kid":"x","use":"sig","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        true,
        false,
    ),
];

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn key_that_cannot_be_read_fails_the_set() -> Outcome {
    let key = Key::from_pem(include_str!("../../crates/token/tests/data/rsa2048.pem"))?;
    let endpoint = Endpoint::start(String::new()).await?;
    let url = endpoint.url("/jwks");
    let options = [("CENTRIFUGO_CLIENT_TOKEN_JWKS_PUBLIC_ENDPOINT", &*url)];
    let server = Server::start(Backend::Real, &options).await;
    for (index, (further, real, verifier)) in KEYS.iter().enumerate() {
        // The server fetches the set for an ID that it does not know.
        let key = key.clone().with_kid(format!("{index}"));
        let public = key.public().ok_or("the key has a public half")?.to_jwk();
        let further = further.replace("OWN", &index.to_string());
        let jwks = format!(r#"{{"keys":[{further},{public}]}}"#);
        endpoint.set_jwks(jwks.clone());
        let token = forged_with(&key, &format!(r#"{{"alg":"RS256","kid":"{index}"}}"#), "{}");
        assert_eq!(server.connect(&token).await.is_ok(), *real, "{further}");
        let verified = Verifier::with_jwks(&jwks).map(|verifier| verifier.connection(&token));
        assert_eq!(matches!(verified, Ok(Ok(_))), *verifier, "{further}");
    }
    let symmetric = forged_with(&secret("secret"), r#"{"alg":"HS256","kid":"secret"}"#, "{}");
    assert_eq!(server.connect(&symmetric).await.err(), Some(3500));
    Ok(())
}
