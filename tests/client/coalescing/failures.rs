//! Failed batches, and the outcomes of the calls in them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use centrifugo_api::Status;
use tokio::task::JoinError;
use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn each_call_of_a_lost_batch_is_retried_if_repeatable() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        let keyed =
            |n: usize| PublishRequest::new("keyed", n.to_string()).idempotency_key(n.to_string());
        let keyed = publish_all(&client, (0..5).map(keyed));
        let keyless = publish_all(
            &client,
            (0..5).map(|n| PublishRequest::new("keyless", n.to_string())),
        );
        server.fail_next(1, Fault::close_after())?;
        for call in keyed {
            call.await??;
        }
        for call in keyless {
            let error = call.await?.unwrap_err();
            assert!(
                error.is_network() && !error.is_unsent() && error.attempts() == 1,
                "{error:?}"
            );
            assert!(
                error.to_string().starts_with("publish: the connection to "),
                "{error}"
            );
            assert!(
                std::error::Error::source(&error)
                    .is_some_and(|cause| !cause.to_string().is_empty()),
                "{error:?}"
            );
        }
        delayed.await?;
        let sizes = batches(&server);
        assert_eq!((sizes[0], sizes[1..].iter().sum()), (10, 5));
        assert_eq!(
            (
                published(&client, "keyed").await?,
                published(&client, "keyless").await?
            ),
            (5, 5)
        );
    }
    Ok(())
}

#[tokio::test]
async fn batch_refused_for_its_size_is_halved() -> Outcome {
    let [(server, client), _] = both_transports(&one_at_a_time())?;
    let delayed = delay_batch(&server, &client).await?;
    server.fail_next(1, Fault::status(Status::Http(413)))?;
    for call in publish_all(
        &client,
        (0..8).map(|n| PublishRequest::new("news", n.to_string())),
    ) {
        call.await??;
    }
    delayed.await?;
    assert_eq!(batches(&server), [8, 4, 4]);
    assert_eq!(published(&client, "news").await?, 8);
    Ok(())
}

#[tokio::test]
async fn batches_stay_below_what_the_server_takes() -> Outcome {
    let json = r#"{"http_api":{"key":"h"},"grpc_api":{"enabled":true,"key":"g","max_receive_message_size":1000},
        "channel":{"without_namespace":{"history_size":100,"history_ttl":"300s"}}}"#;
    let server = Server::builder().configuration(json).start()?;
    let client = server.grpc_client().coalescing(one_at_a_time());
    let requests =
        || (0..20).map(|n| PublishRequest::new("news", format!("\"{n}{}\"", "x".repeat(60))));
    for call in publish_all(&client, requests()) {
        call.await??;
    }
    server.take_requests();
    for call in publish_all(&client, requests()) {
        call.await??;
    }
    assert!(server.unused_faults().is_empty());
    assert_eq!(published(&client, "news").await?, 40);
    Ok(())
}

#[tokio::test]
async fn call_that_is_too_large_for_any_batch_is_refused() -> Outcome {
    let [(server, client), _] = both_transports(&one_at_a_time())?;
    server.fail_always(Fault::status(Status::Http(413)))?;
    for call in publish_all(
        &client,
        (0..4).map(|n| PublishRequest::new("news", n.to_string())),
    ) {
        let error = call.await?.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Transport {
                    method: "publish",
                    status: Status::Http(413),
                    ..
                }
            ),
            "{error:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn refused_key_is_reported_to_each_call() -> Outcome {
    for (_server, client) in both_transports(&one_at_a_time())? {
        client.set_api_key("another-key")?;
        for call in publish_all(
            &client,
            (0..4).map(|n| PublishRequest::new("news", n.to_string())),
        ) {
            let error = call.await?.unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Unauthorized {
                        method: "publish",
                        ..
                    }
                ),
                "{error:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_that_does_not_reply_to_batches_is_skipped() -> Outcome {
    let silent = Server::start()?;
    let other = Server::start()?;
    silent.fail_always(Fault::delay(PATIENCE * 10))?;
    let http = silent.client_builder().endpoint(other.url());
    let grpc = silent.grpc_client_builder().endpoint(other.grpc_url());
    for builder in [http, grpc] {
        let client = builder
            .retry(Retry::none())
            .timeout(Duration::from_millis(1200))
            .build()?
            .coalescing(Coalescing::default());
        let mut failed = 0;
        for _ in 0..20 {
            let requests = (0..4).map(|n| PublishRequest::new("news", n.to_string()));
            let mut any_failed = false;
            for call in publish_all(&client, requests) {
                any_failed |= call.await?.is_err();
            }
            failed += usize::from(any_failed);
        }
        // The first batch finds out. On a slow machine the node's cooldown may end.
        assert!((1..5).contains(&failed), "{failed}");
    }
    Ok(())
}

#[tokio::test]
async fn node_is_probed_by_single_call() -> Outcome {
    let failing = Server::start()?;
    let other = Server::start()?;
    failing.fail_always(Fault::close_before())?;
    for is_keyed in [true, false] {
        for is_grpc in [false, true] {
            let probes = async {
                loop {
                    let builder = if is_grpc {
                        failing.grpc_client_builder().endpoint(other.grpc_url())
                    } else {
                        failing.client_builder().endpoint(other.url())
                    };
                    let client = builder.build().unwrap().coalescing(Coalescing::default());
                    if let Some(probes) = probes(&client, &failing, is_keyed).await? {
                        break Ok::<_, JoinError>(probes);
                    }
                }
            };
            assert_eq!(timeout(PATIENCE, probes).await??, [1, 1]);
        }
    }
    Ok(())
}

/// Returns the sizes of the first two requests to a node after it has failed, or `None` if the machine was so slow that they
/// say nothing: a batch probes a node too if no single call has for a second.
async fn probes(
    client: &Client,
    failing: &Server,
    is_keyed: bool,
) -> Result<Option<Vec<usize>>, JoinError> {
    const SLOW: Duration = Duration::from_millis(300);
    let mut last = Instant::now();
    publish_round(client, is_keyed).await?;
    publish_round(client, is_keyed).await?;
    assert!(!failing.take_requests().is_empty());
    let mut is_slow = last.elapsed() > SLOW;
    last = Instant::now();
    while failing.requests().len() < 2 {
        publish_round(client, is_keyed).await?;
        is_slow |= last.elapsed() > SLOW;
        last = Instant::now();
    }
    let probes = batches(failing);
    Ok(Some(probes).filter(|_| !is_slow))
}

/// Makes many calls at once, some of which may fail.
async fn publish_round(client: &Client, is_keyed: bool) -> Result<(), JoinError> {
    static KEYS: AtomicUsize = AtomicUsize::new(0);
    let requests = (0..20).map(|_| {
        let request = PublishRequest::new("news", "1");
        if is_keyed {
            request.idempotency_key(KEYS.fetch_add(1, Ordering::Relaxed).to_string())
        } else {
            request
        }
    });
    for call in publish_all(client, requests) {
        let _ = call.await?;
    }
    Ok(())
}
