//! The configuration for Centrifugo.

use centrifugo_token::{Key, PublicKey, TokenConfiguration};
use serde_json::{Value, json};

use crate::support::{IAT, at, data};

fn json_of(configuration: &TokenConfiguration) -> Value {
    serde_json::from_str(&configuration.to_json()).unwrap()
}

#[test]
fn static_keys_are_printed() {
    let configuration = TokenConfiguration::new()
        .key(&Key::hs256("my \"secret\"").unwrap())
        .unwrap()
        .previous_secret("former", Some(at(IAT)))
        .unwrap()
        .key(&Key::from_pem(data("rsa2048.pem")).unwrap())
        .unwrap()
        .public_key(&PublicKey::from_pem(data("p256-certificate.pem")).unwrap())
        .unwrap()
        .key(&Key::from_pem(data("ed25519.pem")).unwrap())
        .unwrap()
        .audience("a")
        .issuer("i")
        .user_id_claim("user")
        .unwrap();
    let expected = json!({"client": {"token": {
        "hmac_secret_key": "my \"secret\"",
        "hmac_previous_secret_key": "former",
        "hmac_previous_secret_key_valid_until": IAT,
        "rsa_public_key": data("rsa2048-public.pem"),
        "ecdsa_public_key": data("p256-public.pem"),
        "ed25519_public_key": data("ed25519-public.pem"),
        "audience": "a",
        "issuer": "i",
        "user_id_claim": "user",
    }}});
    assert_eq!(json_of(&configuration), expected);
    for (name, value) in configuration.to_environment() {
        let option = name
            .strip_prefix("CENTRIFUGO_CLIENT_TOKEN_")
            .unwrap()
            .to_lowercase();
        let expected = &expected["client"]["token"][&option];
        let expected = expected
            .as_str()
            .map_or_else(|| expected.to_string(), str::to_owned);
        assert_eq!(value, expected, "{name}");
    }
    assert_eq!(configuration.to_environment().len(), 9);
    assert!(!format!("{configuration:?}").contains("my"));
}

#[test]
fn yaml_has_keys_as_blocks_and_texts_in_quotes() {
    let own = TokenConfiguration::new()
        .jwks_endpoint("https://example.com/jwks")
        .unwrap();
    let configuration = TokenConfiguration::new()
        .key(&Key::hs256("a: \"#\" é").unwrap())
        .unwrap()
        .previous_secret("b", Some(at(7)))
        .unwrap()
        .key(&Key::from_pem(data("ed25519.pem")).unwrap())
        .unwrap()
        .subscription_tokens(own);
    let pem = data("ed25519-public.pem").replace('\n', "\n      ");
    let expected = format!(
        r##"client:
  token:
    hmac_secret_key: "a: \"#\" é"
    hmac_previous_secret_key: "b"
    hmac_previous_secret_key_valid_until: 7
    ed25519_public_key: |
      {}
  subscription_token:
    jwks_public_endpoint: "https://example.com/jwks"
    enabled: true
"##,
        pem.trim_end()
    );
    assert_eq!(configuration.to_yaml(), expected);
    let environment = configuration.to_environment();
    let enabled = (
        "CENTRIFUGO_CLIENT_SUBSCRIPTION_TOKEN_ENABLED".to_owned(),
        "true".to_owned(),
    );
    assert!(environment.contains(&enabled), "{environment:?}");
}

#[test]
fn what_centrifugo_would_ignore_is_refused() {
    let secret = Key::hs256("secret").unwrap();
    let with_secret = TokenConfiguration::new().key(&secret).unwrap();
    assert!(with_secret.clone().key(&secret).is_err());
    assert!(with_secret.jwks_endpoint("https://example.com").is_err());
    let with_jwks = TokenConfiguration::new()
        .jwks_endpoint("https://example.com")
        .unwrap();
    assert!(with_jwks.clone().key(&secret).is_err());
    assert!(with_jwks.clone().previous_secret("former", None).is_err());
    assert!(with_jwks.jwks_endpoint("https://example.org").is_err());
    assert!(
        TokenConfiguration::new()
            .jwks_endpoint("example.com")
            .is_err()
    );
    let bytes = Key::from_jwk(r#"{"kty":"oct","k":"_w"}"#).unwrap();
    assert!(TokenConfiguration::new().key(&bytes).is_err());
    assert!(TokenConfiguration::new().previous_secret("", None).is_err());
    assert_eq!(TokenConfiguration::new().to_json(), r#"{"client":{}}"#);
}
