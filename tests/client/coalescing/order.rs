//! The order in which the server runs the commands of a batch: sequentially or concurrently.

use centrifugo_api::PresenceStatsRequest;

use super::*;

/// The most commands in a batch that measures the server.
const PROBE_SIZE: usize = 32;

/// Returns the number of commands in each new batch, and whether they run concurrently.
fn orders(server: &Server) -> Vec<(usize, bool)> {
    let requests = server.take_requests();
    let batches = requests
        .iter()
        .filter_map(|request| request.request::<BatchRequest>());
    batches
        .map(|batch| (batch.commands.len(), batch.parallel))
        .collect()
}

/// Publishes while a batch is delayed, and returns the batches that result.
async fn publish(
    server: &Server,
    client: &Client,
    count: usize,
) -> Result<Vec<(usize, bool)>, Error> {
    let delayed = delay_batch(server, client).await?;
    for call in publish_all(
        client,
        (0..count).map(|n| PublishRequest::new("news", n.to_string())),
    ) {
        call.await.expect("no call panics")?;
    }
    delayed.await.expect("no call panics");
    Ok(orders(server))
}

#[tokio::test]
async fn publications_run_one_after_another_until_that_is_slow() -> Outcome {
    for (server, client) in both_transports(&patient().max_batches(1))? {
        let slow = delay_batch(&server, &client).await?;
        server.fail_next(1, Fault::delay(HOLD))?;
        let calls = publish_all(
            &client,
            (0..100).map(|n| PublishRequest::new("news", n.to_string())),
        );
        for call in calls {
            call.await??;
        }
        slow.await?;
        assert_eq!(
            orders(&server),
            [(PROBE_SIZE, false), (100 - PROBE_SIZE, true)]
        );
        // That was the first of 16 batches in this order until the next measurement.
        for _ in 1..16 {
            assert_eq!(publish(&server, &client, 2).await?, [(2, true)]);
        }
        assert_eq!(
            publish(&server, &client, 100).await?[0],
            (PROBE_SIZE, false)
        );
    }
    Ok(())
}

#[tokio::test]
async fn other_commands_run_concurrently() -> Outcome {
    for (server, client) in both_transports(&patient().max_batches(1))? {
        let delayed = delay_batch(&server, &client).await?;
        let (published, stats) = tokio::join!(
            client.publish(PublishRequest::new("news", "1")),
            client.presence_stats(PresenceStatsRequest::new("news")),
        );
        published?;
        stats?;
        delayed.await?;
        assert_eq!(orders(&server), [(2, true)]);
    }
    Ok(())
}

#[tokio::test]
async fn order_can_be_configured() -> Outcome {
    let options = patient().max_batches(1);
    for (options, parallel) in [
        (options.clone().one_after_another(), false),
        (options.concurrent(), true),
    ] {
        for (server, client) in both_transports(&options)? {
            assert_eq!(publish(&server, &client, 100).await?, [(100, parallel)]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn batch_that_fails_slowly_counts_as_slow() -> Outcome {
    for (server, client) in both_transports(&patient().max_batches(1))? {
        server.fail_next(1, Fault::delay(PATIENCE))?;
        let requests = (0..PROBE_SIZE).map(|n| PublishRequest::new("news", n.to_string()));
        for call in publish_all(&client.with_timeout(HOLD), requests) {
            let error = call.await?.unwrap_err();
            assert!(error.is_timeout(), "{error:?}");
        }
        assert_eq!(orders(&server), [(PROBE_SIZE, false)]);
        assert_eq!(publish(&server, &client, 100).await?, [(100, true)]);
    }
    Ok(())
}

#[tokio::test]
async fn slow_batch_is_measured_before_it_ends() -> Outcome {
    for (server, client) in both_transports(&Coalescing::default().max_batches(1))? {
        server.fail_next(1, Fault::delay(PATIENCE * 2))?;
        let requests = (0..100).map(|n| PublishRequest::new("news", n.to_string()));
        let mut probe = publish_all(&client.with_timeout(PATIENCE * 2), requests);
        for call in probe.split_off(PROBE_SIZE) {
            tokio::time::timeout(PATIENCE, call).await???;
        }
        let rest = 100 - PROBE_SIZE;
        assert_eq!(orders(&server), [(PROBE_SIZE, false), (rest, true)]);
        assert!(probe.iter().all(|call| !call.is_finished()));
    }
    Ok(())
}
