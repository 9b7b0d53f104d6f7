//! Calls that are sent as several requests: batches and broadcasts that are split, and broadcasts whose failed
//! channels are retried. They are one call, and tell one truth.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use centrifugo_api::{
    ApiError, BatchRequest, BroadcastRequest, Client, ClientBuilder, Credential, Effect, Error,
    PublishRequest, Retry, Status,
};
use centrifugo_api_testing::{Fault, Server};

use crate::{Outcome, PATIENCE, both_transports, called, published, quickly};

/// The number of channels, or of commands.
const COUNT: usize = 500;

/// Returns clients that split a broadcast to all channels into several requests.
fn splitting() -> Result<[(Server, ClientBuilder); 2], Error> {
    Ok(both_transports()?.map(|(server, builder)| (server, builder.split_above(2000))))
}

fn channel(number: usize) -> String {
    format!("channel-number-{number}")
}

fn broadcast() -> BroadcastRequest {
    BroadcastRequest::new((0..COUNT).map(channel), "1")
}

fn batch() -> Vec<PublishRequest> {
    let requests = (0..COUNT).map(|number| PublishRequest::new(channel(number), "1"));
    requests.collect()
}

/// Returns the number of requests that a broadcast, or a batch, is split into.
async fn requests(server: &Server, client: &Client, batches: bool) -> Result<usize, Error> {
    server.take_requests();
    if batches {
        let _ = client.batch(batch()).await?;
    } else {
        let _ = client.broadcast(broadcast()).await?;
    }
    Ok(called(server).len())
}

/// Checks that an error tells that all requests but the last one had run.
fn assert_tells_what_ran(error: &Error, requests: usize) {
    let text = error.to_string();
    assert!(!error.is_unsent(), "{text}");
    assert_eq!(error.effect(), Effect::Ran, "{text}");
    assert!(!text.contains("nothing was sent"), "{text}");
    let told = format!("{} of {requests} requests had run", requests - 1);
    assert!(text.contains(&told), "{text}");
}

/// Returns failures of a request, each with a fault per transport. After some of them it certainly did not run.
fn failures() -> [[Fault; 2]; 5] {
    let statuses = |http, grpc| [Status::Http(http), Status::Grpc(grpc)].map(Fault::status);
    [
        [Fault::close_before(), Fault::close_before()],
        [Fault::close_after(), Fault::close_after()],
        [Fault::garbage(), Fault::garbage()],
        statuses(401, 16),
        statuses(503, 14),
    ]
}

#[tokio::test]
async fn error_of_later_request_tells_that_earlier_ones_ran() -> Outcome {
    for (server, builder) in splitting()? {
        let client = builder.build()?;
        for batches in [false, true] {
            let requests = requests(&server, &client, batches).await?;
            assert!(requests > 3, "{requests}");
            for failure in failures() {
                for fault in failure {
                    server.fail_always(fault.channel(channel(COUNT - 1)))?;
                }
                let outcome = if batches {
                    client.batch(batch()).await.map(drop)
                } else {
                    client.broadcast(broadcast()).await.map(drop)
                };
                let error = outcome.expect_err("the last request fails");
                assert_tells_what_ran(&error, requests);
                server.clear_faults();
            }
        }
    }
    Ok(())
}

/// A provider returns a key that no header can carry, while the call runs.
#[tokio::test]
async fn key_that_is_lost_within_a_call_tells_what_ran() -> Outcome {
    for (server, builder) in splitting()? {
        let calls = AtomicUsize::new(0);
        let key = server.grpc_api_key().to_owned();
        assert_eq!(key, server.api_key());
        let provider = move || {
            let is_known = calls.fetch_add(1, Ordering::Relaxed) < 2;
            let key = Credential::new(if is_known { &key } else { "" });
            std::future::ready(Ok::<_, Infallible>(key.expires_in(Duration::ZERO)))
        };
        let client = builder.api_key_provider(provider).build()?;
        let error = client.broadcast(broadcast()).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.effect(), Effect::Ran, "{text}");
        assert!(text.contains("api_key is empty"), "{text}");
        assert!(text.contains("; 2 of "), "{text}");
        assert!(!text.contains("nothing was sent"), "{text}");
        assert_eq!(called(&server).len(), 2);
    }
    Ok(())
}

/// What does not fit is found before anything is sent.
#[tokio::test]
async fn part_that_is_too_large_is_refused_before_anything_is_sent() -> Outcome {
    for (server, builder) in splitting()? {
        let client = builder.max_request_size(4000).build()?;
        let mut batch = batch();
        batch.push(PublishRequest::new(
            "news",
            format!("\"{}\"", "x".repeat(4000)),
        ));
        let error = client.batch(batch).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
        assert!(error.is_unsent());
        assert!(called(&server).is_empty());
    }
    Ok(())
}

/// Waits until a server has been called.
async fn until_called(server: &Server) {
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn close_waits_for_all_requests_of_a_call() -> Outcome {
    for (server, builder) in splitting()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::delay(Duration::from_millis(100)))?;
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.broadcast(broadcast()).await }
        });
        until_called(&server).await;
        client.close(PATIENCE).await?;
        assert!(call.is_finished());
        assert_eq!(call.await??.all_ok()?.len(), COUNT);
    }
    Ok(())
}

#[tokio::test]
async fn close_waits_for_retries_of_channels() -> Outcome {
    for (server, builder) in both_transports()? {
        let retry = Retry::default().first_wait(Duration::from_millis(300));
        let client = builder.retry(retry.idempotency_keys()).build()?;
        server.fail_next(2, Fault::api_error(ApiError::INTERNAL).channel("b"))?;
        let call = tokio::spawn({
            let client = client.clone();
            async move {
                client
                    .broadcast(BroadcastRequest::new(["a", "b"], "1"))
                    .await
            }
        });
        until_called(&server).await;
        client.close(PATIENCE).await?;
        assert!(call.is_finished());
        assert_eq!(call.await??.all_ok()?.len(), 2);
    }
    Ok(())
}

/// A call with one permit makes no other call wait for a second one.
#[tokio::test]
async fn call_in_parts_holds_one_permit() -> Outcome {
    for (server, builder) in splitting()? {
        let client = builder.max_in_flight(1).build()?;
        server.fail_next(1, Fault::delay(Duration::from_millis(100)))?;
        let first = tokio::spawn({
            let client = client.clone();
            async move { client.broadcast(broadcast()).await }
        });
        until_called(&server).await;
        client.publish(PublishRequest::new("news", "1")).await?;
        assert!(first.await?.is_ok());
        // The other call had to wait until all parts had been sent.
        assert_eq!(called(&server).pop(), Some("publish"));
    }
    Ok(())
}

#[tokio::test]
async fn repeat_of_channel_without_reply_may_have_run() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.retry(quickly().max_attempts(2)).build()?;
        let request = || BroadcastRequest::new(["a", "b"], "1").idempotency_key("key");
        let refused = Fault::api_error(ApiError::TOO_MANY_REQUESTS).channel("b");
        server.fail_next(1, refused)?;
        // The first request meets the first of these, the repeat the second one.
        server.fail_next(1, Fault::delay(Duration::ZERO))?;
        server.fail_next(1, Fault::close_after())?;
        let result = client.broadcast(request()).await?;
        assert_eq!(called(&server), ["broadcast"; 2]);
        let failed: Vec<_> = result.failed().collect();
        let [("b", error)] = failed[..] else {
            panic!("{failed:?}");
        };
        assert_eq!(error.code, ApiError::TOO_MANY_REQUESTS);
        assert!(error.to_string().contains("may have run"), "{error}");
        assert_eq!(published(&client, "b").await?, 1);
        // The same key repeats it safely.
        let key = error.idempotency_key().ok_or("no key")?;
        let again = BroadcastRequest::new(["b"], "1").idempotency_key(key);
        client.broadcast(again).await?.all_ok()?;
        assert_eq!(published(&client, "b").await?, 1);
    }
    Ok(())
}

/// Attempts of the broadcast and of its channels are attempts of one call.
#[tokio::test]
async fn broadcast_is_sent_at_most_as_often_as_allowed() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(2, Fault::close_after())?;
        server.fail_always(Fault::api_error(ApiError::INTERNAL).channel("b"))?;
        let request = BroadcastRequest::new(["a", "b"], "1").idempotency_key("key");
        let result = client.broadcast(request).await?;
        assert_eq!(result.failed().count(), 1);
        assert_eq!(called(&server), ["broadcast"; 3]);
    }
    Ok(())
}

/// The requests of a batch, in their order.
#[tokio::test]
async fn commands_keep_their_order_over_all_requests() -> Outcome {
    for (server, builder) in splitting()? {
        let client = builder.build()?;
        let _ = client.batch(batch()).await?;
        let sent: Vec<PublishRequest> = server
            .take_requests()
            .iter()
            .filter_map(|request| request.request::<BatchRequest>())
            .flat_map(|part| part.commands)
            .filter_map(|command| command.publish.map(|publish| *publish))
            .collect();
        assert_eq!(sent, batch());
    }
    Ok(())
}
