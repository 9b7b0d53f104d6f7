//! Calls that are repeated although something came between the attempts, or by servers that ignore keys.

use centrifugo_api::{
    BroadcastRequest, ClientBuilder, Coalescing, Error, InvalidateUserTokensRequest,
    InvalidateUserTokensResult, MapPublishRequest, MapRemoveRequest, PublishRequest,
};
use centrifugo_api_testing::{Fault, MapOptions, Namespace, Server};

use crate::{Outcome, both_transports, called, published, quickly};

/// Returns servers with the map channels `map:…`, and clients that generate keys.
fn with_maps() -> Result<[(Server, ClientBuilder); 2], Error> {
    let start = || {
        let namespace = Namespace::new("map").map(MapOptions::persistent());
        Server::builder().namespace(namespace).start()
    };
    let http = start()?;
    let grpc = start()?;
    let builders = [http.client_builder(), grpc.grpc_client_builder()];
    let [first, second] = builders.map(|builder| builder.retry(quickly().idempotency_keys()));
    Ok([(http, first), (grpc, second)])
}

#[tokio::test]
async fn channel_that_is_named_twice_gets_both_publications() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.retry(quickly().idempotency_keys()).build()?;
        let twice = || BroadcastRequest::new(["a", "b", "a"], "1");
        client.broadcast(twice()).await?.all_ok()?;
        assert_eq!(published(&client, "a").await?, 2);
        let (result,) = client.batch((twice(),)).await?;
        result?.all_ok()?;
        assert_eq!(published(&client, "a").await?, 4);
        called(&server);
        // Without a key, it is not repeated.
        server.fail_next(1, Fault::close_after())?;
        let error = client.broadcast(twice()).await.unwrap_err();
        assert_eq!(error.idempotency_key(), None);
        assert_eq!(called(&server), ["broadcast"]);
    }
    Ok(())
}

fn lock(key: &str) -> MapPublishRequest {
    MapPublishRequest::new("map:locks", "1")
        .key(key)
        .key_mode("if_new")
}

/// The first attempt takes the lock, but its reply is lost.
#[tokio::test]
async fn lock_that_an_earlier_attempt_took_is_not_taken_for_lost() -> Outcome {
    for (server, builder) in with_maps()? {
        let client = builder.build()?;
        let lose_reply = || server.fail_next(1, Fault::close_after());
        lose_reply()?;
        let alone = client.map_publish(lock("alone")).await?;
        lose_reply()?;
        let shared = client.coalescing(Coalescing::default());
        let coalesced = shared.map_publish(lock("shared")).await?;
        lose_reply()?;
        let mut batch = client
            .batch(vec![lock("first"), lock("second")])
            .await?
            .all_ok()?;
        lose_reply()?;
        let (third, fourth) = client.batch((lock("third"), lock("fourth"))).await?;
        batch.extend([alone, coalesced, third?, fourth?]);
        for result in batch {
            assert!(!result.suppressed, "{result:?}");
            assert_eq!(result.suppress_reason, "");
            assert!(result.offset > 0);
        }
        lose_reply()?;
        let removed = client
            .map_remove(MapRemoveRequest::new("map:locks").key("alone"))
            .await?;
        assert!(!removed.suppressed, "{removed:?}");
        // Somebody else has the lock.
        let other = client.map_publish(lock("first")).await?;
        assert_eq!(other.suppress_reason, "key_exists");
        // A key of the caller's own may have been used before this call.
        lose_reply()?;
        let own = client
            .map_publish(lock("own").idempotency_key("own"))
            .await?;
        assert_eq!(
            (own.suppressed, &*own.suppress_reason),
            (true, "idempotency")
        );
    }
    Ok(())
}

#[tokio::test]
async fn key_does_not_make_calls_repeatable_on_servers_that_ignore_it() -> Outcome {
    let keyed = || PublishRequest::new("news", "1").idempotency_key("key");
    for version in ["5.1", "v5.1.2", "5.2"] {
        for (server, builder) in both_transports()? {
            let client = builder.server_version(version).build()?;
            server.fail_next(1, Fault::close_after())?;
            let outcome = client.publish(keyed()).await;
            let attempts = if version == "5.2" { 2 } else { 1 };
            assert_eq!(called(&server).len(), attempts, "{version}");
            assert_eq!(outcome.is_ok(), attempts == 2, "{version}");

            server.fail_next(1, Fault::close_after())?;
            let generating = client.with_retry(quickly().idempotency_keys());
            let batch = vec![PublishRequest::new("other", "1"), keyed()];
            let outcome = generating.batch(batch).await;
            assert_eq!(called(&server).len(), attempts, "{version}");
            if let Err(error) = outcome {
                assert_eq!(error.idempotency_keys(), [None, Some("key")]);
            }
            // What only reads is repeated all the same.
            server.fail_next(1, Fault::close_after())?;
            client.info(Default::default()).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn key_does_not_make_legacy_commands_repeatable() -> Outcome {
    let keyed = || PublishRequest::new("news", "1").idempotency_key("key");
    for version in [None, Some("6.9")] {
        let server = Server::start()?;
        let mut builder = server.client_builder().legacy_commands().retry(quickly());
        if let Some(version) = version {
            builder = builder.server_version(version);
        }
        let client = builder.build()?;
        server.fail_next(1, Fault::close_after())?;
        let outcome = client.publish(keyed()).await;
        let attempts = if version.is_some() { 2 } else { 1 };
        assert_eq!(called(&server).len(), attempts, "{version:?}");
        assert_eq!(outcome.is_ok(), attempts == 2, "{version:?}");
    }
    Ok(())
}

#[test]
fn version_that_is_none_is_refused() -> Outcome {
    for version in ["", "five", "5", "5.x"] {
        let builder = centrifugo_api::Client::builder("http://localhost:8000/api");
        let error = builder.server_version(version).build().unwrap_err();
        assert!(error.to_string().contains("server_version"), "{error}");
    }
    Ok(())
}

/// Without a time it means all tokens up to now: those of the next attempt would be more.
#[tokio::test]
async fn tokens_are_invalidated_again_only_up_to_a_given_time() -> Outcome {
    for (server, builder) in both_transports()? {
        server.on(|_: InvalidateUserTokensRequest| Ok(InvalidateUserTokensResult::default()));
        let client = builder.build()?;
        let request = InvalidateUserTokensRequest::new("alice");
        server.fail_next(1, Fault::close_after())?;
        assert!(
            client
                .invalidate_user_tokens(request.clone())
                .await
                .is_err()
        );
        server.fail_next(1, Fault::close_after())?;
        client
            .invalidate_user_tokens(request.issued_before(1))
            .await?;
        assert_eq!(called(&server).len(), 3);
    }
    Ok(())
}
