//! A single server that is killed and restarted: which errors callers see, and that they end when
//! it is back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use centrifugo_api::{InfoRequest, PublishRequest, Retry};

use super::acknowledged::Acknowledged;
use super::{CALLERS, PATIENCE, TIMEOUT};
use crate::Outcome;
use crate::server::{Backend, Server, Transport};
use crate::shared_nodes::NAMESPACES;

/// The number of calls that succeed before the server is killed, and after it is back.
const CALLS: usize = 500;

async fn start(backend: Backend) -> Server {
    Server::start_with(backend, &[("CENTRIFUGO_CHANNEL_NAMESPACES", NAMESPACES)]).await
}

async fn restart_is_one_error_for_each_caller(backend: Backend, transport: Transport) -> Outcome {
    let mut server = start(backend).await;
    let retry = Retry::default().idempotency_keys();
    let client = server
        .client_builder(transport)
        .timeout(TIMEOUT)
        .retry(retry)
        .build()?;
    let acknowledged = Arc::new(Acknowledged::default());
    let callers = acknowledged.callers(&client);
    acknowledged.wait_for_successes(CALLS).await?;
    acknowledged.set_down(true);
    server.kill();
    acknowledged.wait_for_failures(CALLERS).await?;
    let errors = acknowledged.take_errors();
    assert_eq!(errors.len(), CALLERS);
    assert!(errors.iter().all(|error| error.is_network()), "{errors:?}");
    // The first retries of the calls that the kill ended together, and the retry budget with what
    // the last successful calls have added to it.
    let retries: usize = errors
        .iter()
        .map(|error| error.attempts() as usize - 1)
        .sum();
    assert!((20..=CALLERS + 26).contains(&retries), "{retries}");
    server.restart().await;
    let back = Instant::now();
    acknowledged.set_down(false);
    acknowledged.wait_for_successes(CALLS).await?;
    acknowledged.stop(callers).await?;
    // The server has lost its history. What is published from now on is there once, and no call
    // fails.
    acknowledged.check(&client, back).await?;
    let errors = acknowledged.take_errors();
    assert!(errors.is_empty(), "{errors:?}");
    Ok(())
}

async fn restart_is_hidden_by_enough_attempts(backend: Backend, transport: Transport) -> Outcome {
    const WHILE: Duration = Duration::from_millis(100);
    let mut server = start(backend).await;
    let retry = Retry::default()
        .max_attempts(20)
        .first_wait(PATIENCE / 60)
        .longest_wait(PATIENCE / 60);
    let client = server
        .client_builder(transport)
        .timeout(PATIENCE)
        .retry(retry)
        .build()?;
    client.info(InfoRequest::new()).await?;
    server.kill();
    let request = PublishRequest::new("kept:0", "1").idempotency_key("key");
    let mut calls = Box::pin(async {
        tokio::try_join!(client.publish(request), client.info(InfoRequest::new()))
    });
    assert!(
        tokio::time::timeout(WHILE, &mut calls).await.is_err(),
        "the server is down"
    );
    server.restart().await;
    let (published, _) = calls.await?;
    assert_eq!(published.offset, 1);
    Ok(())
}

/// Makes a test of each behaviour over each transport and on each server.
macro_rules! on_each_server {
    (@$name:ident, $transport:ident, $behaviour:ident) => {
        mod $name {
            use crate::server::{Backend, Transport, Version};

            #[tokio::test]
            async fn embedded() -> crate::Outcome {
                crate::cluster::restarts::$behaviour(Backend::Embedded, Transport::$transport).await
            }

            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn centrifugo_6_9_1() -> crate::Outcome {
                crate::cluster::restarts::$behaviour(Backend::Real(Version::V6), Transport::$transport).await
            }
        }
    };
    ($($behaviour:ident),+ $(,)?) => {$(
        mod $behaviour {
            on_each_server!(@http, Http, $behaviour);
            on_each_server!(@grpc, Grpc, $behaviour);
        }
    )+};
}

on_each_server!(
    restart_is_one_error_for_each_caller,
    restart_is_hidden_by_enough_attempts
);
