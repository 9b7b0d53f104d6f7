//! API keys and bearer tokens: replaced, from providers that fail, hang and panic, and hidden.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use centrifugo_api::{Client, ClientBuilder, Credential, Error, InfoRequest, Retry, Status};
use centrifugo_api_testing::{Fault, Server};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::Outcome;

fn urls(server: &Server) -> [String; 2] {
    [server.url(), server.grpc_url()]
}

#[tokio::test]
async fn key_is_replaced_while_the_client_runs() -> Outcome {
    let server = Server::builder().api_key("new-key").start()?;
    for url in urls(&server) {
        let client = Client::new(url, "old-key")?;
        let clone = client.clone();
        assert!(
            clone
                .info(InfoRequest::new())
                .await
                .unwrap_err()
                .is_unauthorized()
        );
        client.set_api_key("new-key")?;
        clone.info(InfoRequest::new()).await?;
        assert!(client.set_api_key("two\nlines").is_err());
        client.info(InfoRequest::new()).await?;
    }
    Ok(())
}

/// Returns a provider of `key-1`, `key-2`…, and the number of times that it was asked.
fn numbered() -> (
    impl Fn() -> std::future::Ready<Result<String, Infallible>> + Send + Sync + 'static,
    Arc<AtomicUsize>,
) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let provider = move || {
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        std::future::ready(Ok(format!("key-{number}")))
    };
    (provider, asked)
}

/// Returns a client's configuration for each transport, without retries, and its server, whose key is `key`.
fn servers(key: &str) -> Result<Vec<(Server, ClientBuilder)>, Box<dyn std::error::Error>> {
    let start = || Server::builder().api_key(key).start();
    let (http, grpc) = (start()?, start()?);
    let builder = |url: String| Client::builder(url).retry(Retry::none());
    let http_builder = builder(http.url());
    let grpc_builder = builder(grpc.grpc_url());
    Ok(vec![(http, http_builder), (grpc, grpc_builder)])
}

#[tokio::test]
async fn provider_is_asked_once_for_many_calls() -> Outcome {
    for (_server, builder) in servers("key-1")? {
        let (provider, asked) = numbered();
        let client = builder.api_key_provider(provider).build()?;
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        let calls = (0..20).map(|_| client.info(InfoRequest::new()));
        for outcome in join_all(calls).await {
            outcome?;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    Ok(())
}

/// Also without retries: a call that the server refuses has certainly not run.
#[tokio::test]
async fn refused_key_is_fetched_again_once_and_the_call_made_again() -> Outcome {
    for (server, builder) in servers("key-2")? {
        let (provider, asked) = numbered();
        let client = builder.api_key_provider(provider).build()?;
        client.info(InfoRequest::new()).await?;
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        client.info(InfoRequest::new()).await?;
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert_eq!(server.take_requests().len(), 2);
    }
    for (_server, builder) in servers("key-3")? {
        let (provider, asked) = numbered();
        let client = builder.api_key_provider(provider).build()?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert!(error.is_unauthorized() && error.is_unsent(), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        client.info(InfoRequest::new()).await?;
    }
    Ok(())
}

/// A key that is simply wrong does not make each call ask the provider.
#[tokio::test]
async fn provider_that_repeats_a_refused_key_is_left_alone_for_a_while() -> Outcome {
    for (_server, builder) in servers("right")? {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let provider = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok::<_, Infallible>("wrong"))
        };
        let client = builder.api_key_provider(provider).build()?;
        for _ in 0..5 {
            let error = client.info(InfoRequest::new()).await.unwrap_err();
            assert!(error.is_unauthorized(), "{error}");
        }
        // One more only if the five calls took longer than a second.
        assert!(asked.load(Ordering::SeqCst) <= 3);
    }
    Ok(())
}

#[tokio::test]
async fn key_without_a_lifetime_is_fetched_for_each_attempt() -> Outcome {
    for (_server, builder) in servers("key")? {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let provider = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let key = Credential::new("key").expires_in(Duration::ZERO);
            std::future::ready(Ok::<_, Infallible>(key))
        };
        let client = builder.api_key_provider(provider).build()?;
        for _ in 0..3 {
            client.info(InfoRequest::new()).await?;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }
    Ok(())
}

#[tokio::test]
async fn provider_that_fails_hangs_or_panics_is_an_error_and_nothing_is_sent() -> Outcome {
    async fn fail() -> Result<String, std::io::Error> {
        Err(std::io::Error::other("the vault is sealed"))
    }
    async fn panic() -> Result<String, Infallible> {
        panic!("this test wants to see a panic")
    }
    async fn empty() -> Result<String, Infallible> {
        Ok("\n".to_owned())
    }
    fn broken(builder: ClientBuilder, number: usize) -> ClientBuilder {
        match number {
            0 => builder.api_key_provider(fail),
            1 => builder.api_key_provider(panic),
            2 => builder.api_key_provider(empty),
            3 => builder.bearer_token_provider(pending::<Result<String, Infallible>>),
            _ => builder.api_key_provider(|| -> std::future::Ready<Result<String, Infallible>> {
                panic!("this test wants to see a panic")
            }),
        }
    }
    let texts = [
        "the provider of api_key: the vault is sealed",
        "the provider of api_key: it panicked",
        "the provider of api_key: api_key is empty",
        "the provider of bearer_token: it returned nothing within 100ms",
        "the provider of api_key: it panicked",
    ];
    for (number, text) in texts.into_iter().enumerate() {
        for (server, builder) in servers("key")? {
            let builder = builder.timeout(Duration::from_millis(100));
            let client = broken(builder, number).build()?;
            let error = client.info(InfoRequest::new()).await.unwrap_err();
            assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
            assert!(error.is_unsent() && error.is_retryable(), "{error}");
            let shown = error.to_string();
            assert!(shown.contains(text), "{shown}");
            assert!(shown.contains("nothing was sent"), "{shown}");
            assert!(server.take_requests().is_empty());
        }
    }
    Ok(())
}

/// The provider is asked in a task of its own: calls that stand still, end early or are dropped hold up no others.
#[tokio::test]
async fn calls_that_ask_the_provider_hold_up_no_others() -> Outcome {
    for (_server, builder) in servers("key")? {
        let asked = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let (counter, opened) = (Arc::clone(&asked), Arc::clone(&gate));
        let provider = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let opened = Arc::clone(&opened);
            async move {
                let _permit = opened.acquire().await;
                Ok::<_, Infallible>("key")
            }
        };
        let client = builder.api_key_provider(provider).build()?;
        let hurried = client.with_timeout(Duration::from_millis(20));
        let error = hurried.info(InfoRequest::new()).await.unwrap_err();
        assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
        let mut standing_still = Box::pin(client.info(InfoRequest::new()));
        let is_pending = futures_util::poll!(&mut standing_still).is_pending();
        assert!(is_pending);
        let dropped = Box::pin(client.info(InfoRequest::new()));
        assert!(futures_util::poll!(dropped).is_pending());
        gate.add_permits(1);
        client.info(InfoRequest::new()).await?;
        standing_still.await?;
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    Ok(())
}

#[tokio::test]
async fn key_that_is_set_ends_the_wait_for_the_provider() -> Outcome {
    for (_server, builder) in servers("key")? {
        let builder = builder.api_key_provider(pending::<Result<String, Infallible>>);
        let client = builder.build()?;
        let set = async { client.set_api_key("key") };
        let (outcome, set) = tokio::join!(biased; client.info(InfoRequest::new()), set);
        outcome?;
        set?;
    }
    Ok(())
}

#[test]
fn key_is_refused_by_a_client_with_a_token() -> Outcome {
    for url in ["http://localhost:8000/api", "grpc://localhost:10000"] {
        let client = Client::builder(url).bearer_token("token").build()?;
        let error = client.set_api_key("key").unwrap_err().to_string();
        assert!(error.contains("built with a bearer_token"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn call_is_retried_after_the_provider_failed() -> Outcome {
    for (server, builder) in servers("key-2")? {
        let asked = AtomicUsize::new(0);
        let provider = move || {
            let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
            std::future::ready(match number {
                1 => Err("the vault is sealed"),
                _ => Ok(format!("key-{number}")),
            })
        };
        let client = builder.retry(Retry::default()).api_key_provider(provider);
        client.build()?.info(InfoRequest::new()).await?;
        assert_eq!(server.take_requests().len(), 1);
    }
    Ok(())
}

/// Calls that wait for the same failure do not ask one after another.
#[tokio::test]
async fn calls_that_wait_share_a_failure() -> Outcome {
    for (_server, builder) in servers("key")? {
        let asked = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let (counter, opened) = (Arc::clone(&asked), Arc::clone(&gate));
        let provider = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let opened = Arc::clone(&opened);
            async move {
                let _permit = opened.acquire().await;
                Err::<String, _>("the vault is sealed")
            }
        };
        let client = builder.api_key_provider(provider).build()?;
        let calls = join_all((0..10).map(|_| client.info(InfoRequest::new())));
        let open = async { gate.add_permits(1) };
        // All calls wait before the gate opens: they are polled first.
        let (outcomes, ()) = tokio::join!(biased; calls, open);
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    Ok(())
}

#[test]
fn credentials_that_do_not_go_together_are_refused() {
    let both = |url: &str| Client::builder(url).api_key("key").bearer_token("token");
    let http = "http://localhost:8000/api";
    let cases = [
        (both(http), "Centrifugo needs one of them"),
        (
            both(http).key_and_bearer_token().legacy_commands(),
            "the same header",
        ),
        (
            both("grpc://localhost:10000").key_and_bearer_token(),
            "the same header",
        ),
        (
            Client::builder(http).api_key("key").key_and_bearer_token(),
            "has no effect unless",
        ),
        (
            Client::builder(http).bearer_token(""),
            "bearer_token is empty",
        ),
        (Client::builder(http).bearer_token("token\n"), "white space"),
        (Client::builder(http).bearer_token("tök"), "visible ASCII"),
        (
            Client::builder(http)
                .bearer_token("token")
                .header("Authorization", "x"),
            "carries the api_key or the bearer_token",
        ),
    ];
    for (builder, problem) in cases {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(problem), "{text}");
        assert!(!text.contains("tök"), "{text}");
    }
}

#[tokio::test]
async fn no_token_that_a_provider_returned_is_shown() -> Outcome {
    let server = Server::builder().insecure().start()?;
    for (url, status) in urls(&server)
        .into_iter()
        .zip([Status::Http(500), Status::Grpc(13)])
    {
        let client = Client::builder(url).bearer_token_provider(|| async {
            let token = Credential::new("hidden.token.1").expires_in(Duration::ZERO);
            Ok::<_, Infallible>(token)
        });
        let shown_before = format!("{client:?}");
        let client = client.build()?;
        server.fail_next(1, Fault::status(status).message("token hidden.token.1"))?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        let shown = format!("{shown_before} {error} {error:?} {client:?}");
        assert!(
            shown.contains("[secret]") && !shown.contains("hidden.token"),
            "{shown}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn no_key_that_a_client_had_is_shown() -> Outcome {
    const FIRST: &str = "first-secret-key";
    const SECOND: &str = "second-secret-key";
    let server = Server::builder().api_key(SECOND).start()?;
    let reflected = format!("keys {FIRST} {SECOND}");
    for (url, status) in urls(&server)
        .into_iter()
        .zip([Status::Http(500), Status::Grpc(13)])
    {
        let client = Client::new(url, FIRST)?;
        client.set_api_key(SECOND)?;
        server.fail_next(1, Fault::status(status).message(&reflected))?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        let shown = format!("{error} {error:?} {client:?}");
        assert!(
            shown.contains("[secret]") && !shown.contains("secret-key"),
            "{shown}"
        );
    }
    Ok(())
}
