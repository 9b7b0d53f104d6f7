//! Failed calls are retried if a retry cannot duplicate their effect.

use std::time::{Duration, Instant};

use centrifugo_api::{
    ApiError, Error, HistoryRemoveRequest, InfoRequest, PublishRequest, Retry, Status,
    SubscribeRequest,
};
use centrifugo_api_testing::Fault;

use crate::{Outcome, both_transports, called, keyed, published, quickly};

/// Temporary failures, over either transport.
fn passing() -> Vec<Fault> {
    vec![
        Fault::close_before(),
        Fault::close_after(),
        Fault::half_body(),
        Fault::status(Status::Http(429)),
        Fault::status(Status::Http(502)),
        Fault::status(Status::Http(503)),
        Fault::status(Status::Http(504)),
        Fault::status(Status::Grpc(14)),
        Fault::api_error(ApiError::INTERNAL),
        Fault::api_error(ApiError::TOO_MANY_REQUESTS),
    ]
}

/// The faults that the server can plan for a call.
async fn meets(server: &centrifugo_api_testing::Server, fault: Fault) -> Result<(), Error> {
    server.clear_faults();
    server.fail_next(1, fault)
}

#[tokio::test]
async fn call_that_only_reads_is_retried() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        for fault in passing() {
            meets(&server, fault.clone()).await?;
            client
                .info(InfoRequest::new())
                .await
                .map_err(|error| format!("{fault:?}: {error}"))?;
            let tries = if server.unused_faults().is_empty() {
                2
            } else {
                1
            };
            assert_eq!(called(&server).len(), tries, "{fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn publication_with_key_is_retried_and_published_once() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        for (index, fault) in passing().into_iter().enumerate() {
            meets(&server, fault.clone()).await?;
            let request = PublishRequest::new("news", "1").idempotency_key(format!("key-{index}"));
            client
                .publish(request)
                .await
                .map_err(|error| format!("{fault:?}: {error}"))?;
            assert_eq!(published(&client, "news").await?, index + 1, "{fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn publication_without_key_is_not_retried() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        for fault in passing() {
            meets(&server, fault.clone()).await?;
            let outcome = client.publish(PublishRequest::new("news", "1")).await;
            assert_eq!(called(&server), ["publish"], "{fault:?}");
            if server.unused_faults().is_empty() {
                assert_eq!(outcome.unwrap_err().attempts(), 1, "{fault:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn call_that_does_more_when_repeated_is_not_retried() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(2, Fault::close_after())?;
        assert!(
            client
                .subscribe(SubscribeRequest::new("news").user("alice"))
                .await
                .is_err()
        );
        assert!(
            client
                .history_remove(HistoryRemoveRequest::new("news"))
                .await
                .is_err()
        );
        assert_eq!(called(&server), ["subscribe", "history_remove"]);
    }
    Ok(())
}

#[tokio::test]
async fn call_fails_after_its_last_attempt() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_always(Fault::api_error(ApiError::TOO_MANY_REQUESTS))?;
        for (retry, attempts) in [
            (quickly(), 3),
            (quickly().max_attempts(5), 5),
            (Retry::none(), 1),
        ] {
            let error = client
                .with_retry(retry)
                .info(InfoRequest::new())
                .await
                .unwrap_err();
            assert_eq!((error.attempts(), error.api_code()), (attempts, Some(111)));
            assert_eq!(called(&server).len(), usize::try_from(attempts)?);
            assert_eq!(
                error
                    .to_string()
                    .contains(&format!("; {attempts} attempts")),
                attempts > 1,
                "{error}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn lasting_failure_is_not_retried() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        for fault in [Fault::api_error(ApiError::BAD_REQUEST), Fault::garbage()] {
            server.fail_next(1, fault.clone())?;
            assert!(client.info(InfoRequest::new()).await.is_err(), "{fault:?}");
            assert_eq!(called(&server).len(), 1, "{fault:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn keys_are_generated_kept_and_recorded() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.retry(quickly().idempotency_keys()).build()?;
        server.fail_next(1, Fault::close_after())?;
        client.publish(PublishRequest::new("news", "1")).await?;
        assert_eq!(published(&client, "news").await?, 1);
        let keys: Vec<String> = server
            .take_requests()
            .iter()
            .filter_map(|request| Some(request.request::<PublishRequest>()?.idempotency_key))
            .collect();
        assert!(
            matches!(&keys[..], [first, second] if first == second && first.len() == 36),
            "{keys:?}"
        );

        server.fail_always(Fault::close_after())?;
        let error = client
            .publish(PublishRequest::new("news", "2"))
            .await
            .unwrap_err();
        let key = error
            .idempotency_key()
            .ok_or("the error names no key")?
            .to_owned();
        assert!(error.to_string().contains(&key), "{error}");
        server.clear_faults();
        client
            .publish(PublishRequest::new("news", "2").idempotency_key(key))
            .await?;
        assert_eq!(published(&client, "news").await?, 2);

        // A key of the request is kept, and told too.
        server.fail_next(3, Fault::api_error(ApiError::INTERNAL))?;
        let error = client.publish(keyed("3")).await.unwrap_err();
        assert_eq!(error.idempotency_key(), Some("key"));
    }
    Ok(())
}

#[tokio::test]
async fn wait_that_the_server_asks_for_is_kept_or_refused() -> Outcome {
    let [(server, builder), _] = both_transports()?;
    let client = builder.timeout(Duration::from_secs(5)).build()?;
    server.fail_next(
        1,
        Fault::status(Status::Http(429)).header("retry-after", "1"),
    )?;
    let started = Instant::now();
    client.info(InfoRequest::new()).await?;
    assert!(started.elapsed() >= Duration::from_secs(1));
    server.fail_next(
        1,
        Fault::status(Status::Http(503)).header("retry-after", "60"),
    )?;
    let started = Instant::now();
    let error = client.info(InfoRequest::new()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Transport {
                status: Status::Http(503),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "it did not wait"
    );
    Ok(())
}

#[tokio::test]
async fn call_is_not_unsent_if_an_earlier_attempt_was_sent() -> Outcome {
    let [(server, builder), _] = both_transports()?;
    let client = builder.build()?;
    server.fail_next(
        1,
        Fault::status(Status::Http(503)).header("retry-after", "1"),
    )?;
    let call = tokio::spawn(async move { client.publish(keyed("1")).await });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    // Its reply may still arrive. Later attempts find nobody.
    drop(server);
    let error = call.await?.unwrap_err();
    assert!(
        error.is_network() && !error.is_unsent() && error.attempts() == 3,
        "{error:?}"
    );
    Ok(())
}

#[tokio::test]
async fn server_that_is_down_is_not_flooded() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_always(Fault::api_error(ApiError::INTERNAL))?;
        for _ in 0..100 {
            assert!(client.info(InfoRequest::new()).await.is_err());
        }
        // The retry budget is 20.
        assert_eq!(called(&server).len(), 120);
    }
    Ok(())
}

#[tokio::test]
async fn call_is_not_retried_without_a_budget() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.retry_budget(0).build()?;
        server.fail_next(1, Fault::close_after())?;
        let error = client.publish(keyed("1")).await.unwrap_err();
        assert!(error.is_network(), "{error:?}");
        assert_eq!(called(&server), ["publish"]);
    }
    Ok(())
}
