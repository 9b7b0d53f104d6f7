//! Tokens for the server API.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use centrifugo_token::{Algorithm, ApiTokens, Error, Key, Signer, SignerError};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::{IAT, at, claims_of, data};

/// A signer that counts, and fails or hangs when it is told to.
#[derive(Default)]
struct Remote {
    asked: AtomicUsize,
    fails: AtomicBool,
    /// It waits for the permission of the test.
    hangs: AtomicBool,
    permission: Notify,
}

impl Remote {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
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
        if self.hangs.load(Ordering::Relaxed) {
            self.permission.notified().await;
        }
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
async fn failing_signer_is_left_alone_for_a_second_while_token_is_valid() {
    let (remote, tokens) = tokens(600);
    let first = tokens.token_at(at(IAT)).await.unwrap();
    remote.fails.store(true, Ordering::Relaxed);
    for time in [at(IAT + 300), at(IAT + 300) + Duration::from_millis(999)] {
        assert_eq!(tokens.token_at(time).await.unwrap().token, first.token);
        assert_eq!(remote.asked(), 2);
    }
    remote.fails.store(false, Ordering::Relaxed);
    let second = tokens.token_at(at(IAT + 310)).await.unwrap();
    assert_ne!(second.token, first.token);
    // Without a valid token, every call asks.
    remote.fails.store(true, Ordering::Relaxed);
    for asked in [4, 5] {
        assert!(tokens.token_at(at(IAT + 2000)).await.is_err());
        assert_eq!(remote.asked(), asked);
    }
}

/// Returns calls that have been polled until they wait.
async fn concurrent(
    tokens: &ApiTokens<Arc<Remote>>,
    calls: usize,
) -> JoinSet<Result<String, Error>> {
    let mut set = JoinSet::new();
    for _ in 0..calls {
        let tokens = tokens.clone();
        set.spawn(async move { Ok(tokens.token_at(at(IAT + 300)).await?.token) });
    }
    tokio::task::yield_now().await;
    set
}

#[tokio::test]
async fn concurrent_calls_sign_once() {
    let (remote, tokens) = tokens(600);
    remote.hangs.store(true, Ordering::Relaxed);
    let calls = concurrent(&tokens, 20).await;
    assert_eq!(remote.asked(), 1);
    remote.permission.notify_one();
    let mut texts = calls.join_all().await.into_iter().map(Result::unwrap);
    let first = texts.next().unwrap();
    assert!(texts.all(|text| text == first));
    assert_eq!(remote.asked(), 1);
}

#[tokio::test]
async fn waiting_calls_share_the_failure() {
    let (remote, tokens) = tokens(600);
    remote.hangs.store(true, Ordering::Relaxed);
    remote.fails.store(true, Ordering::Relaxed);
    let calls = concurrent(&tokens, 20).await;
    remote.hangs.store(false, Ordering::Relaxed);
    remote.permission.notify_one();
    for failed in calls.join_all().await {
        let error = failed.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.ends_with("down"), "{source}");
    }
    assert_eq!(remote.asked(), 1);
}

#[tokio::test]
async fn hanging_signer_holds_up_one_caller() {
    let (remote, tokens) = tokens(600);
    let first = tokens.token_at(at(IAT)).await.unwrap();
    remote.hangs.store(true, Ordering::Relaxed);
    let mut hanging = Box::pin(tokens.token_at(at(IAT + 300)));
    let polled = poll_once(hanging.as_mut()).await;
    assert!(polled.is_none());
    let kept = tokens.token_at(at(IAT + 301)).await.unwrap();
    assert_eq!(kept.token, first.token);
    assert_eq!(remote.asked(), 2);
    // A caller that gives up is a failure of the signer: it is left alone, and then asked by another caller.
    drop(hanging);
    assert_eq!(
        tokens.token_at(at(IAT + 300)).await.unwrap().token,
        first.token
    );
    remote.hangs.store(false, Ordering::Relaxed);
    let second = tokens.token_at(at(IAT + 310)).await.unwrap();
    assert_ne!(second.token, first.token);
    assert_eq!(remote.asked(), 3);
}

#[tokio::test]
async fn waiting_caller_signs_when_the_one_that_signs_gives_up() {
    let (remote, tokens) = tokens(600);
    remote.hangs.store(true, Ordering::Relaxed);
    let mut hanging = Box::pin(tokens.token_at(at(IAT)));
    assert!(poll_once(hanging.as_mut()).await.is_none());
    let waiting = concurrent(&tokens, 2).await;
    assert_eq!(remote.asked(), 1);
    remote.hangs.store(false, Ordering::Relaxed);
    drop(hanging);
    let texts = waiting.join_all().await;
    assert_eq!(texts[0].as_ref().unwrap(), texts[1].as_ref().unwrap());
    assert_eq!(remote.asked(), 2);
}

/// Returns the output of a future if it is ready.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn wrong_claims_are_refused_before_signer_is_asked() {
    let (remote, _) = tokens(0);
    let below = Duration::from_millis(999);
    for now in [at(IAT), at(IAT) + below] {
        let tokens = ApiTokens::new(Arc::clone(&remote), below);
        let error = tokens.token_at(now).await.unwrap_err();
        assert!(
            matches!(&error, Error::Claim { claim, .. } if claim == "exp"),
            "{error}"
        );
    }
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
