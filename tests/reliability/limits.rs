//! How many calls at once, and how large.

use std::time::Duration;

use centrifugo_api::testing::Fault;
use centrifugo_api::{Error, InfoRequest, PublishRequest};

use crate::{Outcome, both, called};

#[tokio::test]
async fn no_more_calls_are_under_way_than_allowed() -> Outcome {
    for (server, builder) in both()? {
        let client = builder.max_in_flight(2).timeout(Duration::from_secs(1)).build()?;
        server.fail_always(Fault::delay(Duration::from_secs(60)))?;
        let calls: Vec<_> = std::iter::repeat_with(|| {
            tokio::spawn({
                let client = client.clone();
                async move { client.info(InfoRequest::new()).await }
            })
        })
        .take(5)
        .collect();
        let mut unsent = 0;
        for call in calls {
            let error = call.await?.unwrap_err();
            assert!(error.is_timeout(), "{error:?}");
            unsent += usize::from(error.is_unsent());
        }
        assert_eq!((unsent, called(&server).len()), (3, 2));
    }
    Ok(())
}

#[tokio::test]
async fn a_call_that_waits_gets_its_turn() -> Outcome {
    for (_server, builder) in both()? {
        let client = builder.max_in_flight(1).build()?;
        let calls: Vec<_> = std::iter::repeat_with(|| {
            let client = client.clone();
            tokio::spawn(async move { client.publish(PublishRequest::new("news", "1")).await })
        })
        .take(20)
        .collect();
        for call in calls {
            call.await??;
        }
        assert_eq!(crate::published(&client, "news").await?, 20);
    }
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_too_large_is_not_sent() -> Outcome {
    for (server, builder) in both()? {
        let client = builder.max_request_size(100).build()?;
        client.publish(PublishRequest::new("news", "1")).await?;
        let large = PublishRequest::new("news", format!("{:?}", "x".repeat(100)));
        let error = client.publish(large).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
        assert!(error.to_string().contains("max_request_size, 100"), "{error}");
        assert_eq!(called(&server), ["publish"]);
    }
    Ok(())
}
