//! Closing a client.

use std::time::Duration;

use centrifugo_api::{Error, InfoRequest, PublishRequest};
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
