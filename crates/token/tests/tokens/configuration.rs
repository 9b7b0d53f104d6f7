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
        .unwrap()
        .issuer("i")
        .unwrap()
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
        .subscription_tokens(own)
        .unwrap();
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

/// Reads the YAML that `to_yaml` writes: texts in double quotes on one line, blocks of lines, numbers and flags.
fn value_of_yaml(yaml: &str) -> Value {
    let mut client = serde_json::Map::new();
    let mut lines = yaml.split_terminator('\n').peekable();
    assert_eq!(lines.next(), Some("client:"));
    let mut section = String::new();
    while let Some(line) = lines.next() {
        let Some(option) = line.strip_prefix("    ") else {
            section = line.trim().trim_end_matches(':').to_owned();
            client.insert(section.clone(), json!({}));
            continue;
        };
        let (option, text) = option.split_once(": ").unwrap();
        let value = if text == "|" {
            let mut block = String::new();
            while let Some(line) = lines.next_if(|line| line.starts_with("      ")) {
                block.push_str(&line[6..]);
                block.push('\n');
            }
            Value::from(block)
        } else {
            serde_json::from_str(text).unwrap()
        };
        client[&section][option] = value;
    }
    json!({ "client": client })
}

/// Returns whether a reader of YAML takes the character as it is, between double quotes.
fn is_plain_in_yaml(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[test]
fn yaml_and_json_have_the_same_values() {
    let odd = "\u{7f}\u{80}\u{85}\u{9f}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}\u{1}\u{1f}";
    let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----";
    for text in [
        "",
        "~",
        "null",
        "yes",
        "1",
        "- a",
        "a: b",
        " # ",
        "%",
        "@",
        "'",
        "\"",
        "\\",
        "\t\r\n",
        "a\n\n b",
        "é\u{a0}😀",
        odd,
        pem,
        "|",
    ] {
        let own = TokenConfiguration::new().issuer(text).unwrap();
        let mut configuration = TokenConfiguration::new()
            .key(&Key::from_pem(data("rsa2048.pem")).unwrap())
            .unwrap()
            .audience(text)
            .unwrap()
            .subscription_tokens(own)
            .unwrap();
        if let Ok(key) = Key::hs256(text) {
            configuration = configuration.key(&key).unwrap();
            configuration = configuration.previous_secret(text, Some(at(7))).unwrap();
        }
        let yaml = configuration.to_yaml();
        assert_eq!(value_of_yaml(&yaml), json_of(&configuration), "{text:?}");
        let lines = yaml.split('\n');
        for line in lines {
            assert!(line.chars().all(is_plain_in_yaml), "{text:?}: {line:?}");
        }
    }
}

#[test]
fn urls_of_jwks_and_texts_are_checked() {
    let endpoint = |url: &str| TokenConfiguration::new().jwks_endpoint(url);
    for url in [
        "HTTP://example.com",
        "https://[::1]:8080/jwks",
        "https://user@example.com/{{tenant}}/jwks?a=b",
    ] {
        assert!(endpoint(url).is_ok(), "{url}");
    }
    for (url, reason) in [
        ("ftp://example.com", "must begin with"),
        ("http:/example.com", "must begin with"),
        ("https://example.com/jwks\n", "white space"),
        ("https://example.com/a b", "white space"),
        ("https://example.com/\0", "control character"),
        ("https://", "no host"),
        ("https:///jwks", "no host"),
        ("https://:8080/jwks", "no host"),
        ("https://user@/jwks", "no host"),
        ("https://?a", "no host"),
    ] {
        let error = endpoint(url).unwrap_err().to_string();
        assert!(error.contains(reason), "{url:?}: {error}");
    }
    assert!(TokenConfiguration::new().audience("a\0").is_err());
    assert!(TokenConfiguration::new().issuer("a\0").is_err());
}

#[test]
fn section_for_subscriptions_has_none_itself() {
    let inner = TokenConfiguration::new().audience("inner").unwrap();
    let outer = TokenConfiguration::new()
        .subscription_tokens(inner)
        .unwrap();
    let error = TokenConfiguration::new().subscription_tokens(outer);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("cannot have such a section"), "{error}");
}
