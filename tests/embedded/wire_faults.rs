//! Faults on the wire, and what the crate's own client reports.

use std::time::Duration;

use centrifugo_api::{
    BroadcastRequest, Client, Error, InfoRequest, PublishRequest, PublishResult, Status,
};
use centrifugo_api_testing::{Fault, Server};

use crate::{Outcome, clients, history, publish, soon, start};

/// Plans a fault for a publication over each endpoint, and returns the outcome and the number of
/// publications that ran.
async fn meet(fault: impl Fn() -> Fault) -> Result<Vec<(&'static str, Error, u64)>, Error> {
    let server = start();
    let mut met = Vec::new();
    for (transport, client) in clients(&server) {
        server.fail_next(1, fault())?;
        let error = soon(transport, publish(&client, transport, "1"))
            .await
            .expect_err(transport);
        let ran = history(&server.client(), transport).await?.offset;
        assert!(server.unused_faults().is_empty(), "{transport}");
        publish(&client, "afterwards", "1").await?;
        met.push((transport, error, ran));
    }
    Ok(met)
}

#[tokio::test]
async fn connection_that_closes_before_the_call_is_lost_and_nothing_has_run() -> Outcome {
    for (transport, error, ran) in meet(Fault::close_before).await? {
        assert!(
            error.is_network() && error.is_retryable() && !error.is_unsent(),
            "{transport}: {error:?}"
        );
        assert_eq!(ran, 0, "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn connection_that_closes_after_the_call_is_lost_and_it_has_run() -> Outcome {
    for (transport, error, ran) in meet(Fault::close_after).await? {
        assert!(
            error.is_network() && error.is_retryable() && !error.is_unsent(),
            "{transport}: {error:?}"
        );
        assert_eq!(ran, 1, "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn half_an_answer_is_a_lost_connection_and_the_call_has_run() -> Outcome {
    for (transport, error, ran) in meet(Fault::half_body).await? {
        assert!(
            error.is_network() && !error.is_unsent(),
            "{transport}: {error:?}"
        );
        assert_eq!(ran, 1, "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn half_of_a_long_answer_is_a_lost_connection_too() -> Outcome {
    let server = start();
    let data = format!("\"{}\"", "a".repeat(300_000));
    publish(&server.client(), "news", &data).await?;
    for (transport, client) in clients(&server) {
        server.fail_next(1, Fault::half_body())?;
        let error = soon(transport, history(&client, "news"))
            .await
            .expect_err(transport);
        assert!(
            error.is_network() && !error.is_unsent(),
            "{transport}: {error:?}"
        );
        assert_eq!(
            history(&client, "news").await?.publications[0].data,
            data,
            "{transport}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn garbage_cannot_be_decoded_and_the_call_has_run() -> Outcome {
    for (transport, error, ran) in meet(Fault::garbage).await? {
        assert!(
            matches!(error, Error::Decode { .. }),
            "{transport}: {error:?}"
        );
        assert_eq!((error.is_retryable(), ran), (false, 1), "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn http_status_replaces_the_call_over_http() -> Outcome {
    let server = start();
    server.fail_always(
        Fault::status(Status::Http(503))
            .header("Retry-After", "7")
            .header("x-one", "1")
            .message("down for now"),
    )?;
    for (transport, client) in clients(&server) {
        let outcome = publish(&client, "news", "1").await;
        match (transport, outcome) {
            ("grpc", outcome) => assert_eq!(outcome?, 1),
            (
                _,
                Err(Error::Transport {
                    status: Status::Http(503),
                    body,
                    retry_after,
                    ..
                }),
            ) => {
                assert_eq!(
                    (body.as_str(), retry_after),
                    ("down for now", Some(Duration::from_secs(7)))
                );
            }
            (_, outcome) => panic!("{transport}: {outcome:?}"),
        }
    }
    server.clear_faults();
    assert_eq!(history(&server.client(), "news").await?.offset, 1);
    Ok(())
}

#[tokio::test]
async fn grpc_code_replaces_the_call_over_grpc() -> Outcome {
    let server = start();
    server.fail_always(
        Fault::status(Status::Grpc(14))
            .header("x-one", "1")
            .message("down % für now"),
    )?;
    for (transport, client) in clients(&server) {
        let outcome = publish(&client, "news", "1").await;
        match (transport, outcome) {
            ("grpc", Err(error @ Error::Transport { .. })) => {
                assert!(error.is_retryable());
                let Error::Transport { status, body, .. } = error else {
                    unreachable!()
                };
                assert_eq!(
                    (status, body.as_str()),
                    (Status::Grpc(14), "down % für now")
                );
            }
            (_, outcome) => assert!(outcome? > 0),
        }
    }
    assert_eq!(history(&server.client(), "news").await?.offset, 2);
    Ok(())
}

#[tokio::test]
async fn every_status_arrives_as_it_is() -> Outcome {
    let server = start();
    let client = server.client();
    for status in [201, 204, 301, 304, 400, 403, 404, 413, 429, 500, 502, 599] {
        server.fail_next(1, Fault::status(Status::Http(status)).message("text"))?;
        match soon("the answer", publish(&client, "news", "1")).await {
            Err(Error::Transport {
                status: reported, ..
            }) if reported == Status::Http(status) => {}
            Err(Error::Decode { .. }) if status < 300 => {}
            outcome => panic!("{status}: {outcome:?}"),
        }
    }
    let client = server.grpc_client();
    for code in (1..=15).filter(|code| *code != 4) {
        server.fail_next(1, Fault::status(Status::Grpc(code)))?;
        match publish(&client, "news", "1").await {
            Err(Error::Transport { status, .. }) => assert_eq!(status, Status::Grpc(code)),
            outcome => panic!("{code}: {outcome:?}"),
        }
    }
    assert_eq!(history(&client, "news").await?.offset, 0);
    Ok(())
}

#[tokio::test]
async fn refused_key_is_a_status_of_its_own() -> Outcome {
    let server = start();
    server.fail_always(Fault::status(Status::Http(401)))?;
    server.fail_always(Fault::status(Status::Grpc(16)))?;
    for (transport, client) in clients(&server) {
        let error = publish(&client, "news", "1").await.unwrap_err();
        assert!(error.is_unauthorized(), "{transport}: {error:?}");
    }
    Ok(())
}

/// Publishes with a timeout that is too short for the reply.
async fn hurried(client: &Client, request: PublishRequest) -> Result<PublishResult, Error> {
    client
        .with_timeout(Duration::from_millis(100))
        .publish(request)
        .await
}

#[tokio::test]
async fn delayed_answer_is_a_timeout_and_the_call_has_run() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        let request = PublishRequest::new(transport, "1").idempotency_key("once");
        server.fail_next(1, Fault::delay(Duration::from_secs(3600)))?;
        let error = hurried(&client, request.clone()).await.unwrap_err();
        assert!(
            error.is_timeout() && error.is_retryable() && !error.is_unsent(),
            "{transport}: {error:?}"
        );
        assert_eq!(
            history(&client, transport).await?.offset,
            1,
            "{transport}: the call must have run"
        );
        assert_eq!(
            client.publish(request).await?.offset,
            1,
            "{transport}: a retry must not publish twice"
        );
        assert_eq!(history(&client, transport).await?.offset, 1, "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn delay_blocks_no_other_call_and_ends() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(1, Fault::delay(Duration::from_millis(200)).channel("slow"))?;
        let started = std::time::Instant::now();
        let (slow, fast) = tokio::join!(publish(&client, "slow", "1"), async {
            let offset = publish(&client, "fast", "1").await;
            offset.map(|_| started.elapsed())
        });
        slow?;
        assert!(
            started.elapsed() >= Duration::from_millis(200),
            "{transport}"
        );
        assert!(fast? < started.elapsed(), "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_meets_only_its_method_and_channel() -> Outcome {
    let server = start();
    server.fail_always(Fault::close_before().method("publish").channel("news"))?;
    for (transport, client) in clients(&server) {
        client.info(InfoRequest::new()).await?;
        history(&client, "news").await?;
        publish(&client, "sports", "1").await?;
        assert!(
            publish(&client, "news", "1")
                .await
                .unwrap_err()
                .is_network(),
            "{transport}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn fault_of_a_channel_meets_broadcasts_and_batches_that_name_it() -> Outcome {
    let server = start();
    server.fail_always(Fault::close_after().channel("b"))?;
    for (transport, client) in clients(&server) {
        let broadcast =
            |channels: [&str; 2]| client.broadcast(BroadcastRequest::new(channels, "1"));
        assert!(
            broadcast(["a", "b"]).await.unwrap_err().is_network(),
            "{transport}"
        );
        let _ = broadcast(["a", "c"]).await?;
        let batch = |channel| client.batch((InfoRequest::new(), PublishRequest::new(channel, "1")));
        assert!(batch("b").await.unwrap_err().is_network(), "{transport}");
        batch("c").await?.1?;
    }
    Ok(())
}

#[tokio::test]
async fn faults_of_both_kinds_meet_the_same_call() -> Outcome {
    let server = start();
    for (transport, client) in clients(&server) {
        server.fail_next(1, Fault::api_error(4242))?;
        server.fail_next(1, Fault::close_after())?;
        assert!(
            publish(&client, transport, "1")
                .await
                .unwrap_err()
                .is_network(),
            "{transport}"
        );
        assert_eq!(history(&client, transport).await?.offset, 0, "{transport}");
        assert!(server.unused_faults().is_empty(), "{transport}");
    }
    Ok(())
}

#[tokio::test]
async fn retries_of_the_test_get_through() -> Outcome {
    let server: Server = start();
    server.fail_next(3, Fault::status(Status::Http(503)))?;
    let client = server.client();
    let mut tries = 1;
    while let Err(error) = publish(&client, "news", "1").await {
        assert!(error.is_retryable(), "{error:?}");
        tries += 1;
    }
    assert_eq!((tries, server.take_requests().len()), (4, 4));
    Ok(())
}
