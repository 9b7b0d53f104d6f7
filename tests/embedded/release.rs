//! The behaviour of another release of Centrifugo: what changed from 6.9 to 6.10.

use centrifugo_api::{
    ApiError, BroadcastRequest, Error, HistoryRequest, InfoRequest, MapPublishRequest,
    PublishRequest, Retry, SharedPollPublishRequest, StreamPosition, SubscribeRequest,
    UnsubscribeRequest,
};
use centrifugo_api_testing::{DataFormat, Fault, MapOptions, Namespace, Release, Server};

use crate::{Outcome, clients, published};

/// Returns a server of each release, with the error that it has where 6.10 refuses a request.
fn servers() -> Result<[(Release, Server, u32); 2], Error> {
    let start = |release| {
        Server::builder()
            .release(release)
            .namespace(
                Namespace::new("")
                    .history_size(10)
                    .history_ttl(std::time::Duration::from_secs(60)),
            )
            .namespace(Namespace::new("json").data_format(DataFormat::Json))
            .namespace(Namespace::new("any").data_format(DataFormat::Binary))
            .namespace(
                Namespace::new("map")
                    .data_format(DataFormat::JsonObject)
                    .map(MapOptions::persistent()),
            )
            .namespace(Namespace::new("free").map(MapOptions::persistent()))
            .namespace(
                Namespace::new("poll")
                    .data_format(DataFormat::JsonObject)
                    .shared_poll(true),
            )
            .start()
    };
    Ok([
        (Release::V6_9, start(Release::V6_9)?, ApiError::INTERNAL),
        (
            Release::V6_10,
            start(Release::V6_10)?,
            ApiError::BAD_REQUEST,
        ),
    ])
}

fn code<T>(outcome: Result<T, Error>) -> Option<u32> {
    outcome
        .err()
        .map(|error| error.api_code().unwrap_or_default())
}

#[test]
fn release_is_6_9_by_default() {
    assert_eq!(Release::default(), Release::V6_9);
}

#[tokio::test]
async fn info_names_release() -> Outcome {
    for (release, server, _) in servers()? {
        let info = server.client().info(InfoRequest::new()).await?;
        let expected = match release {
            Release::V6_9 => "6.9.1 OSS",
            _ => "6.10.0 OSS",
        };
        assert_eq!(info.nodes[0].version, expected);
    }
    Ok(())
}

#[tokio::test]
async fn temporary_errors_say_so_since_6_10() -> Outcome {
    for (release, server, _) in servers()? {
        let is_said = release == Release::V6_10;
        for (transport, client) in clients(&server) {
            for (code, is_temporary) in [
                (ApiError::INTERNAL, true),
                (ApiError::TOO_MANY_REQUESTS, true),
                (ApiError::NOT_AVAILABLE, false),
            ] {
                server.fail_next(1, Fault::api_error(code).method("publish"))?;
                let error = api_error(client.publish(PublishRequest::new("news", "1")).await)?;
                let expected = is_said && is_temporary;
                assert_eq!(error.temporary, expected, "{release:?} {transport} {code}");
            }
            let error = api_error(client.history(HistoryRequest::new("json:1")).await)?;
            assert!(!error.temporary);
        }
    }
    Ok(())
}

#[tokio::test]
async fn temporary_errors_of_parts_say_so_since_6_10() -> Outcome {
    for (release, server, _) in servers()? {
        for client in [server.client(), server.grpc_client()].map(|c| c.with_retry(Retry::none())) {
            let fault = Fault::api_error(ApiError::INTERNAL).channel("news");
            server.fail_next(2, fault)?;
            let broadcast = client
                .broadcast(BroadcastRequest::new(["news"], "1"))
                .await?;
            let (_, error) = broadcast.failed().next().ok_or("nothing failed")?;
            assert_eq!(error.temporary, release == Release::V6_10);
            let batch = client.batch((PublishRequest::new("news", "1"),)).await?;
            let error = batch.0.err().ok_or("it succeeded")?;
            assert_eq!(error.temporary, release == Release::V6_10);
        }
    }
    Ok(())
}

fn api_error<T>(outcome: Result<T, Error>) -> Result<ApiError, Box<dyn std::error::Error>> {
    match outcome {
        Err(Error::Api(error)) => Ok(error),
        Err(error) => Err(error.into()),
        Ok(_) => Err("it succeeded".into()),
    }
}

#[tokio::test]
async fn requests_that_never_succeed_are_bad_requests_since_6_10() -> Outcome {
    for (release, server, refusal) in servers()? {
        for (transport, client) in clients(&server) {
            let alice = server.connect("alice");
            alice.subscribe("news")?;
            let again = SubscribeRequest::new("news").user("alice");
            let expired = SubscribeRequest::new("other").user("alice").expire_at(1);
            let start = StreamPosition::new(0, "");
            let backwards = HistoryRequest::new("news").since(start).reverse(true);
            for (what, outcome) in [
                ("again", code(client.subscribe(again).await)),
                ("expired", code(client.subscribe(expired).await)),
                ("backwards", code(client.history(backwards).await)),
            ] {
                assert_eq!(outcome, Some(refusal), "{release:?} {transport} {what}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn unsubscribe_needs_channel_since_6_10() -> Outcome {
    for (release, server, _) in servers()? {
        let expected = (release == Release::V6_10).then_some(ApiError::BAD_REQUEST);
        for (transport, client) in clients(&server) {
            let request = UnsubscribeRequest::new("").user("alice");
            let outcome = code(client.unsubscribe(request).await);
            assert_eq!(outcome, expected, "{release:?} {transport}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn data_of_broadcast_is_checked_before_any_channel_since_6_10() -> Outcome {
    for (release, server, _) in servers()? {
        for client in [server.client(), server.grpc_client()] {
            // Nothing, and `{`.
            for (channels, base64) in [(["news", "any:1"], ""), (["news", "json:1"], "ew==")] {
                let request = BroadcastRequest::new(channels, "").b64data(base64);
                let outcome = client.broadcast(request).await;
                match release {
                    Release::V6_9 => assert_eq!(outcome?.failed().count(), 1),
                    _ => assert_eq!(code(outcome), Some(ApiError::BAD_REQUEST)),
                }
            }
            let request = BroadcastRequest::new(["news", "none:1"], "1");
            assert_eq!(client.broadcast(request).await?.failed().count(), 1);
        }
        let published = published(&server.grpc_client(), "news").await?;
        let expected: &[&str] = match release {
            Release::V6_9 => &["{", "1", "{", "1"],
            _ => &["1", "1"],
        };
        assert_eq!(published, expected);
    }
    Ok(())
}

#[tokio::test]
async fn values_have_declared_format_since_6_10() -> Outcome {
    for (release, server, _) in servers()? {
        let expected = (release == Release::V6_10).then_some(ApiError::BAD_REQUEST);
        for (transport, client) in clients(&server) {
            let map = MapPublishRequest::new("map:1", "1").key("key");
            let poll = SharedPollPublishRequest::new("poll:1", "1", 1).key("key");
            let label = format!("{release:?} {transport}");
            assert_eq!(code(client.map_publish(map).await), expected, "{label}");
            assert_eq!(
                code(client.shared_poll_publish(poll).await),
                expected,
                "{label}"
            );
            let object = MapPublishRequest::new("map:1", "{}").key("key");
            client.map_publish(object).await?;
            let empty = MapPublishRequest::new("free:1", "").key("key");
            client.map_publish(empty).await?;
        }
    }
    Ok(())
}
