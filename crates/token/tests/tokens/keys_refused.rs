//! Keys that are refused, and what their errors show.

use centrifugo_token::{
    Algorithm, Error, Key, PublicKey, SharedPollSecret, TokenConfiguration, Verifier,
};

use crate::support::{self, data};

/// A coordinate or an Ed25519 key.
const X: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::Key(problem) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn weak_keys_are_refused() {
    let weak = problem(Key::from_pem(data("rsa1024-pkcs1.pem")));
    assert!(weak.contains("1024 bits, fewer than 2048"), "{weak}");
    assert!(problem(Key::hs256("")).contains("secret is empty"));
    assert!(problem(Key::hs256("secret\n")).contains("white space"));
    for (key, needed) in [
        (Key::hs256("x".repeat(31)), 32),
        (Key::hs384("x".repeat(47)), 48),
        (Key::hs512("x".repeat(63)), 64),
    ] {
        let text = problem(key.unwrap().require_strong_secret());
        assert!(text.contains(&format!("needs {needed}")), "{text}");
    }
    assert!(
        Key::hs256("x".repeat(32))
            .unwrap()
            .require_strong_secret()
            .is_ok()
    );
}

#[test]
fn each_secret_is_checked_in_the_same_way() {
    let until = None;
    let public = data("rsa2048-public.pem");
    for (secret, reason) in [
        (public.trim().to_owned(), "read it with from_pem"),
        (format!(" \n{}", public.trim()), "read it with from_pem"),
        (
            format!("Certificate:\n{}", data("p256-certificate.pem").trim()),
            "read it with from_pem",
        ),
        ("secret\n".to_owned(), "white space"),
        (" secret".to_owned(), "white space"),
        ("sec\0ret".to_owned(), "zero byte"),
    ] {
        let jwk = format!(
            r#"{{"kty":"oct","k":"{}"}}"#,
            support::base64url(secret.as_bytes())
        );
        let verifier = Verifier::new(&support::key());
        let shared = SharedPollSecret::new("other").unwrap();
        for text in [
            problem(Key::hs256(&secret)),
            problem(Key::hs384(&secret)),
            problem(Key::hs512(&secret)),
            problem(Key::from_jwk(&jwk)),
            problem(verifier.previous_secret(&secret, until)),
            problem(TokenConfiguration::new().previous_secret(&secret, until)),
            problem(SharedPollSecret::new(&secret)),
            problem(shared.previous(&secret, until)),
        ] {
            assert!(text.contains(reason), "{secret:?}: {text}");
        }
    }
    // Random bytes may have any ends.
    assert!(Key::hs256([0xff, 0x00, b'\n']).is_ok());
    assert!(Key::from_jwk(r#"{"kty":"oct","k":"_wAK"}"#).is_ok());
}

#[test]
fn keys_of_other_kinds_are_named() {
    for (name, expected) in [
        ("p256-public.pem", "a public key cannot sign"),
        ("rsa2048-certificate.pem", "a public key cannot sign"),
        ("encrypted.pem", "decrypt it with"),
        ("k256.pem", "the curve \"1.3.132.0.10\" is not one of P-256"),
        ("ed448.pem", "the kind of key 1.3.101.113 is not one of RSA"),
        ("p256-without-public.pem", "has no public half: add it with"),
        ("rsa2048-public-pkcs1.pem", "-RSAPublicKey_in"),
        ("p256-explicit.pem", "-param_enc named_curve"),
        ("p256-explicit-sec1.pem", "-param_enc named_curve"),
        ("p256-compressed.pem", "-conv_form uncompressed"),
        ("p256-compressed-sec1.pem", "-conv_form uncompressed"),
    ] {
        let text = problem(Key::from_pem(data(name)));
        assert!(text.contains(expected), "{name}: {text}");
    }
    for (name, expected) in [
        ("p256.pem", "this is a private key"),
        ("rsa2048-public-pkcs1.pem", "-RSAPublicKey_in"),
        ("p256-explicit-public.pem", "-param_enc named_curve"),
        ("p256-compressed-public.pem", "-conv_form uncompressed"),
        ("p256-parameters.pem", "this is a private key"),
    ] {
        let text = problem(PublicKey::from_pem(data(name)));
        assert!(text.contains(expected), "{name}: {text}");
    }
    let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n\
                     -----END RSA PRIVATE KEY-----\n";
    let text = problem(Key::from_pem(encrypted));
    assert!(text.contains("is encrypted: decrypt it with"), "{text}");
    assert!(Key::from_pem(data("p256-parameters.pem")).is_ok());
    assert!(problem(Key::from_pem("")).contains("it is empty"));
    assert!(problem(Key::from_pem("/etc/key.pem")).contains("a path must be read first"));
    let escaped = data("p256.pem").replace('\n', "\\n");
    let text = problem(Key::from_pem(escaped));
    assert!(text.contains("instead of line breaks"), "{text}");
    assert!(problem(Key::from_der(b"nonsense")).contains("not a private key in DER"));
    let public = support::der(&data("p256-public.pem"));
    assert!(problem(Key::from_der(&public)).contains("this is a public key"));
}

/// Returns public keys with a mistake, and a part of their error.
fn wrong_public_jwks() -> Vec<(String, &'static str)> {
    let x = X;
    vec![
        ("[]".to_owned(), "not an object"),
        (r#"{"kty":"oct","k":7}"#.to_owned(), "`k` is not a text"),
        (
            r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(),
            "symmetric key",
        ),
        (r#"{"kty":"EC","crv":"P-256"}"#.to_owned(), "no `x`"),
        (
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"AQ"}}"#),
            "32 bytes each",
        ),
        (
            format!(r#"{{"kty":"EC","crv":"secp256k1","x":"{x}","y":"{x}"}}"#),
            "\"secp256k1\"",
        ),
        (
            r#"{"kty":"OKP","crv":"X25519","x":"AQ"}"#.to_owned(),
            "\"X25519\"",
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"A="}"#.to_owned(),
            "`x` is not base64url",
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"AQ"}"#.to_owned(),
            "32 bytes",
        ),
        (
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{x}"}}"#),
            "private key",
        ),
        (
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","alg":"ES256"}}"#),
            "does not fit",
        ),
        (
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","alg":"none"}}"#),
            "does not know",
        ),
        (r#"{"kty":"DSA"}"#.to_owned(), "\"DSA\""),
        (
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(),
            "17 bits",
        ),
    ]
}

#[test]
fn wrong_jwks_are_named() {
    for (jwk, expected) in wrong_public_jwks() {
        let text = problem(PublicKey::from_jwk(&jwk));
        assert!(text.contains(expected), "{jwk}: {text}");
    }
    let public = Key::from_pem(data("ed25519.pem"))
        .unwrap()
        .public()
        .unwrap();
    assert!(problem(Key::from_jwk(&public.to_jwk())).contains("is a public key"));
    let halves = public.to_jwk().replace('}', &format!(r#","d":"{X}"}}"#));
    assert!(problem(Key::from_jwk(&halves)).contains("Ed25519 key is not usable"));
}

#[test]
fn debug_and_errors_show_no_secret() {
    let secret = "correct horse battery staple";
    let key = Key::hs256(secret).unwrap().with_kid("one");
    assert_eq!(
        format!("{key:?}"),
        r#"Key { algorithm: Hs256, kid: Some("one") }"#
    );
    let texts = [
        problem(key.clone().require_strong_secret()),
        problem(key.clone().with_algorithm(Algorithm::Rs256)),
        problem(key.with_thumbprint_kid()),
        problem(Key::hs256(format!("{secret} "))),
        problem(Key::from_jwk(&format!(r#"{{"kty":"oct","k":"{secret}"}}"#))),
        problem(Key::from_jwk(&format!(
            r#"{{"kty":"oct","k":["{secret}"]}}"#
        ))),
        problem(Key::from_pem(secret)),
    ];
    for text in texts {
        assert!(!text.contains("horse"), "{text}");
    }
    let private = Key::from_pem(data("ed25519.pem")).unwrap();
    assert_eq!(
        format!("{private:?}"),
        "Key { algorithm: EdDsa, kid: None }"
    );
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
#[test]
fn p521_needs_aws_lc() {
    let text = problem(Key::from_pem(data("p521.pem")));
    assert!(text.contains("enable the feature `aws-lc-rs`"), "{text}");
    let text = problem(PublicKey::from_pem(data("p521-public.pem")));
    assert!(text.contains("enable the feature `aws-lc-rs`"), "{text}");
}

#[test]
fn changed_pem_der_and_jwk_never_panic() {
    let mut chance = support::Chance::new(17);
    let mut refused = 0;
    let jwk = Key::from_pem(data("p256.pem"))
        .unwrap()
        .public()
        .unwrap()
        .to_jwk();
    for name in [
        "rsa2048.pem",
        "p256-sec1.pem",
        "ed25519.pem",
        "p256-certificate.pem",
    ] {
        for _ in 0..support::inputs(300) {
            let text = chance.mutate(data(name).as_bytes());
            refused += usize::from(Key::from_pem(&text).is_err());
            let _ = PublicKey::from_pem(&text);
            let der = chance.mutate(&support::der(&data(name)));
            refused += usize::from(Key::from_der(&der).is_err());
            let _ = PublicKey::from_der(&der);
        }
    }
    for source in [jwk, data("rsa2048.jwk")] {
        for _ in 0..support::inputs(2000) {
            let changed = chance.mutate(source.as_bytes());
            let changed = String::from_utf8_lossy(&changed);
            refused += usize::from(PublicKey::from_jwk(&changed).is_err());
            let _ = Key::from_jwk(&changed);
        }
    }
    assert!(refused > 1000, "{refused}");
}
