//! The sizes of batches: what a server refuses, what it takes again later, and what may wait.

use centrifugo_api::Status;

use super::*;

/// The number of calls that are made at once.
const CALLS: usize = 100;

/// Makes small calls at once, and returns the sizes of the batches that were sent.
async fn publish_many(server: &Server, client: &Client) -> Result<Vec<usize>, Error> {
    let requests = (0..CALLS).map(|n| PublishRequest::new("news", n.to_string()));
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
    for ((server, client), refusal) in both_transports(&one_at_a_time())?.into_iter().zip(refusals) {
        server.fail_next(3, refusal)?;
        assert_eq!(publish_many(&server, &client).await?[0], CALLS);
        // However small the refused batch was, batches are not made tiny.
        let next = publish_many(&server, &client).await?;
        assert!(next.len() <= 3, "{next:?}");
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
