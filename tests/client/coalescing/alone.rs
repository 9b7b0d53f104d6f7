//! Calls that are sent separately, and calls whose batches are separate.

use centrifugo_api::{BatchRequest, Command, RpcRequest, Status, binary};

use super::*;

#[tokio::test]
async fn large_requests_batches_and_rpc_are_sent_separately() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time().max_bytes(800))? {
        let delayed = delay_batch(&server, &client).await?;
        server.on::<RpcRequest>(|_| Ok(Default::default()));
        let large = PublishRequest::new("news", format!("\"{}\"", "x".repeat(100)));
        client.publish(large).await?;
        let [published] = client.batch([PublishRequest::new("news", "1")]).await?;
        published?;
        client.rpc(RpcRequest::new("method")).await?;
        assert!(!delayed.is_finished());
        let methods: Vec<_> = server
            .take_requests()
            .iter()
            .map(|request| request.method)
            .collect();
        assert_eq!(methods, ["publish", "batch", "rpc"]);
        delayed.await?;
    }
    Ok(())
}

#[tokio::test]
async fn large_requests_share_batches_if_the_limit_allows() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time().max_bytes(2_000_000))? {
        let delayed = delay_batch(&server, &client).await?;
        let payload = |n: usize| format!("\"{}\"", n.to_string().repeat(100_000));
        let calls = publish_all(
            &client,
            (0..5).map(|n| PublishRequest::new("news", payload(n))),
        );
        for call in calls {
            call.await??;
        }
        delayed.await?;
        assert_eq!(batches(&server), [5]);
        let read = client
            .history(HistoryRequest::new("news").limit(-1))
            .await?
            .publications;
        let mut read: Vec<_> = read
            .into_iter()
            .map(|publication| publication.data)
            .collect();
        read.sort();
        assert_eq!(read, (0..5).map(payload).collect::<Vec<_>>());
    }
    Ok(())
}

#[tokio::test]
async fn payload_that_is_not_json_fails_only_its_call() -> Outcome {
    let [(server, client), _] = both_transports(&one_at_a_time())?;
    let delayed = delay_batch(&server, &client).await?;
    let (good, bad) = tokio::join!(
        client.publish(PublishRequest::new("news", "1")),
        client.publish(PublishRequest::new("news", "no JSON")),
    );
    good?;
    delayed.await?;
    let error = bad.unwrap_err();
    assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
    assert_eq!(batches(&server), [1]);
    Ok(())
}

#[tokio::test]
async fn unreadable_payload_fails_only_its_reader() -> Outcome {
    let [(server, client), _] = both_transports(&one_at_a_time())?;
    for (channel, data) in [("bin:raw", "no JSON"), ("bin:json", "1")] {
        server
            .grpc_client()
            .publish(PublishRequest::new(channel, binary(data)))
            .await?;
    }
    server.take_requests();
    let delayed = delay_batch(&server, &client).await?;
    let histories = ["bin:json", "bin:raw", "bin:json", "news"].map(|channel| {
        let client = client.clone();
        tokio::spawn(async move { client.history(HistoryRequest::new(channel).limit(-1)).await })
    });
    let published = client.publish(PublishRequest::new("news", "1")).await;
    published?;
    delayed.await?;
    let mut codes = Vec::new();
    for history in histories {
        codes.push(match history.await? {
            Ok(_) => None,
            Err(Error::Transport {
                status,
                method: "history",
                ..
            }) => Some(status),
            Err(error) => return Err(error.into()),
        });
    }
    assert_eq!(codes, [None, Some(Status::Http(500)), None, None]);
    Ok(())
}

#[tokio::test]
async fn calls_that_read_payloads_are_batched_separately() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        client.history(HistoryRequest::new("news")).await?;
        assert!(!delayed.is_finished());
        delayed.await?;
        let batch = server
            .requests()
            .iter()
            .find_map(|request| request.request::<BatchRequest>());
        let [
            Command {
                history: Some(_), ..
            },
        ] = &batch.ok_or("no batch")?.commands[..]
        else {
            return Err("another batch".into());
        };
    }
    Ok(())
}
