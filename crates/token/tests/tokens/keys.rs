//! Keys: each form in which they are read, and what they sign.

use centrifugo_token::{Algorithm, Key, PublicKey};

use crate::support::{self, ASYMMETRIC, data, every_key};

#[test]
fn every_algorithm_signs_what_its_public_half_verifies() {
    for &(name, algorithm) in ASYMMETRIC {
        let key = Key::from_pem(data(name)).unwrap();
        let key = key.with_algorithm(algorithm).unwrap();
        let signature = key.sign(b"message").unwrap();
        let public = key.public().unwrap();
        assert!(
            public.verify(algorithm, b"message", &signature),
            "{algorithm}"
        );
        assert!(
            !public.verify(algorithm, b"massage", &signature),
            "{algorithm}"
        );
        for other in every_key().iter().map(Key::algorithm) {
            assert_eq!(
                public.verify(other, b"message", &signature),
                other == algorithm,
                "{other} by {algorithm}"
            );
        }
    }
}

#[test]
fn every_form_of_private_key_is_the_same_key() {
    for (pkcs8, other) in [
        ("rsa2048.pem", "rsa2048-pkcs1.pem"),
        ("p256.pem", "p256-sec1.pem"),
        ("p384.pem", "p384-sec1.pem"),
        #[cfg(feature = "aws-lc-rs")]
        ("p521.pem", "p521-sec1.pem"),
    ] {
        let first = Key::from_pem(data(pkcs8)).unwrap();
        let second = Key::from_pem(data(other)).unwrap();
        assert_eq!(first.public(), second.public(), "{other}");
        for name in [pkcs8, other] {
            let third = Key::from_der(&support::der(&data(name))).unwrap();
            assert_eq!(first.public(), third.public(), "{name} in DER");
        }
    }
}

#[test]
fn public_halves_are_those_that_openssl_derives() {
    for (private, public) in [
        ("rsa2048.pem", "rsa2048-public.pem"),
        ("p256.pem", "p256-public.pem"),
        ("p384.pem", "p384-public.pem"),
        #[cfg(feature = "aws-lc-rs")]
        ("p521.pem", "p521-public.pem"),
        ("ed25519.pem", "ed25519-public.pem"),
    ] {
        let key = Key::from_pem(data(private)).unwrap().public().unwrap();
        assert_eq!(key.to_pem(), data(public));
        let read = PublicKey::from_pem(data(public)).unwrap();
        assert_eq!(read.to_pem(), data(public));
        assert_eq!(PublicKey::from_der(&read.to_der()).unwrap(), read);
        assert_eq!(PublicKey::from_jwk(&key.to_jwk()).unwrap(), key);
        assert_eq!(read.thumbprint(), key.thumbprint());
    }
}

#[test]
fn certificates_contain_public_keys() {
    for (certificate, public) in [
        ("rsa2048-certificate.pem", "rsa2048-public.pem"),
        ("p256-certificate.pem", "p256-public.pem"),
    ] {
        let key = PublicKey::from_pem(data(certificate)).unwrap();
        assert_eq!(key.to_pem(), data(public));
        let der = support::der(&data(certificate));
        assert_eq!(PublicKey::from_der(&der).unwrap(), key);
    }
}

#[test]
fn rsa_public_key_in_pem_verifies_each_size_of_hash() {
    let public = PublicKey::from_pem(data("rsa2048-public.pem")).unwrap();
    assert_eq!(public.algorithm(), None);
    for algorithm in [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512] {
        let key = Key::from_pem(data("rsa2048.pem")).unwrap();
        let key = key.with_algorithm(algorithm).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(public.verify(algorithm, b"message", &signature));
        assert!(!public.verify(Algorithm::Hs256, b"message", &signature));
    }
}

#[test]
fn line_ends_widths_and_text_around_pem_do_not_matter() {
    let pem = data("p256.pem");
    let expected = Key::from_pem(&pem).unwrap().public();
    let windows = pem.replace('\n', "\r\n");
    let noisy = format!("Bag Attributes\n  friendlyName: x\n{pem}\nmore\n");
    let chain = format!("{}{pem}", data("p256-certificate.pem"));
    for pem in [windows, noisy, chain, pem.trim_end().to_owned()] {
        assert_eq!(Key::from_pem(&pem).unwrap().public(), expected, "{pem}");
    }
}

#[test]
fn thumbprint_is_that_of_rfc_7638() {
    // The example of RFC 7638, section 3.1, and that of RFC 8037, appendix A.3.
    let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    let key = PublicKey::from_jwk(rsa).unwrap();
    assert_eq!(
        key.thumbprint(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    assert_eq!(key.kid(), Some("2011-04-29"));
    assert_eq!(key.algorithm(), Some(Algorithm::Rs256));
    let okp = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = PublicKey::from_jwk(okp).unwrap();
    assert_eq!(
        key.thumbprint(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn private_jwks_of_the_rfcs_are_read() {
    // RFC 8037, appendix A.1 and A.4.
    let okp = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = Key::from_jwk(okp).unwrap();
    let signature = key
        .sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
        .unwrap();
    assert_eq!(
        support::base64url(&signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    // RFC 7517, appendix A.2.
    let ec = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"enc","kid":"1"}"#;
    let key = Key::from_jwk(ec).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Es256);
    assert_eq!(key.kid(), Some("1"));
    // RFC 7515, appendix A.1.
    let oct = r#"{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let key = Key::from_jwk(oct).unwrap();
    let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let tag = key.sign(message.as_bytes()).unwrap();
    assert_eq!(
        support::base64url(&tag),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
}

#[test]
fn private_rsa_jwk_is_the_key_in_pem() {
    let key = Key::from_jwk(&data("rsa2048.jwk")).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Rs384);
    let pem = Key::from_pem(data("rsa2048.pem")).unwrap();
    assert_eq!(key.thumbprint(), pem.thumbprint());
    let signature = key.sign(b"message").unwrap();
    let public = PublicKey::from_pem(data("rsa2048-public.pem")).unwrap();
    assert!(public.verify(Algorithm::Rs384, b"message", &signature));
}

#[test]
fn private_numbers_without_leading_zeros_are_read() {
    let key = Key::from_jwk(&data("p256-short.jwk")).unwrap();
    let signature = key.sign(b"message").unwrap();
    let public = key.public().unwrap();
    assert!(public.verify(Algorithm::Es256, b"message", &signature));
}
