//! Closing a client.

use std::time::Duration;

use centrifugo_api::{Client, Error, InfoRequest, PublishRequest};
use centrifugo_api_testing::Fault;

use crate::{Outcome, PATIENCE, both_transports, called};

#[tokio::test]
async fn closed_client_refuses_calls_and_sends_nothing() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        let clone = client.clone();
        client.close(PATIENCE).await?;
        let error = clone
            .publish(PublishRequest::new("news", "1"))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Closed {
                    method: "publish",
                    ..
                }
            ) && error.is_unsent(),
            "{error:?}"
        );
        assert!(server.requests().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn calls_in_flight_are_waited_for() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::delay(Duration::from_millis(200)))?;
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.publish(PublishRequest::new("news", "1")).await }
        });
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        client.close(PATIENCE).await?;
        assert!(call.is_finished());
        call.await??;
        assert_eq!(called(&server), ["publish"]);
    }
    Ok(())
}

#[tokio::test]
async fn calls_that_take_too_long_are_reported() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::delay(PATIENCE))?;
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.info(InfoRequest::new()).await }
        });
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        let error = client.close(Duration::from_millis(50)).await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        call.abort();
        client.close(PATIENCE).await?;
    }
    Ok(())
}

#[tokio::test]
async fn calls_that_wait_for_a_permit_are_made() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.max_in_flight(1).build()?;
        server.fail_next(1, Fault::delay(Duration::from_millis(200)))?;
        let publish = |client: &Client| {
            let client = client.clone();
            async move { client.publish(PublishRequest::new("news", "1")).await }
        };
        let first = tokio::spawn(publish(&client));
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut waiting = Box::pin(publish(&client));
        let mut closing = Box::pin(client.close(PATIENCE));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert!(futures_util::poll!(&mut closing).is_pending());
        let refused = publish(&client).await;
        assert!(matches!(refused, Err(Error::Closed { .. })), "{refused:?}");
        let (waited, closed) = tokio::join!(waiting, closing);
        waited?;
        closed?;
        first.await??;
        assert_eq!(called(&server), ["publish", "publish"]);
    }
    Ok(())
}
