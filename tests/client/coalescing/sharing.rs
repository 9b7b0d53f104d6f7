//! Calls that share a batch.

use centrifugo_api::prost::Message as _;
use centrifugo_api::{
    ApiError, BroadcastRequest, InfoRequest, PresenceStatsRequest, SubscribeRequest,
};
use centrifugo_api_testing::{Endpoint, Recorded};

use super::*;

#[tokio::test]
async fn calls_made_while_a_batch_is_in_flight_share_the_next() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        let calls = publish_all(
            &client,
            (0..100).map(|n| PublishRequest::new("news", n.to_string())),
        );
        for call in calls {
            call.await??;
        }
        delayed.await?;
        assert_eq!(batches(&server), [100]);
        assert_eq!(published(&client, "news").await?, 100);
    }
    Ok(())
}

#[tokio::test]
async fn call_is_sent_at_once_if_no_batch_is_in_flight() -> Outcome {
    for (server, client) in both_transports(&Coalescing::default())? {
        client.publish(PublishRequest::new("news", "1")).await?;
        client.publish(PublishRequest::new("news", "2")).await?;
        assert_eq!(batches(&server), [1, 1]);
    }
    Ok(())
}

#[tokio::test]
async fn no_more_batches_are_in_flight_than_allowed() -> Outcome {
    for (server, client) in both_transports(&patient().max_batches(3).max_commands(1))? {
        server.fail_always(Fault::delay(HOLD))?;
        let calls = publish_all(
            &client,
            (0..5).map(|n| PublishRequest::new("news", n.to_string())),
        );
        while server.requests().len() < 3 {
            tokio::task::yield_now().await;
        }
        assert!(calls.iter().all(|call| !call.is_finished()));
        assert_eq!(server.requests().len(), 3);
        server.clear_faults();
        for call in calls {
            call.await??;
        }
        assert_eq!(batches(&server), [1; 5]);
    }
    Ok(())
}

#[tokio::test]
async fn batches_carry_as_many_calls_as_allowed() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time().max_commands(4))? {
        let delayed = delay_batch(&server, &client).await?;
        for call in publish_all(
            &client,
            (0..10).map(|n| PublishRequest::new("news", n.to_string())),
        ) {
            call.await??;
        }
        delayed.await?;
        assert_eq!(batches(&server), [4, 4, 2]);
    }
    Ok(())
}

#[tokio::test]
async fn batches_carry_as_many_bytes_as_allowed() -> Outcome {
    // A request has between 100 and 150 bytes over either transport.
    for (server, client) in both_transports(&one_at_a_time().max_bytes(1200))? {
        let delayed = delay_batch(&server, &client).await?;
        let requests = (0..30).map(|n| {
            let data = format!("\"{}{}\"", n % 10, "x".repeat(90));
            PublishRequest::new("news", data)
        });
        for call in publish_all(&client, requests) {
            call.await??;
        }
        delayed.await?;
        let sizes = batches(&server);
        let (last, full) = sizes.split_last().ok_or("no batches")?;
        assert!(
            full.iter().all(|size| (8..12).contains(size)) && *last < 12,
            "{sizes:?}"
        );
        assert_eq!(sizes.iter().sum::<usize>(), 30);
    }
    Ok(())
}

#[tokio::test]
async fn no_batch_is_larger_than_a_request_may_be() -> Outcome {
    let server = Server::start()?;
    for builder in [server.client_builder(), server.grpc_client_builder()] {
        let client = builder
            .max_request_size(1000)
            .build()?
            .coalescing(one_at_a_time());
        server.take_requests();
        let delayed = delay_batch(&server, &client).await?;
        for call in publish_all(
            &client,
            (0..100).map(|n| PublishRequest::new("news", n.to_string())),
        ) {
            call.await??;
        }
        delayed.await?;
        let requests = server.take_requests();
        let length = |request: &Recorded| {
            let batch = request.request::<BatchRequest>()?;
            match request.endpoint {
                Endpoint::Grpc => Some(batch.encoded_len()),
                _ => serde_json::to_vec(&batch).ok().map(|json| json.len()),
            }
        };
        let lengths: Vec<_> = requests.iter().filter_map(length).collect();
        assert!(
            lengths.len() > 2 && lengths.iter().all(|length| *length <= 1000),
            "{lengths:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn calls_of_all_kinds_share_a_batch_and_get_their_own_outcomes() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        let (published, unknown, broadcast, presence, info, subscribed) = tokio::join!(
            client.publish(PublishRequest::new("news", "1")),
            client.publish(PublishRequest::new("nowhere:news", "1")),
            client.broadcast(BroadcastRequest::new(["news", "nowhere:news"], "2")),
            client.presence_stats(PresenceStatsRequest::new("news")),
            client.info(InfoRequest::new()),
            client.subscribe(SubscribeRequest::new("news").user("alice")),
        );
        delayed.await?;
        assert_eq!(published?.offset, 1);
        let error = unknown.unwrap_err();
        assert_eq!(error.api_code(), Some(ApiError::UNKNOWN_CHANNEL));
        assert!(
            error
                .to_string()
                .starts_with("publish: Centrifugo returned error 102"),
            "{error}"
        );
        let failed: Vec<_> = broadcast?
            .failed()
            .map(|(channel, error)| (channel.to_owned(), error.code))
            .collect();
        assert_eq!(
            failed,
            [("nowhere:news".to_owned(), ApiError::UNKNOWN_CHANNEL)]
        );
        assert_eq!(presence?.num_clients, 0);
        assert_eq!(info?.nodes.len(), 1);
        subscribed?;
        assert_eq!(batches(&server), [6]);
    }
    Ok(())
}

#[tokio::test]
async fn clones_share_and_other_clients_do_not() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        let clone = client.with_timeout(PATIENCE).clone();
        let other = client.coalescing(one_at_a_time());
        let (one, two, three) = tokio::join!(
            client.publish(PublishRequest::new("news", "1")),
            clone.publish(PublishRequest::new("news", "2")),
            other.publish(PublishRequest::new("news", "3")),
        );
        let _ = (one?, two?, three?);
        delayed.await?;
        assert_eq!(batches(&server), [1, 2]);
    }
    Ok(())
}
