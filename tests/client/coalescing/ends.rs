//! Calls that end earlier than their batch, and clients that are closed or dropped.

use centrifugo_api::InfoRequest;
use tokio::runtime::Builder;

use super::*;

#[tokio::test]
async fn waiting_call_is_not_sent_after_its_own_deadline() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        let hasty = client.with_timeout(HOLD / 10);
        let (late, patient) = tokio::join!(
            hasty.publish(PublishRequest::new("late", "1")),
            client.publish(PublishRequest::new("news", "1")),
        );
        let error = late.unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
        patient?;
        delayed.await?;
        assert_eq!(batches(&server), [1]);
        assert_eq!(published(&client, "late").await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn call_whose_batch_is_in_flight_ends_at_its_own_deadline() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        server.fail_next(1, Fault::delay(HOLD))?;
        // Both are in the batch after the delayed one.
        let hasty = client.with_timeout(HOLD * 3 / 2);
        let (late, patient) = tokio::join!(
            hasty.publish(PublishRequest::new("news", "1")),
            client.publish(PublishRequest::new("news", "2")),
        );
        let error = late.unwrap_err();
        assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
        patient?;
        delayed.await?;
        assert_eq!(batches(&server), [2]);
    }
    Ok(())
}

#[tokio::test]
async fn call_dropped_while_it_waits_is_not_sent() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        let mut calls = publish_all(
            &client,
            (0..10).map(|n| PublishRequest::new("news", n.to_string())),
        );
        tokio::task::yield_now().await;
        let dropped = calls.split_off(5);
        for call in &dropped {
            call.abort();
        }
        for call in calls {
            call.await??;
        }
        delayed.await?;
        assert_eq!(batches(&server), [5]);
        for call in dropped {
            assert!(call.await.is_err_and(|error| error.is_cancelled()));
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_more_calls_wait_than_allowed() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time().max_waiting(2))? {
        let delayed = delay_batch(&server, &client).await?;
        let waiting = publish_all(&client, [PublishRequest::new("news", "1")]);
        tokio::task::yield_now().await;
        let error = client
            .with_timeout(HOLD / 10)
            .publish(PublishRequest::new("news", "2"))
            .await
            .unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
        client.publish(PublishRequest::new("news", "3")).await?;
        for call in waiting {
            call.await??;
        }
        delayed.await?;
        assert_eq!(published(&client, "news").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn closing_sends_waiting_calls_and_refuses_new_ones() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time().max_commands(10))? {
        let delayed = delay_batch(&server, &client).await?;
        let calls = publish_all(
            &client,
            (0..30).map(|n| PublishRequest::new("news", n.to_string())),
        );
        tokio::task::yield_now().await;
        client.close(PATIENCE).await?;
        assert!(calls.iter().all(JoinHandle::is_finished) && delayed.is_finished());
        for call in calls {
            call.await??;
        }
        assert_eq!(batches(&server), [10; 3]);
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert!(
            matches!(error, Error::Closed { method: "info", .. }),
            "{error:?}"
        );
    }
    Ok(())
}

#[test]
fn dropped_runtime_cancels_only_its_own_calls() -> Outcome {
    let runtime = || {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
    };
    for (server, client) in both_transports(&one_at_a_time())? {
        let first = runtime()?;
        let second = runtime()?;
        let gone = first.block_on(async {
            let gone = delay_batch(&server, &client).await?;
            publish_all(
                &client,
                (0..10).map(|n| PublishRequest::new("news", n.to_string())),
            );
            Ok::<_, Error>(gone)
        })?;
        second.block_on(async { client.publish(PublishRequest::new("other", "1")).await })?;
        first.shutdown_background();
        assert!(
            second
                .block_on(gone)
                .is_err_and(|error| error.is_cancelled())
        );
        second.block_on(async { client.publish(PublishRequest::new("other", "2")).await })?;
        assert_eq!(second.block_on(published(&client, "other"))?, 2);
    }
    Ok(())
}
