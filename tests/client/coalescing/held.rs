//! Batches that are slow or whose callers are gone, and the calls that wait behind them.

use centrifugo_api::{
    ChannelsRequest, ConnectionsRequest, DeviceListRequest, DeviceTopicListRequest, Status,
    UserTopicListRequest,
};
use tokio::time::{sleep, timeout};

use super::*;

/// Longer than a test waits.
const FOREVER: Duration = Duration::from_secs(600);

/// Waits until the server has received that many requests since the last look.
async fn requests_have_come(server: &Server, count: usize) -> Outcome {
    let come = async {
        while server.requests().len() < count {
            sleep(Duration::from_millis(1)).await;
        }
    };
    Ok(timeout(PATIENCE, come).await?)
}

/// Makes calls that get no reply, each in a batch of its own, and waits until all are in flight.
async fn hold_batches(
    server: &Server,
    client: &Client,
    count: usize,
) -> Result<Vec<JoinHandle<Result<PublishResult, Error>>>, Box<dyn std::error::Error>> {
    server.fail_next(count, Fault::delay(FOREVER))?;
    let client = client.with_timeout(FOREVER);
    let mut held = Vec::new();
    for _ in 0..count {
        held.extend(publish_all(&client, [PublishRequest::new("held", "1")]));
        requests_have_come(server, held.len()).await?;
    }
    server.take_requests();
    Ok(held)
}

#[tokio::test]
async fn batch_whose_callers_were_dropped_holds_up_nobody() -> Outcome {
    for (server, client) in both_transports(&patient())? {
        for call in hold_batches(&server, &client, 2).await? {
            call.abort();
        }
        client.publish(PublishRequest::new("news", "1")).await?;
        assert_eq!(batches(&server), [1]);
    }
    Ok(())
}

#[tokio::test]
async fn batch_whose_callers_timed_out_or_were_dropped_holds_up_nobody() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        server.fail_next(1, Fault::delay(FOREVER))?;
        let hasty = client.with_timeout(HOLD * 2);
        let patient = client.with_timeout(FOREVER);
        let timed_out = publish_all(&hasty, [PublishRequest::new("news", "1")]);
        let dropped = publish_all(&patient, [PublishRequest::new("news", "2")]);
        requests_have_come(&server, 1).await?;
        delayed.await?;
        dropped.iter().for_each(JoinHandle::abort);
        for call in timed_out {
            let error = call.await?.unwrap_err();
            assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
        }
        client.publish(PublishRequest::new("news", "3")).await?;
        assert_eq!(batches(&server), [2, 1]);
    }
    Ok(())
}

#[tokio::test]
async fn slow_batches_hold_up_others_only_briefly() -> Outcome {
    for (server, client) in both_transports(&Coalescing::default())? {
        let held = hold_batches(&server, &client, 20).await?;
        for n in 0..10 {
            let request = PublishRequest::new("news", n.to_string());
            client.publish(request).await?;
        }
        assert_eq!(batches(&server), [1; 10]);
        assert!(held.iter().all(|call| !call.is_finished()));
    }
    Ok(())
}

#[tokio::test]
async fn half_of_refused_batch_is_not_held_up_by_other_half() -> Outcome {
    let [(server, client), _] = both_transports(&Coalescing::default().max_batches(1))?;
    let delayed = delay_batch(&server, &client).await?;
    server.fail_next(1, Fault::status(Status::Http(413)))?;
    server.fail_next(1, Fault::delay(FOREVER))?;
    let requests = (0..8).map(|n| PublishRequest::new("news", n.to_string()));
    let mut first_half = publish_all(&client.with_timeout(FOREVER), requests);
    for call in first_half.split_off(4) {
        timeout(PATIENCE, call).await???;
    }
    delayed.await?;
    assert_eq!(batches(&server), [8, 4, 4]);
    assert!(first_half.iter().all(|call| !call.is_finished()));
    Ok(())
}

#[tokio::test]
async fn half_that_waits_is_unsent() -> Outcome {
    let [(server, client), _] = both_transports(&one_at_a_time())?;
    let delayed = delay_batch(&server, &client).await?;
    server.fail_next(1, Fault::status(Status::Http(413)))?;
    server.fail_next(1, Fault::delay(HOLD * 3))?;
    let news = |n: usize| PublishRequest::new("news", n.to_string());
    let first_half = publish_all(&client, (0..2).map(news));
    let hasty = client.with_timeout(HOLD * 2);
    let late = publish_all(&hasty, [PublishRequest::new("late", "1")]);
    let second_half = publish_all(&client, [news(2)]);
    for call in late {
        let error = call.await?.unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
    }
    for call in first_half.into_iter().chain(second_half) {
        call.await??;
    }
    delayed.await?;
    assert_eq!(batches(&server), [4, 2, 1]);
    assert_eq!(published(&client, "late").await?, 0);
    Ok(())
}

#[tokio::test]
async fn calls_without_bounds_are_sent_separately() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        server.on::<ConnectionsRequest>(|_| Ok(Default::default()));
        server.on::<DeviceListRequest>(|_| Ok(Default::default()));
        server.on::<DeviceTopicListRequest>(|_| Ok(Default::default()));
        server.on::<UserTopicListRequest>(|_| Ok(Default::default()));
        let held = hold_batches(&server, &client, 1).await?;
        client.channels(ChannelsRequest::new()).await?;
        client.connections(ConnectionsRequest::new()).await?;
        client.device_list(DeviceListRequest::new()).await?;
        client
            .device_topic_list(DeviceTopicListRequest::new())
            .await?;
        client.user_topic_list(UserTopicListRequest::new()).await?;
        assert!(held.iter().all(|call| !call.is_finished()));
        let requests = server.take_requests();
        let methods: Vec<_> = requests.iter().map(|request| request.method).collect();
        let alone = [
            "channels",
            "connections",
            "device_list",
            "device_topic_list",
            "user_topic_list",
        ];
        assert_eq!(methods, alone);
    }
    Ok(())
}
