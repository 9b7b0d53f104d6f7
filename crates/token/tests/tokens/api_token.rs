//! Tokens for the server API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use centrifugo_token::{Algorithm, ApiTokens, Error, Key, Signer, SignerError};
use serde_json::json;

use crate::support::{IAT, at, claims_of, data};

/// A signer that counts, and fails when it is told to.
#[derive(Default)]
struct Remote {
    asked: AtomicUsize,
    fails: AtomicBool,
}

impl Signer for Remote {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDsa
    }

    fn key_id(&self) -> Option<&str> {
        None
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.fails.load(Ordering::Relaxed) {
            return Err("down".into());
        }
        Ok(Key::from_pem(data("ed25519.pem"))?.sign(message)?)
    }
}

fn tokens(lifetime: u64) -> (Arc<Remote>, ApiTokens<Arc<Remote>>) {
    let remote = Arc::<Remote>::default();
    let tokens = ApiTokens::new(Arc::clone(&remote), Duration::from_secs(lifetime));
    (remote, tokens)
}

#[tokio::test]
async fn claims_are_written() {
    let key = Key::from_pem(data("p256.pem")).unwrap();
    let tokens = ApiTokens::new(key, Duration::from_secs(600));
    let tokens = tokens
        .audience("a")
        .audience("b")
        .issuer("backend")
        .scope("publish presence");
    let token = tokens.token_at(at(IAT)).await.unwrap();
    assert_eq!(token.expires, at(IAT + 600));
    let mut claims = claims_of(&token.token);
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 36);
    let expected = json!({
        "exp": IAT + 600,
        "iat": IAT,
        "aud": ["a", "b"],
        "iss": "backend",
        "scope": "publish presence",
    });
    assert_eq!(claims, expected);
    assert!(!format!("{token:?} {tokens:?}").contains(&token.token));
}

#[tokio::test]
async fn token_is_kept_for_half_of_its_lifetime() {
    let (remote, tokens) = tokens(600);
    let first = tokens.token_at(at(IAT)).await.unwrap();
    let same = tokens.clone().token_at(at(IAT + 299)).await.unwrap();
    assert_eq!(first.token, same.token);
    let second = tokens.token_at(at(IAT + 300)).await.unwrap();
    assert_ne!(first.token, second.token);
    assert_eq!(second.expires, at(IAT + 900));
    assert_eq!(remote.asked.load(Ordering::Relaxed), 2);
    // Other claims, another token.
    let other = tokens
        .clone()
        .issuer("other")
        .token_at(at(IAT + 300))
        .await
        .unwrap();
    assert_ne!(other.token, second.token);
    assert_eq!(
        tokens.token_at(at(IAT + 301)).await.unwrap().token,
        second.token
    );
}

#[tokio::test]
async fn old_token_is_used_while_signer_fails() {
    let (remote, tokens) = tokens(600);
    let first = tokens.token_at(at(IAT)).await.unwrap();
    remote.fails.store(true, Ordering::Relaxed);
    let kept = tokens.token_at(at(IAT + 599)).await.unwrap();
    assert_eq!(kept.token, first.token);
    let error = tokens.token_at(at(IAT + 600)).await.unwrap_err();
    assert!(matches!(error, Error::Signer(_)), "{error}");
    remote.fails.store(false, Ordering::Relaxed);
    assert_ne!(
        tokens.token_at(at(IAT + 600)).await.unwrap().token,
        first.token
    );
}

#[tokio::test]
async fn wrong_claims_are_refused_before_signer_is_asked() {
    let (remote, tokens) = tokens(0);
    let error = tokens.token_at(at(IAT)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Claim { claim, .. } if claim == "exp"),
        "{error}"
    );
    let (_, tokens) = self::tokens(60);
    for tokens in [
        tokens.clone().audience(""),
        tokens.clone().issuer(""),
        tokens.scope(""),
    ] {
        assert!(matches!(
            tokens.token_at(at(IAT)).await,
            Err(Error::Claim { .. })
        ));
    }
    assert_eq!(remote.asked.load(Ordering::Relaxed), 0);
}

#[cfg(feature = "credentials")]
#[tokio::test]
async fn tokens_are_a_provider_of_the_client() {
    let key = Key::from_pem(data("p256.pem")).unwrap();
    let tokens = ApiTokens::new(key, Duration::from_secs(600));
    let provider = tokens.provider();
    let credential = centrifugo_api::Credential::from(provider().await.unwrap());
    assert_eq!(format!("{credential:?}"), "Credential");
    // The builder takes it; without a transport there is nothing to call.
    let builder = centrifugo_api::Client::builder("http://localhost:8000/api");
    let _ = builder.bearer_token_provider(provider);
    assert_eq!(
        provider_of(&tokens).await,
        tokens.token().await.unwrap().token
    );
}

#[cfg(feature = "credentials")]
async fn provider_of(tokens: &ApiTokens) -> String {
    tokens.provider()().await.unwrap().token
}
