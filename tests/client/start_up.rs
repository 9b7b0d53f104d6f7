//! The start of a service: a server that is not ready yet, and its versions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use centrifugo_api::observe::{CallEnd, CallObserver, CallStart, Observer};
use centrifugo_api::{Client, Error, InfoRequest, Status};
use tokio::sync::mpsc;

use crate::Outcome;
use crate::fake_grpc::{FakeGrpc, Reply};
use crate::fake_http::{Answer, FakeHttp};
use crate::fake_server::PATIENCE;
use crate::server::{Backend, Server, Transport, Version};

/// Returns the transports that are compiled in.
fn transports() -> Vec<Transport> {
    let transports = [
        (Transport::Http, cfg!(feature = "_http")),
        (Transport::Grpc, cfg!(feature = "grpc")),
    ];
    let compiled = transports.into_iter().filter(|(_, is_on)| *is_on);
    compiled.map(|(transport, _)| transport).collect()
}

/// Sends a message when a call has failed.
struct Failures(mpsc::UnboundedSender<()>);

struct Call(mpsc::UnboundedSender<()>);

impl Observer for Failures {
    fn call(&self, _call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        Some(Arc::new(Call(self.0.clone())))
    }
}

impl CallObserver for Call {
    fn ends(&self, end: &CallEnd<'_>) {
        if end.outcome.error().is_some() {
            let _ = self.0.send(());
        }
    }
}

async fn server_that_starts_later_is_waited_for(backend: Backend) -> Outcome {
    for transport in transports() {
        let mut server = Server::start(backend).await;
        server.kill();
        let (sender, mut failures) = mpsc::unbounded_channel();
        let builder = server.client_builder(transport).observer(Failures(sender));
        let client = builder.build()?;
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.wait_until_ready(PATIENCE).await }
        });
        for _ in 0..2 {
            failures.recv().await.ok_or("the client asks")?;
        }
        assert!(!waiting.is_finished());
        server.restart().await;
        waiting.await??;
        client.info(InfoRequest::new()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn embedded_server_that_starts_later_is_waited_for() -> Outcome {
    server_that_starts_later_is_waited_for(Backend::Embedded).await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn real_server_that_starts_later_is_waited_for() -> Outcome {
    server_that_starts_later_is_waited_for(Backend::Real(Version::V6)).await
}

#[tokio::test]
async fn server_that_never_starts_is_an_error_with_its_reason() -> Outcome {
    for transport in transports() {
        let mut server = Server::start(Backend::Embedded).await;
        server.kill();
        let client = server.client(transport);
        let timeout = Duration::from_millis(700);
        let started = Instant::now();
        let error = crate::failure(client.wait_until_ready(timeout).await);
        assert!(started.elapsed() >= timeout);
        let Error::NotReady { last, attempts, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(last.is_network(), "{last:?}");
        // The pauses are at least 25, 50, 100, 200 and 400 ms.
        assert!((2..=6).contains(attempts), "{attempts}");
        let text = error.to_string();
        for part in ["not ready within 700ms", "connection refused", "info: "] {
            assert!(text.contains(part), "{text}");
        }
        assert!(error.is_timeout() && error.is_retryable() && error.is_unsent());
        assert_eq!(error.method(), Some("info"));
        let cause = std::error::Error::source(&error).ok_or("it has the cause")?;
        assert!(!text.contains(&cause.to_string()), "{text}: {cause}");
    }
    Ok(())
}

/// A client, and a function that counts the requests to its server.
type Counted = (Client, Box<dyn Fn() -> usize>);

/// Returns a client of a server that answers with these statuses, over each transport.
fn answering(http: &'static [u16], grpc: &'static [&'static str]) -> Result<Vec<Counted>, Error> {
    let mut clients: Vec<Counted> = Vec::new();
    if cfg!(feature = "_http") {
        let answers = http.iter().map(|status| match status {
            200 => Answer::json(r#"{"result":{"nodes":[{"name":"a","version":"5.4.9"}]}}"#),
            status => Answer::html(*status, "not this time"),
        });
        let fake = FakeHttp::script(answers);
        let client = Client::new(fake.url(), "key")?;
        clients.push((client, Box::new(move || fake.requests().len())));
    }
    if cfg!(feature = "grpc") {
        let replies = grpc.iter().map(|code| match *code {
            "0" => Reply::started()
                .data(crate::fake_grpc::frame(
                    b"\x12\x0c\x0a\x0a\x12\x01a\x1a\x055.4.9",
                ))
                .trailers(&[("grpc-status", "0")]),
            code => Reply::status(&[("grpc-status", code)]),
        });
        let fake = FakeGrpc::script(replies);
        let client = Client::new(fake.url(), "key")?;
        clients.push((client, Box::new(move || fake.requests().len())));
    }
    Ok(clients)
}

#[tokio::test]
async fn server_that_is_unavailable_is_asked_again() -> Outcome {
    for (client, requests) in answering(&[503, 502, 429, 200], &["14", "14", "14", "0"])? {
        client.wait_until_ready(PATIENCE).await?;
        assert_eq!(requests(), 4);
    }
    Ok(())
}

#[tokio::test]
async fn error_that_waiting_does_not_mend_is_returned_at_once() -> Outcome {
    for (client, requests) in answering(&[401], &["16"])? {
        let error = crate::failure(client.wait_until_ready(PATIENCE).await);
        assert!(error.is_unauthorized(), "{error:?}");
        assert_eq!(requests(), 1);
    }
    for (client, requests) in answering(&[404], &["12"])? {
        let error = crate::failure(client.wait_until_ready(PATIENCE).await);
        assert!(error.is_unsupported(), "{error:?}");
        assert_eq!(requests(), 1);
    }
    for (client, requests) in answering(&[500], &["13"])? {
        let error = crate::failure(client.wait_until_ready(PATIENCE).await);
        assert!(
            matches!(error.status(), Some(Status::Http(500) | Status::Grpc(13))),
            "{error:?}"
        );
        assert_eq!(requests(), 1);
    }
    Ok(())
}

/// A client and its server.
type Served = (Client, Box<dyn std::any::Any>);

/// Returns clients of servers that accept connections and answer nothing.
fn silent() -> Result<Vec<Served>, Error> {
    let mut clients: Vec<Served> = Vec::new();
    if cfg!(feature = "_http") {
        let fake = FakeHttp::always(Answer::silence());
        clients.push((Client::new(fake.url(), "key")?, Box::new(fake)));
    }
    if cfg!(feature = "grpc") {
        let fake = FakeGrpc::always(Reply::silence());
        clients.push((Client::new(fake.url(), "key")?, Box::new(fake)));
    }
    Ok(clients)
}

#[tokio::test]
async fn silent_server_is_not_ready() -> Outcome {
    for (client, _server) in silent()? {
        let error = crate::failure(client.wait_until_ready(Duration::from_millis(200)).await);
        let Error::NotReady { last, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(last.is_timeout(), "{last:?}");
        assert!(error.to_string().contains("no complete reply"), "{error}");

        let deadline = Instant::now() + Duration::from_millis(200);
        let bounded = client.with_deadline(deadline);
        let error = crate::failure(bounded.wait_until_ready(PATIENCE).await);
        assert!(matches!(error, Error::NotReady { .. }), "{error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn closed_client_does_not_wait() -> Outcome {
    for (client, _server) in silent()? {
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.wait_until_ready(PATIENCE).await }
        });
        tokio::task::yield_now().await;
        // It does not wait for the answer to the question either.
        client.close(Duration::from_millis(500)).await?;
        let error = crate::failure(waiting.await?);
        assert!(matches!(error, Error::Closed { .. }), "{error:?}");
        let error = crate::failure(client.wait_until_ready(PATIENCE).await);
        assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn one_node_is_enough() -> Outcome {
    for transport in transports() {
        let server = Server::start(Backend::Embedded).await;
        let mut down = Server::start(Backend::Embedded).await;
        down.kill();
        let builder = down.client_builder(transport);
        let client = builder.endpoint(server.url(transport)).build()?;
        client.wait_until_ready(PATIENCE).await?;
    }
    Ok(())
}

async fn versions_are_told(backend: Backend, expected: &str) -> Outcome {
    for transport in transports() {
        let server = Server::start(backend).await;
        let client = server.client(transport);
        let versions = client.server_versions().await?;
        let [node] = versions.nodes() else {
            panic!("{versions:?}")
        };
        assert!(!node.name.is_empty());
        assert!(node.version.starts_with(expected), "{versions}");
        assert_eq!(versions.oldest(), Some(node));
        assert!(versions.is_at_least(6, 9) && !versions.is_at_least(6, 10));
        let info = client.info(InfoRequest::new()).await?;
        assert_eq!(info.nodes[0].name, node.name);
    }
    Ok(())
}

#[tokio::test]
async fn versions_of_embedded_server_are_told() -> Outcome {
    versions_are_told(Backend::Embedded, "6.9.1").await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn versions_of_real_server_are_told() -> Outcome {
    versions_are_told(Backend::Real(Version::V6), "6.9.1").await
}

#[tokio::test]
async fn missing_method_is_explained_by_known_versions() -> Outcome {
    use centrifugo_api::MapStatsRequest;
    for (client, _) in answering(&[404, 200, 404], &["12", "0", "12"])? {
        let request = || MapStatsRequest::new("scores");
        let unknown = crate::failure(client.map_stats(request()).await).to_string();
        assert!(unknown.contains("it is older than 6.8"), "{unknown}");
        assert!(!unknown.contains("oldest node"), "{unknown}");
        assert!(!client.server_versions().await?.is_at_least(6, 8));
        let known = crate::failure(client.map_stats(request()).await).to_string();
        assert!(known.contains("the oldest node runs 5.4.9"), "{known}");
    }
    Ok(())
}

#[cfg(all(feature = "blocking", feature = "_http"))]
#[test]
fn blocking_client_waits_and_tells_versions() -> Outcome {
    let server = centrifugo_api_testing::Server::start()?;
    let client = server.client_builder().build_blocking()?;
    client.wait_until_ready(PATIENCE)?;
    assert!(client.server_versions()?.is_at_least(6, 0));
    Ok(())
}
