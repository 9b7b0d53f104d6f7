//! Nodes that do not connect or do not answer: they are found out, and hold up no call that another node could take.

use std::time::{Duration, Instant};

use centrifugo_api::{Client, ClientBuilder, Error, PublishRequest, Retry, Status};
use centrifugo_api_testing::{Fault, Server};
use futures_util::future::join_all;

#[cfg(target_os = "linux")]
use crate::blackhole::Blackhole;
use crate::nodes::pairs;
use crate::{Outcome, both_transports, called, quickly};

const LONG: Duration = Duration::from_secs(60);

/// Publishes without keys, one call after another, and returns the errors.
async fn failures(client: &Client, calls: usize) -> Vec<Error> {
    let mut failures = Vec::new();
    for _ in 0..calls {
        let published = client.publish(PublishRequest::new("news", "1")).await;
        failures.extend(published.err());
    }
    failures
}

fn keyed(key: impl Into<String>) -> PublishRequest {
    PublishRequest::new("news", "1").idempotency_key(key)
}

/// Returns builders of clients of a node that drops connection attempts and one that is up.
#[cfg(target_os = "linux")]
fn with_swallower(swallower: &Blackhole, good: &Server) -> [ClientBuilder; 2] {
    let address = swallower.address;
    let http = Client::builder(format!("http://{address}/api"))
        .endpoint(good.url())
        .api_key(good.api_key());
    let grpc = Client::builder(format!("grpc://{address}"))
        .endpoint(good.grpc_url())
        .api_key(good.grpc_api_key());
    [http, grpc]
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn node_that_drops_connection_attempts_fails_no_call() -> Outcome {
    const CALLS: usize = 100;
    let swallower = Blackhole::start().await?;
    for timeout in [300, 500] {
        let good = Server::start()?;
        for builder in with_swallower(&swallower, &good) {
            let client = builder
                .timeout(Duration::from_millis(timeout))
                .retry(Retry::none())
                .build()?;
            let failures = failures(&client, CALLS).await;
            // A machine that stops for a while may cost a call.
            assert!(failures.len() <= 2, "{timeout} ms: {failures:?}");
            assert!(failures.iter().all(Error::is_unsent), "{failures:?}");
            assert_eq!(called(&good).len(), CALLS - failures.len());
        }
    }
    Ok(())
}

#[tokio::test]
async fn node_that_does_not_answer_rests_however_short_the_timeouts_are() -> Outcome {
    const CALLS: usize = 100;
    for timeout in [250, 500, 900, 2_000] {
        for (nodes, builder) in pairs()? {
            nodes[0].fail_always(Fault::delay(LONG))?;
            let client = builder.timeout(Duration::from_millis(timeout)).build()?;
            let failures = failures(&client, CALLS).await;
            assert!(failures.len() <= 3, "{timeout} ms: {failures:?}");
            assert!(failures.iter().all(Error::is_timeout), "{failures:?}");
            assert_eq!(called(&nodes[1]).len(), CALLS - failures.len());
        }
    }
    Ok(())
}

#[tokio::test]
async fn node_that_hangs_does_not_hold_repeatable_calls_to_their_end() -> Outcome {
    for (nodes, builder) in pairs()? {
        nodes[0].fail_always(Fault::delay(LONG))?;
        let client = builder
            .timeout(Duration::from_secs(8))
            .retry(quickly())
            .build()?;
        for call in 0..4 {
            let started = Instant::now();
            client.publish(keyed(call.to_string())).await?;
            assert!(started.elapsed() < Duration::from_secs(7), "call {call}");
        }
        assert_eq!(called(&nodes[1]).len(), 4);
    }
    Ok(())
}

#[tokio::test]
async fn attempt_ends_by_its_own_timeout() -> Outcome {
    for (server, builder) in both_transports()? {
        server.fail_next(1, Fault::delay(LONG))?;
        let client = builder.timeout(LONG).retry(quickly()).build()?;
        let client = client.with_attempt_timeout(Duration::from_millis(300));
        client.publish(keyed("1")).await?;
        assert_eq!(called(&server).len(), 2);

        server.fail_next(1, Fault::delay(LONG))?;
        let error = client.publish(PublishRequest::new("news", "1")).await;
        let error = error.expect_err("a call that may have run is not repeated");
        assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
        assert!(
            error.to_string().contains("within 300ms"),
            "the attempt's time is told: {error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn wait_that_one_node_asks_for_does_not_keep_the_call_from_another() -> Outcome {
    for (nodes, builder) in pairs()? {
        for status in [Status::Http(503), Status::Grpc(14)] {
            let busy = Fault::status(status).header("retry-after", "30");
            nodes[0].fail_always(busy)?;
        }
        let client = builder.retry(quickly()).timeout(LONG).build()?;
        let started = Instant::now();
        for call in 0..30 {
            client.publish(keyed(call.to_string())).await?;
        }
        assert!(started.elapsed() < Duration::from_secs(20));
        assert_eq!(called(&nodes[1]).len(), 30);
    }
    Ok(())
}

#[tokio::test]
async fn calls_that_one_event_fails_are_all_repeated() -> Outcome {
    const CALLS: usize = 100;
    for (server, builder) in both_transports()? {
        let client = builder.retry(quickly()).build()?;
        // Over gRPC all calls share a connection.
        let is_grpc = format!("{client:?}").contains("grpc://");
        let faults = if is_grpc { 1 } else { CALLS };
        server.fail_next(faults, Fault::close_after())?;
        let calls = (0..CALLS).map(|call| client.publish(keyed(call.to_string())));
        for published in join_all(calls).await {
            published?;
        }
    }
    Ok(())
}
