//! The sizes of batches: what a server refuses, what it takes again later, and what may wait.

use centrifugo_api::{ClientBuilder, Status};

use super::*;
use crate::server::{self, Backend, Transport, Version};

/// The number of calls that are made at once.
const CALLS: usize = 100;

/// Makes calls at once, and returns the sizes of the batches that were sent. Together the calls are larger than a batch
/// that is as small as refusals make it.
async fn publish_many(server: &Server, client: &Client) -> Result<Vec<usize>, Error> {
    let data = |n| format!("\"{n}{}\"", "x".repeat(100));
    let requests = (0..CALLS).map(|n| PublishRequest::new("news", data(n)));
    for call in publish_all(client, requests) {
        call.await.expect("no call panics")?;
    }
    Ok(batches(server))
}

#[tokio::test]
async fn refused_sizes_are_tried_again_later() -> Outcome {
    let refusals = [
        Fault::status(Status::Http(413)),
        Fault::status(Status::Grpc(8)).message("grpc: received message larger than max (9 vs. 8)"),
    ];
    for ((server, client), refusal) in both_transports(&one_at_a_time())?.into_iter().zip(refusals)
    {
        server.fail_next(3, refusal)?;
        assert_eq!(publish_many(&server, &client).await?[0], CALLS);
        // However small the refused batch was, batches are not made tiny.
        let next = publish_many(&server, &client).await?;
        assert!((2..=5).contains(&next.len()), "{next:?}");
        // And they grow again.
        let mut rounds = 0;
        while publish_many(&server, &client).await? != [CALLS] {
            rounds += 1;
            assert!(rounds < 300, "batches stay small");
        }
    }
    Ok(())
}

#[tokio::test]
async fn batch_that_ran_is_not_sent_again_because_of_its_reply() -> Outcome {
    let [_, (server, client)] = both_transports(&one_at_a_time())?;
    let text = "grpc: trying to send message larger than max (9 vs. 8)";
    server.fail_next(1, Fault::status(Status::Grpc(8)).message(text))?;
    let requests = (0..4).map(|n| PublishRequest::new("news", n.to_string()));
    for call in publish_all(&client, requests) {
        let error = call.await?.unwrap_err();
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    }
    assert_eq!(batches(&server), [4]);
    Ok(())
}

#[tokio::test]
async fn calls_that_read_too_much_together_are_sent_in_halves() -> Outcome {
    let [_, (server, client)] = both_transports(&one_at_a_time())?;
    let text = "grpc: trying to send message larger than max (9 vs. 8)";
    server.fail_next(1, Fault::status(Status::Grpc(8)).message(text))?;
    let histories: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.history(HistoryRequest::new("news").limit(-1)).await })
        })
        .collect();
    for history in histories {
        history.await??;
    }
    assert_eq!(batches(&server), [4, 2, 2]);
    Ok(())
}

#[tokio::test]
async fn no_more_bytes_wait_than_allowed() -> Outcome {
    let request = |size| PublishRequest::new("news", format!("\"{}\"", "x".repeat(size)));
    for (server, client) in both_transports(&one_at_a_time().max_waiting_bytes(2500))? {
        let delayed = delay_batch(&server, &client).await?;
        // The second is not admitted before the first has its reply.
        for call in publish_all(&client, [request(1000), request(2000), request(1)]) {
            call.await??;
        }
        delayed.await?;
        assert_eq!(batches(&server), [1, 2]);
        // One that is larger than all together may be is sent when no other waits.
        client.publish(request(5000)).await?;
        assert_eq!(batches(&server), [1]);
    }
    Ok(())
}

#[tokio::test]
async fn call_is_unsent_if_no_bytes_are_free_in_time() -> Outcome {
    let request = |size| PublishRequest::new("news", format!("\"{}\"", "x".repeat(size)));
    for (server, client) in both_transports(&one_at_a_time().max_waiting_bytes(1500))? {
        let delayed = delay_batch(&server, &client).await?;
        let waiting = publish_all(&client, [request(1000)]);
        tokio::task::yield_now().await;
        let hasty = client.with_timeout(HOLD / 10);
        let error = hasty.publish(request(1000)).await.unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
        for call in waiting {
            call.await??;
        }
        delayed.await?;
        assert_eq!(published(&client, "news").await?, 1);
    }
    Ok(())
}

/// Makes calls that are too large together for a real Centrifugo.
async fn exceed_limit_of_centrifugo(
    configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Outcome {
    let limit = [("CENTRIFUGO_GRPC_API_MAX_RECEIVE_MESSAGE_SIZE", "1000")];
    let server = server::Server::start_with(Backend::Real(Version::V6), &limit).await;
    let builder = configure(server.client_builder(Transport::Grpc));
    let client = builder.build()?.coalescing(one_at_a_time());
    let request =
        |n: usize| PublishRequest::new("plain:news", format!("\"{n}{}\"", "x".repeat(60)));
    for call in publish_all(&client, (0..20).map(request)) {
        call.await??;
    }
    assert_eq!(published(&client, "plain:news").await?, 20);
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn batch_refused_by_centrifugo_is_halved() -> Outcome {
    exceed_limit_of_centrifugo(|builder| builder).await
}

#[cfg(feature = "gzip")]
#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn batch_refused_by_centrifugo_after_decompression_is_halved() -> Outcome {
    exceed_limit_of_centrifugo(ClientBuilder::grpc_gzip).await
}
