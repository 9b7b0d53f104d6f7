//! Whether the server runs the commands of a batch one after another or concurrently.

use centrifugo_api::PresenceStatsRequest;

use super::*;

/// What a batch that tries it has at most.
const TRIAL: usize = 32;

/// How many commands each batch carried that has come since, and whether they are to run concurrently.
fn orders(server: &Server) -> Vec<(usize, bool)> {
    let requests = server.take_requests();
    let batches = requests
        .iter()
        .filter_map(|request| request.request::<BatchRequest>());
    batches
        .map(|batch| (batch.commands.len(), batch.parallel))
        .collect()
}

/// Publishes while a batch is held up, and tells the batches that come of it.
async fn publish(
    server: &Server,
    client: &Client,
    count: usize,
) -> Result<Vec<(usize, bool)>, Error> {
    let held_up = held_up(server, client).await?;
    for call in publish_all(
        client,
        (0..count).map(|n| PublishRequest::new("news", n.to_string())),
    ) {
        call.await.expect("it does not panic")?;
    }
    held_up.await.expect("it does not panic");
    Ok(orders(server))
}

#[tokio::test]
async fn publications_run_one_after_another_until_that_is_slow() -> Outcome {
    for (server, client) in both(&Coalescing::default().max_batches(1))? {
        let slow = held_up(&server, &client).await?;
        server.fail_next(1, Fault::delay(HOLD))?;
        let calls = publish_all(
            &client,
            (0..100).map(|n| PublishRequest::new("news", n.to_string())),
        );
        for call in calls {
            call.await??;
        }
        slow.await?;
        assert_eq!(orders(&server), [(TRIAL, false), (100 - TRIAL, true)]);
        // That was the first of 16 batches that go so until the next trial.
        for _ in 1..16 {
            assert_eq!(publish(&server, &client, 2).await?, [(2, true)]);
        }
        assert_eq!(publish(&server, &client, 100).await?[0], (TRIAL, false));
    }
    Ok(())
}

#[tokio::test]
async fn other_commands_run_concurrently() -> Outcome {
    for (server, client) in both(&Coalescing::default().max_batches(1))? {
        let held_up = held_up(&server, &client).await?;
        let (published, stats) = tokio::join!(
            client.publish(PublishRequest::new("news", "1")),
            client.presence_stats(PresenceStatsRequest::new("news")),
        );
        published?;
        stats?;
        held_up.await?;
        assert_eq!(orders(&server), [(2, true)]);
    }
    Ok(())
}

#[tokio::test]
async fn order_can_be_configured() -> Outcome {
    let options = Coalescing::default().max_batches(1);
    for (options, parallel) in [
        (options.clone().one_after_another(), false),
        (options.concurrent(), true),
    ] {
        for (server, client) in both(&options)? {
            assert_eq!(publish(&server, &client, 100).await?, [(100, parallel)]);
        }
    }
    Ok(())
}
