//! Errors and outcomes tell the idempotency keys, so that the caller can repeat exactly what was tried.

use centrifugo_api::{
    ApiError, BatchRequest, BroadcastRequest, Client, ClientBuilder, Coalescing, Command, Error,
    PresenceRequest, PublishRequest, Retry, Status,
};
use centrifugo_api_testing::{Fault, Server};

use crate::{Outcome, both_transports, published, quickly};

/// Returns clients that give each call keys, and make one attempt.
fn with_keys() -> Result<[(Server, ClientBuilder); 2], Error> {
    let retry = || Retry::none().idempotency_keys();
    Ok(both_transports()?.map(|(server, builder)| (server, builder.retry(retry()))))
}

fn batch(count: usize) -> Vec<PublishRequest> {
    let mut requests: Vec<_> = (0..count)
        .map(|number| PublishRequest::new(format!("channel-{number}"), "1"))
        .collect();
    requests[1].idempotency_key = "own".to_owned();
    requests
}

/// Gives each command the key that an error told for it.
fn with_told_keys(mut batch: Vec<PublishRequest>, error: &Error) -> Vec<PublishRequest> {
    let keys = error.idempotency_keys();
    assert_eq!(keys.len(), batch.len(), "{error}");
    for (command, key) in batch.iter_mut().zip(keys) {
        command.idempotency_key = key.expect("each command has a key").to_owned();
    }
    batch
}

async fn assert_published_once(client: &Client, batch: &[PublishRequest]) -> Outcome {
    for command in batch {
        let channel = &command.channel;
        assert_eq!(published(client, channel).await?, 1, "{channel}");
    }
    Ok(())
}

#[tokio::test]
async fn failed_batch_is_repeated_with_told_keys() -> Outcome {
    for (server, builder) in with_keys()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::close_after())?;
        let error = client.batch(batch(3)).await.unwrap_err();
        assert_eq!(error.idempotency_key(), None);
        let again = with_told_keys(batch(3), &error);
        assert_eq!(again[1].idempotency_key, "own");
        // The reply to the second attempt cannot be read.
        server.fail_next(1, Fault::garbage())?;
        let error = client.batch(again).await.unwrap_err();
        let again = with_told_keys(batch(3), &error);
        client.batch(again).await?.all_ok()?;
        assert_published_once(&client, &batch(3)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn failed_batch_of_several_types_tells_key_of_each_command() -> Outcome {
    for (server, builder) in with_keys()? {
        let client = builder.build()?;
        let first = PublishRequest::new("a", "1");
        let second = BroadcastRequest::new(["b", "c"], "1");
        let batch = (first.clone(), PresenceRequest::new("a"), second.clone());
        server.fail_next(1, Fault::close_after())?;
        let error = client.batch(batch).await.unwrap_err();
        let keys = error.idempotency_keys();
        let [Some(first_key), None, Some(second_key)] = keys[..] else {
            panic!("{keys:?}");
        };
        let first = first.idempotency_key(first_key);
        let second = second.idempotency_key(second_key);
        let (first, second) = client.batch((first, second)).await?;
        assert_eq!((first?.offset, second?.all_ok()?.len()), (1, 2));
        for channel in ["a", "b", "c"] {
            assert_eq!(published(&client, channel).await?, 1, "{channel}");
        }
    }
    Ok(())
}

/// The first requests ran, and the last one did too, but its reply was lost.
#[tokio::test]
async fn split_batch_is_repeated_with_told_keys() -> Outcome {
    for (server, builder) in with_keys()? {
        let client = builder.split_above(2000).build()?;
        let batch = batch(100);
        server.fail_next(1, Fault::close_after().channel("channel-99"))?;
        let error = client.batch(batch.clone()).await.unwrap_err();
        assert!(error.to_string().contains("requests had run"), "{error}");
        let again = with_told_keys(batch.clone(), &error);
        client.batch(again).await?.all_ok()?;
        assert_published_once(&client, &batch).await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_error_of_single_call_tells_its_key() -> Outcome {
    for (server, builder) in with_keys()? {
        let client = builder.build()?;
        let failures = [
            vec![Fault::close_after()],
            vec![Fault::garbage()],
            vec![Fault::api_error(ApiError::INTERNAL)],
            vec![
                Fault::status(Status::Http(401)),
                Fault::status(Status::Grpc(16)),
            ],
        ];
        for failure in failures {
            for fault in failure {
                server.fail_always(fault)?;
            }
            for client in [&client, &client.coalescing(Coalescing::default())] {
                let call = client.publish(PublishRequest::new("news", "1"));
                let error = call.await.unwrap_err();
                let key = error.idempotency_key().unwrap_or_default();
                assert_eq!(key.len(), 36, "{error}");
                assert!(error.to_string().contains(key), "{error}");
                assert_eq!(error.idempotency_keys(), [Some(key)]);
            }
            server.clear_faults();
        }
    }
    Ok(())
}

#[tokio::test]
async fn failed_channels_are_repeated_with_told_key() -> Outcome {
    for (server, builder) in with_keys()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::api_error(ApiError::INTERNAL).channel("b"))?;
        let request = || BroadcastRequest::new(["a", "b"], "1");
        let result = client.broadcast(request()).await?;
        let key = result.idempotency_key().ok_or("no key")?.to_owned();
        let failed: Vec<_> = result.failed().collect();
        let [("b", error)] = failed[..] else {
            panic!("{failed:?}");
        };
        assert_eq!(error.idempotency_key(), Some(key.as_str()));
        let error = result.clone().all_ok().unwrap_err();
        assert_eq!(error.idempotency_key(), Some(key.as_str()));
        // All channels, or those that failed: the others are not published twice.
        for channels in [vec!["a", "b"], vec!["b"]] {
            let again = BroadcastRequest::new(channels, "1").idempotency_key(&*key);
            client.broadcast(again).await?.all_ok()?;
        }
        for channel in ["a", "b"] {
            assert_eq!(published(&client, channel).await?, 1, "{channel}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn failed_outcome_of_batch_tells_its_key() -> Outcome {
    for (server, builder) in with_keys()? {
        let client = builder.build()?;
        let commands: Vec<Command> = batch(3).into_iter().map(Into::into).collect();
        let fault = || Fault::api_error(ApiError::INTERNAL).channel("channel-2");
        server.fail_next(1, fault())?;
        let typed = client.batch(batch(3)).await?;
        server.fail_next(1, fault())?;
        let dynamic = client.batch(commands).await?;
        server.fail_next(1, fault())?;
        let tuple = (batch(2).remove(0), PublishRequest::new("channel-2", "1"));
        let (_, of_tuple) = client.batch(tuple).await?;
        let errors = [
            typed.failed().next().map(|(_, error)| error.clone()),
            dynamic.failed().next().map(|(_, error)| error.clone()),
            of_tuple.err(),
        ];
        for (error, position) in errors.into_iter().zip([2, 2, 1]) {
            let error = error.ok_or("no command failed")?;
            let key = error.idempotency_key().ok_or("no key")?;
            assert!(key.ends_with(&format!("-{position}")), "{key}");
        }
        // In the error of all failed commands too.
        server.fail_next(1, fault())?;
        let error = client.batch(batch(3)).await?.all_ok().unwrap_err();
        let keys = error.idempotency_keys();
        assert!(matches!(keys[..], [Some(_)]), "{keys:?}");
    }
    Ok(())
}

/// A broadcast in a batch may fail in some of its channels although its command succeeds.
#[tokio::test]
async fn outcomes_of_batch_tell_keys_of_all_commands() -> Outcome {
    let own = PublishRequest::new("a", "1").idempotency_key("own");
    let commands = [
        Command::from(own),
        PresenceRequest::new("a").into(),
        BroadcastRequest::new(["b", "failing"], "1").into(),
        PublishRequest::new("failing", "2").into(),
    ];
    let raw = || BatchRequest::new(commands.clone());
    // One request for the batch, and several.
    for limit in [10_000, 100] {
        for (server, builder) in with_keys()? {
            let client = builder.split_above(limit).build()?;
            for way in ["batch", "call", "commands"] {
                server.fail_always(Fault::api_error(ApiError::INTERNAL).channel("failing"))?;
                let outcomes = match way {
                    "batch" => client.batch(raw()).await?,
                    "call" => client.call(raw()).await?,
                    _ => client.batch(commands.to_vec()).await?,
                };
                server.clear_faults();
                let keys = outcomes.idempotency_keys();
                let [Some("own"), None, Some(second), Some(third)] = keys[..] else {
                    panic!("{way}: {keys:?}");
                };
                let (_, error) = outcomes.failed().next().ok_or("no command failed")?;
                let facts = (error.method(), error.channel(), error.idempotency_key());
                assert_eq!(facts, (Some("publish"), Some("failing"), Some(third)));
                let before = published(&client, "b").await?;
                let again = BroadcastRequest::new(["b", "failing"], "1").idempotency_key(second);
                client.broadcast(again).await?.all_ok()?;
                assert_eq!(published(&client, "b").await?, before, "{way}");
            }
        }
    }
    Ok(())
}

/// Retries of the client itself use the keys that it tells.
#[tokio::test]
async fn retried_batch_tells_keys_of_its_commands() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.retry(quickly().idempotency_keys()).build()?;
        let batch = batch(3);
        server.fail_always(Fault::close_after())?;
        let error = client.batch(batch.clone()).await.unwrap_err();
        assert_eq!(error.attempts(), 3);
        server.clear_faults();
        let again = with_told_keys(batch.clone(), &error);
        client.batch(again).await?.all_ok()?;
        assert_published_once(&client, &batch).await?;
    }
    Ok(())
}
