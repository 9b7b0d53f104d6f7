//! Failed batches, and the outcomes of the calls in them.

use centrifugo_api::Status;

use super::*;

#[tokio::test]
async fn each_call_of_a_lost_batch_is_retried_if_repeatable() -> Outcome {
    for (server, client) in both_transports(&one_at_a_time())? {
        let delayed = delay_batch(&server, &client).await?;
        let keyed =
            |n: usize| PublishRequest::new("keyed", n.to_string()).idempotency_key(n.to_string());
        let keyed = publish_all(&client, (0..5).map(keyed));
        let keyless = publish_all(
            &client,
            (0..5).map(|n| PublishRequest::new("keyless", n.to_string())),
        );
        server.fail_next(1, Fault::close_after())?;
        for call in keyed {
            call.await??;
        }
        for call in keyless {
            let error = call.await?.unwrap_err();
            assert!(
                error.is_network() && !error.is_unsent() && error.attempts() == 1,
                "{error:?}"
            );
            assert!(
                error.to_string().starts_with("publish: the connection to "),
                "{error}"
            );
            assert!(
                std::error::Error::source(&error)
                    .is_some_and(|cause| !cause.to_string().is_empty()),
                "{error:?}"
            );
        }
        delayed.await?;
        let sizes = batches(&server);
        assert_eq!((sizes[0], sizes[1..].iter().sum()), (10, 5));
        assert_eq!(
            (
                published(&client, "keyed").await?,
                published(&client, "keyless").await?
            ),
            (5, 5)
        );
    }
    Ok(())
}

#[tokio::test]
async fn batch_refused_for_its_size_is_halved() -> Outcome {
    let [(server, client), _] = both_transports(&one_at_a_time())?;
    let delayed = delay_batch(&server, &client).await?;
    server.fail_next(1, Fault::status(Status::Http(413)))?;
    for call in publish_all(
        &client,
        (0..8).map(|n| PublishRequest::new("news", n.to_string())),
    ) {
        call.await??;
    }
    delayed.await?;
    assert_eq!(batches(&server), [8, 4, 4]);
    assert_eq!(published(&client, "news").await?, 8);
    Ok(())
}

#[tokio::test]
async fn batches_stay_below_what_the_server_takes() -> Outcome {
    let json = r#"{"http_api":{"key":"h"},"grpc_api":{"enabled":true,"key":"g","max_receive_message_size":1000},
        "channel":{"without_namespace":{"history_size":100,"history_ttl":"300s"}}}"#;
    let server = Server::builder().configuration(json).start()?;
    let client = server.grpc_client().coalescing(one_at_a_time());
    let requests =
        || (0..20).map(|n| PublishRequest::new("news", format!("\"{n}{}\"", "x".repeat(60))));
    for call in publish_all(&client, requests()) {
        call.await??;
    }
    server.take_requests();
    for call in publish_all(&client, requests()) {
        call.await??;
    }
    assert!(server.unused_faults().is_empty());
    assert_eq!(published(&client, "news").await?, 40);
    Ok(())
}

#[tokio::test]
async fn call_that_is_too_large_for_any_batch_is_refused() -> Outcome {
    let [(server, client), _] = both_transports(&one_at_a_time())?;
    server.fail_always(Fault::status(Status::Http(413)))?;
    for call in publish_all(
        &client,
        (0..4).map(|n| PublishRequest::new("news", n.to_string())),
    ) {
        let error = call.await?.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Transport {
                    method: "publish",
                    status: Status::Http(413),
                    ..
                }
            ),
            "{error:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn refused_key_is_reported_to_each_call() -> Outcome {
    for (_server, client) in both_transports(&one_at_a_time())? {
        client.set_api_key("another-key")?;
        for call in publish_all(
            &client,
            (0..4).map(|n| PublishRequest::new("news", n.to_string())),
        ) {
            let error = call.await?.unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Unauthorized {
                        method: "publish",
                        ..
                    }
                ),
                "{error:?}"
            );
        }
    }
    Ok(())
}
