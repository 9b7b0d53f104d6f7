//! Batches and broadcasts that `split_above` splits.

use centrifugo_api::{
    BatchRequest, BroadcastRequest, ClientBuilder, Error, HistoryRequest, Parallel, PublishRequest,
    Retry,
};
use centrifugo_api_testing::{Fault, Server};

use crate::Outcome;

const LIMIT: usize = 2000;

fn both_transports() -> Result<[(Server, ClientBuilder); 2], Error> {
    let http = Server::start()?;
    let grpc = Server::start()?;
    let builders = [http.client_builder(), grpc.grpc_client_builder()]
        .map(|builder| builder.split_above(LIMIT));
    let [first, second] = builders;
    Ok([(http, first), (grpc, second)])
}

fn channels(count: usize) -> Vec<String> {
    // One of them has an unknown namespace.
    (0..count)
        .map(|n| {
            if n == 7 {
                "nowhere:7".to_owned()
            } else {
                format!("channel-number-{n}")
            }
        })
        .collect()
}

/// Returns the broadcasts that were sent.
fn broadcasts(server: &Server) -> Vec<BroadcastRequest> {
    server
        .take_requests()
        .iter()
        .filter_map(|request| request.request())
        .collect()
}

#[tokio::test]
async fn large_broadcast_is_split_and_its_outcomes_keep_their_order() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        let channels = channels(500);
        let result = client
            .broadcast(BroadcastRequest::new(channels.clone(), r#"{"n":1}"#))
            .await?;
        assert_eq!(result.channels(), channels);
        let failed: Vec<_> = result
            .failed()
            .map(|(channel, error)| (channel, error.code))
            .collect();
        assert_eq!(failed, [("nowhere:7", 102)]);
        let parts = broadcasts(&server);
        assert!((4..=12).contains(&parts.len()), "{}", parts.len());
        assert!(parts.iter().flat_map(|part| &part.channels).eq(&channels));
    }
    Ok(())
}

#[tokio::test]
async fn large_broadcast_by_call_is_split_the_same() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        // Without a position, the results of both are equal.
        let request = BroadcastRequest::new(channels(500), r#"{"n":1}"#).skip_history(true);
        let by_method = client.broadcast(request.clone()).await?;
        let sent_by_method = broadcasts(&server);
        let by_call = client.call(request).await?;
        assert_eq!(by_call, by_method);
        assert_eq!(broadcasts(&server), sent_by_method);
        assert!(sent_by_method.len() >= 4, "{}", sent_by_method.len());
    }
    Ok(())
}

#[tokio::test]
async fn large_batch_is_split_and_its_outcomes_keep_their_order() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        // The sizes differ, and one request alone is above the limit.
        let requests: Vec<_> = (0..50)
            .map(|n| {
                let channel = if n == 7 { "nowhere:7" } else { "news" };
                let length = if n == 20 { 2 * LIMIT } else { 10 * n };
                PublishRequest::new(channel, format!("\"{n}-{}\"", "x".repeat(length)))
            })
            .collect();
        let outcomes = client.batch(Parallel(requests.clone())).await?;
        let codes: Vec<_> = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().err().map(|error| error.code))
            .collect();
        assert_eq!(
            codes,
            (0..50).map(|n| (n == 7).then_some(102)).collect::<Vec<_>>()
        );
        let parts: Vec<_> = server
            .take_requests()
            .iter()
            .filter_map(|request| request.request::<BatchRequest>())
            .collect();
        assert!(
            parts.len() > 8 && parts.iter().all(|part| part.parallel),
            "{}",
            parts.len()
        );
        let sent = parts
            .iter()
            .flat_map(|part| &part.commands)
            .filter_map(|command| command.publish.as_deref());
        assert!(sent.eq(&requests));
    }
    Ok(())
}

#[tokio::test]
async fn small_batch_stays_one_request() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        let _ = client
            .broadcast(BroadcastRequest::new(channels(20), "1"))
            .await?;
        let _ = client
            .batch(vec![PublishRequest::new("news", "1"); 20])
            .await?;
        let _ = client.batch(Vec::<PublishRequest>::new()).await?;
        assert_eq!(server.take_requests().len(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn lost_part_is_retried_or_fails_the_call() -> Outcome {
    for (server, builder) in both_transports()? {
        let retry = Retry::default().first_wait(std::time::Duration::from_millis(1));
        let client = builder.retry(retry.idempotency_keys()).build()?;
        let broadcast = || BroadcastRequest::new(channels(500), "1");
        server.fail_next(1, Fault::close_after())?;
        let result = client.broadcast(broadcast()).await?;
        assert_eq!(result.failed().count(), 1);
        for channel in ["channel-number-0", "channel-number-499"] {
            let history = client
                .history(HistoryRequest::new(channel).limit(-1))
                .await?;
            assert_eq!(history.publications.len(), 1, "{channel}");
        }
        client.set_api_key("another-key")?;
        let outcome = client.broadcast(broadcast()).await.map(drop);
        assert!(
            matches!(
                outcome,
                Err(Error::Unauthorized {
                    method: "broadcast",
                    ..
                })
            ),
            "{outcome:?}"
        );
    }
    Ok(())
}
