//! Signers outside the process: what they are asked, and what is accepted of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use centrifugo_token::{
    Algorithm, ConnectionClaims, Error, Expiry, Key, Signer, SignerError, SubscriptionClaims,
};

use crate::support::{self, data};

/// A signer that returns what it is told, and counts.
struct Remote {
    algorithm: Algorithm,
    reply: Result<Vec<u8>, &'static str>,
    asked: AtomicUsize,
}

impl Remote {
    fn new(algorithm: Algorithm, reply: Result<Vec<u8>, &'static str>) -> Self {
        let asked = AtomicUsize::new(0);
        Self {
            algorithm,
            reply,
            asked,
        }
    }
}

impl Signer for Remote {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn key_id(&self) -> Option<&str> {
        Some("remote")
    }

    async fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.reply.clone()?)
    }
}

fn claims() -> ConnectionClaims {
    ConnectionClaims::new("42", Expiry::after(Duration::from_secs(60)))
}

#[tokio::test]
async fn keys_are_signers() {
    for key in support::every_key() {
        let key = key.with_kid("one");
        let token = claims().sign_with(&key).await.unwrap();
        let other = SubscriptionClaims::user("42").channel("news", Expiry::never());
        let other = other.sign_with(&key).await.unwrap();
        for token in [token, other] {
            let (message, signature) = token.rsplit_once('.').unwrap();
            let signature = support::from_base64url(signature);
            match key.public() {
                Some(public) => {
                    assert!(public.verify(key.algorithm(), message.as_bytes(), &signature));
                }
                None => assert_eq!(key.sign(message.as_bytes()).unwrap(), signature),
            }
        }
    }
}

#[tokio::test]
async fn wrong_claims_are_refused_before_signer_is_asked() {
    let remote = Remote::new(Algorithm::Es256, Ok(vec![1; 64]));
    let wrong = ConnectionClaims::new("", Expiry::never());
    assert!(matches!(
        wrong.sign_with(&remote).await,
        Err(Error::Claim { .. })
    ));
    let long = claims().claim("text", "x".repeat(9000));
    assert!(matches!(
        long.sign_with(&remote).await,
        Err(Error::TooLong { .. })
    ));
    assert_eq!(remote.asked.load(Ordering::Relaxed), 0);
    let token = claims().sign_with(&remote).await.unwrap();
    let header = support::from_base64url(token.split('.').next().unwrap());
    assert_eq!(header, br#"{"alg":"ES256","typ":"JWT","kid":"remote"}"#);
    assert_eq!(remote.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn signature_counts_for_the_length() {
    let remote = Remote::new(Algorithm::Rs256, Ok(vec![1; 512]));
    let claims = claims().id("one").issued_at(SystemTime::UNIX_EPOCH);
    let token = claims.sign_with(&remote).await.unwrap();
    let exact = claims.clone().max_length(token.len());
    assert!(exact.sign_with(&remote).await.is_ok());
    let short = claims.max_length(token.len() - 1);
    let limit = token.len() - 1;
    let error = short.sign_with(&remote).await.unwrap_err();
    assert!(
        matches!(error, Error::TooLong { length, limit: l } if length > l && l == limit),
        "{error}"
    );
    assert_eq!(remote.asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn failure_of_signer_is_the_source() {
    let remote = Remote::new(Algorithm::Es256, Err("access denied"));
    let error = claims().sign_with(&remote).await.unwrap_err();
    assert_eq!(error.to_string(), "the signer failed");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "access denied");
}

#[tokio::test]
async fn signatures_of_wrong_length_are_refused() {
    for (algorithm, length) in [
        (Algorithm::Hs256, 31),
        (Algorithm::Rs256, 31),
        (Algorithm::Es256, 63),
        (Algorithm::Es384, 64),
        (Algorithm::Es512, 128),
        (Algorithm::EdDsa, 0),
    ] {
        let remote = Remote::new(algorithm, Ok(vec![1; length]));
        let error = claims().sign_with(&remote).await.unwrap_err();
        assert!(
            matches!(&error, Error::Signature(text) if text.contains(algorithm.name())),
            "{error}"
        );
    }
}

#[tokio::test]
async fn ecdsa_signatures_in_der_are_recognized() {
    let der = vec![0x30, 6, 2, 1, 1, 2, 1, 2];
    let remote = Remote::new(Algorithm::Es256, Ok(der.clone()));
    let error = claims().sign_with(&remote).await.unwrap_err();
    assert!(
        error.to_string().contains("Algorithm::signature_from_der"),
        "{error}"
    );
    assert_eq!(
        Algorithm::Es512.signature_from_der(&der).unwrap().len(),
        132
    );
    assert!(Algorithm::Rs256.signature_from_der(&der).is_err());
    assert!(Algorithm::Es256.signature_from_der(&der[1..]).is_err());
    assert!(
        Algorithm::Es256
            .signature_from_der(&[&der[..], &[0]].concat())
            .is_err()
    );
    let long = [&[0x30, 38, 2, 33, 1][..], &[1; 32], &[2, 1, 2]].concat();
    let error = Algorithm::Es256.signature_from_der(&long).unwrap_err();
    assert!(error.to_string().contains("another curve"), "{error}");
}

#[test]
fn signature_that_openssl_wrote_in_der_verifies() {
    // openssl dgst -sha256 -sign p256.pem, of the text "message".
    let der = support::from_base64url(&data("p256-signature.b64"));
    let signature = Algorithm::Es256.signature_from_der(&der).unwrap();
    let public = Key::from_pem(data("p256.pem")).unwrap().public().unwrap();
    assert!(public.verify(Algorithm::Es256, b"message", &signature));
}
