//! Broadcasts and batches that fail partly.

use centrifugo_api::{
    ApiError, BroadcastRequest, HistoryRequest, InfoRequest, PresenceRequest, PublishRequest,
};
use centrifugo_api_testing::Fault;

use crate::{Outcome, both_transports, called, keyed, published, quickly};

fn request() -> BroadcastRequest {
    BroadcastRequest::new(["a", "b", "c", "unknown:d"], "1").idempotency_key("key")
}

#[tokio::test]
async fn only_channels_that_failed_temporarily_are_retried() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(2, Fault::api_error(ApiError::INTERNAL).channel("b"))?;
        server.fail_next(
            1,
            Fault::api_error(ApiError::TOO_MANY_REQUESTS).channel("c"),
        )?;
        let result = client.broadcast(request()).await?;
        let codes: Vec<_> = result
            .outcomes()
            .map(|outcome| outcome.err().map(|error| error.code))
            .collect();
        assert_eq!(codes, [None, None, None, Some(102)]);
        assert_eq!(result.channels(), ["a", "b", "c", "unknown:d"]);
        let sent: Vec<_> = server
            .take_requests()
            .iter()
            .filter_map(|request| Some(request.request::<BroadcastRequest>()?.channels))
            .collect();
        assert_eq!(
            sent,
            [vec!["a", "b", "c", "unknown:d"], vec!["b", "c"], vec!["b"]]
        );
        for channel in ["a", "b", "c"] {
            assert_eq!(published(&client, channel).await?, 1, "{channel}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn broadcast_by_call_is_retried_the_same() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        let fault = || Fault::api_error(ApiError::INTERNAL).channel("b");
        // Without a position, the results of both are equal.
        let request = || request().skip_history(true);
        server.fail_next(1, fault())?;
        let by_method = client.broadcast(request()).await?;
        server.fail_next(1, fault())?;
        let by_call = client.call(request()).await?;
        assert_eq!(by_call, by_method);
        let failed: Vec<_> = by_call
            .failed()
            .map(|(channel, error)| (channel, error.code, error.channel()))
            .collect();
        assert_eq!(failed, [("unknown:d", 102, Some("unknown:d"))]);
        assert_eq!(called(&server), ["broadcast"; 4]);
    }
    Ok(())
}

#[tokio::test]
async fn channels_without_key_are_sent_once() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::api_error(ApiError::INTERNAL).channel("b"))?;
        let result = client
            .broadcast(BroadcastRequest::new(["a", "b"], "1"))
            .await?;
        assert_eq!(
            result
                .failed()
                .map(|(channel, _)| channel)
                .collect::<Vec<_>>(),
            ["b"]
        );
        assert_eq!(called(&server), ["broadcast"]);
    }
    Ok(())
}

#[tokio::test]
async fn channel_that_keeps_failing_keeps_its_error() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_always(Fault::api_error(ApiError::INTERNAL).channel("b"))?;
        let result = client.broadcast(request()).await?;
        let failed: Vec<_> = result
            .failed()
            .map(|(channel, error)| (channel, error.code))
            .collect();
        assert_eq!(failed, [("b", 100), ("unknown:d", 102)]);
        assert_eq!(called(&server).len(), 3);
    }
    Ok(())
}

#[tokio::test]
async fn batch_is_retried_only_if_all_its_commands_are_repeatable() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::close_after())?;
        let (published_once, history) = client
            .batch((keyed("1"), HistoryRequest::new("news")))
            .await?;
        assert_eq!((published_once?.offset, history?.offset), (1, 1));
        assert_eq!(called(&server), ["batch", "batch"]);
        server.fail_next(1, Fault::close_after())?;
        let mixed = (
            PublishRequest::new("news", "2"),
            PresenceRequest::new("news"),
        );
        assert!(client.batch(mixed).await.unwrap_err().is_network());
        assert_eq!(called(&server), ["batch"]);
        assert_eq!(published(&client, "news").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn commands_of_a_batch_get_keys_of_their_own() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.retry(quickly().idempotency_keys()).build()?;
        server.fail_next(1, Fault::close_after())?;
        let batch = (
            PublishRequest::new("a", "1"),
            PublishRequest::new("a", "2"),
            InfoRequest::new(),
        );
        let (first, second, _) = client.batch(batch).await?;
        assert_eq!((first?.offset, second?.offset), (1, 2));
        assert_eq!(published(&client, "a").await?, 2);
    }
    Ok(())
}
