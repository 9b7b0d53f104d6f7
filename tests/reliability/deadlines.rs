//! One deadline per call, which bounds everything within it.

use std::time::{Duration, Instant};

use centrifugo_api::{ApiError, Coalescing, InfoRequest, PublishRequest, Retry};
use centrifugo_api_testing::Fault;

#[cfg(target_os = "linux")]
use crate::blackhole::Blackhole;
use crate::{Outcome, both_transports};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn deadline_bounds_calls_that_the_timeout_does_not() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.timeout(LONG).build()?;
        server.fail_always(Fault::delay(LONG))?;
        let started = Instant::now();
        let bounded = client.with_deadline(started + SHORT);
        let error = bounded.info(InfoRequest::new()).await.unwrap_err();
        assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
        assert!(started.elapsed() >= SHORT && started.elapsed() < LONG);
        // The deadline has passed for the next call.
        let error = bounded.info(InfoRequest::new()).await.unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
    }
    Ok(())
}

#[tokio::test]
async fn retries_and_their_waits_stay_within_the_deadline() -> Outcome {
    for (server, builder) in both_transports()? {
        let waits = Retry::default()
            .max_attempts(1000)
            .first_wait(LONG)
            .longest_wait(LONG);
        let client = builder.timeout(SHORT).retry(waits).build()?;
        server.fail_always(Fault::api_error(ApiError::INTERNAL))?;
        let started = Instant::now();
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        // The error is that of the server, not a timeout.
        assert_eq!(error.api_code(), Some(100), "{error:?}");
        assert!(started.elapsed() < LONG);
    }
    Ok(())
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn timeout_before_anything_was_sent_says_so() -> Outcome {
    let Blackhole { address, .. } = &Blackhole::start().await?;
    for url in [format!("http://{address}/api"), format!("grpc://{address}")] {
        let client = centrifugo_api::Client::builder(&url)
            .timeout(SHORT)
            .retry(Retry::none())
            .build()?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{url}: {error:?}");
    }
    Ok(())
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn coalesced_call_that_ends_while_its_batch_connects_is_unsent() -> Outcome {
    let Blackhole { address, .. } = &Blackhole::start().await?;
    for url in [format!("http://{address}/api"), format!("grpc://{address}")] {
        let client = centrifugo_api::Client::builder(&url)
            .retry(Retry::none())
            .build()?
            .coalescing(Coalescing::default());
        let publish = |factor| {
            let client = client.with_timeout(SHORT * factor);
            async move { client.publish(PublishRequest::new("news", "1")).await }
        };
        // They share a batch, and end one after another.
        let (first, second, third) = tokio::join!(publish(1), publish(3), publish(3));
        for outcome in [first, second, third] {
            let error = outcome.unwrap_err();
            assert!(error.is_timeout() && error.is_unsent(), "{url}: {error:?}");
        }
    }
    Ok(())
}

/// The handshake takes longer than one of the calls has.
#[tokio::test]
#[cfg(feature = "tls")]
async fn call_that_ended_while_its_batch_connected_is_not_sent_with_the_others() -> Outcome {
    use centrifugo_api_testing::Server;

    use crate::authority::Authority;
    use crate::front::{Front, Manner, acceptor};
    use crate::{address, published};

    let server = Server::start()?;
    let authority = Authority::new()?;
    let identity = authority.certify("127.0.0.1")?.identity();
    for scheme in ["https", "grpcs"] {
        let tls = acceptor(&identity)?;
        let slow = |_| Manner::Slow(SHORT * 5);
        let front = Front::start(address(&server).parse()?, Some(tls), slow).await?;
        let (path, key) = if scheme == "https" {
            ("/api", server.api_key())
        } else {
            ("", server.grpc_api_key())
        };
        let client = centrifugo_api::Client::builder(format!("{scheme}://{}{path}", front.address))
            .api_key(key)
            .root_certificate(authority.pem())
            .retry(Retry::none())
            .build()?
            .coalescing(Coalescing::default());
        let hasty = client.with_timeout(SHORT);
        let (late, patient) = tokio::join!(
            hasty.publish(PublishRequest::new("late", "1")),
            client.publish(PublishRequest::new(scheme, "1")),
        );
        let error = late.unwrap_err();
        assert!(
            error.is_timeout() && error.is_unsent(),
            "{scheme}: {error:?}"
        );
        patient?;
        assert_eq!(published(&client, scheme).await?, 1);
        assert_eq!(published(&client, "late").await?, 0, "{scheme}");
    }
    Ok(())
}

#[tokio::test]
async fn zero_timeout_sends_nothing() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?.with_timeout(Duration::ZERO);
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
        assert!(server.requests().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn deadline_is_sent_to_the_server_over_grpc() -> Outcome {
    let [_, (server, builder)] = both_transports()?;
    let client = builder.timeout(Duration::from_secs(7)).build()?;
    client.info(InfoRequest::new()).await?;
    let requests = server.requests();
    let timeout = requests[0]
        .headers
        .get("grpc-timeout")
        .ok_or("no deadline was sent")?
        .to_str()?;
    let millis: u64 = timeout
        .strip_suffix('m')
        .ok_or("no milliseconds")?
        .parse()?;
    assert!((6000..=7000).contains(&millis), "{timeout}");
    Ok(())
}

#[tokio::test]
async fn dropped_call_leaves_the_client_usable() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.max_in_flight(1).build()?;
        server.fail_next(1, Fault::delay(LONG))?;
        let mut call = Box::pin(client.info(InfoRequest::new()));
        assert!(tokio::time::timeout(SHORT, &mut call).await.is_err());
        drop(call);
        client.info(InfoRequest::new()).await?;
    }
    Ok(())
}
