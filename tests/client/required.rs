//! Required fields: a request that lacks one is refused before anything is sent.

use centrifugo_api::*;

use crate::server::Backend;
use crate::{Outcome, failure, start, unused};

/// Checks that a call was refused because its request lacks the field at `path`.
#[track_caller]
fn assert_lacks<T: std::fmt::Debug>(result: Result<T, Error>, method: &str, path: &str) {
    let error = failure(result);
    let Error::InvalidRequest(refusal) = &error else {
        panic!("{method}: {error:?}")
    };
    assert_eq!(refusal.field(), Some(path), "{error}");
    assert_eq!(error.method(), Some(method), "{error}");
    assert_eq!(error.api_code(), Some(ApiError::BAD_REQUEST), "{error}");
    assert!(error.is_unsent() && !error.is_retryable(), "{error}");
    assert_eq!(
        error.to_string(),
        format!("{method}: `{path}` is not set, and Centrifugo requires it; nothing was sent")
    );
}

fn no_channel() -> PublishRequest {
    PublishRequest::new("", "1")
}

fn complete() -> PublishRequest {
    PublishRequest::new("news", "1")
}

#[tokio::test]
async fn call_without_a_required_field_is_not_sent() -> Outcome {
    let (fake, clients) = unused()?;
    for client in clients {
        macro_rules! assert_each_lacks {
            ($($method:ident($request:expr): $field:literal,)+) => {
                $(assert_lacks(client.call($request).await, stringify!($method), $field);)+
            };
        }
        let nowhere = Vec::<String>::new();
        let poll = |version, key| SharedPollPublishRequest::new("poll", "1", version).key(key);
        assert_each_lacks! {
            publish(no_channel()): "channel",
            broadcast(BroadcastRequest::new(&nowhere, "1")): "channels",
            subscribe(SubscribeRequest::new("").user("alice")): "channel",
            presence(PresenceRequest::new("")): "channel",
            presence_stats(PresenceStatsRequest::new("")): "channel",
            history(HistoryRequest::new("")): "channel",
            history_remove(HistoryRemoveRequest::new("")): "channel",
            rpc(RpcRequest::new("")): "method",
            map_publish(MapPublishRequest::new("", "1").key("key")): "channel",
            map_publish(MapPublishRequest::new("map", "1")): "key",
            map_remove(MapRemoveRequest::new("").key("key")): "channel",
            map_remove(MapRemoveRequest::new("map")): "key",
            map_read_state(MapReadStateRequest::new("")): "channel",
            map_read_stream(MapReadStreamRequest::new("")): "channel",
            map_stats(MapStatsRequest::new("")): "channel",
            map_clear(MapClearRequest::new("")): "channel",
            shared_poll_publish(SharedPollPublishRequest::new("", "1", 1).key("key")): "channel",
            shared_poll_publish(poll(1, "")): "key",
            shared_poll_publish(poll(0, "key")): "version",
        }
        assert_lacks(client.publish(no_channel()).await, "publish", "channel");
        let broadcast = BroadcastRequest::new(&nowhere, "1");
        assert_lacks(client.broadcast(broadcast).await, "broadcast", "channels");
    }
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn batch_with_an_incomplete_command_is_not_sent() -> Outcome {
    const PATH: &str = "commands[1].publish.channel";
    let (fake, clients) = unused()?;
    for client in clients {
        let two = || vec![complete(), no_channel()];
        assert_lacks(
            client.batch((complete(), no_channel())).await,
            "batch",
            PATH,
        );
        assert_lacks(client.batch(two()).await, "batch", PATH);
        assert_lacks(
            client.batch([complete(), no_channel()]).await,
            "batch",
            PATH,
        );
        assert_lacks(client.batch(Parallel(two())).await, "batch", PATH);
        assert_lacks(client.batch(BatchRequest::new(two())).await, "batch", PATH);
        let commands: Vec<_> = two().into_iter().map(Command::from).collect();
        assert_lacks(client.batch(commands).await, "batch", PATH);
        let broadcast = BroadcastRequest::new(Vec::<String>::new(), "1");
        assert_lacks(
            client.batch((broadcast.clone(), complete())).await,
            "batch",
            "commands[0].broadcast.channels",
        );
        assert_lacks(
            client.batch(vec![broadcast]).await,
            "batch",
            "commands[0].broadcast.channels",
        );
    }
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn incomplete_request_of_a_command_with_two_is_named() -> Outcome {
    let (fake, clients) = unused()?;
    for client in clients {
        let command = Command::from(complete()).history(HistoryRequest::new(""));
        assert_lacks(
            client.batch(vec![command]).await,
            "batch",
            "commands[0].history.channel",
        );
    }
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn nothing_of_a_split_batch_is_sent_if_a_command_is_incomplete() -> Outcome {
    let (fake, _) = unused()?;
    let urls = [
        (fake.url(), cfg!(feature = "_http")),
        (format!("grpc://{}", fake.address()), cfg!(feature = "grpc")),
    ];
    for (url, _) in urls.into_iter().filter(|(_, compiled)| *compiled) {
        let client = Client::builder(url).split_above(100).build()?;
        let mut requests = vec![complete(); 49];
        requests.push(no_channel());
        assert_lacks(
            client.batch(requests).await,
            "batch",
            "commands[49].publish.channel",
        );
    }
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn incomplete_call_does_not_share_a_batch() -> Outcome {
    let (fake, clients) = unused()?;
    for client in clients {
        let client = client.coalescing(Coalescing::default());
        assert_lacks(client.publish(no_channel()).await, "publish", "channel");
    }
    assert_eq!(fake.connections(), 0);
    Ok(())
}

#[test]
fn incomplete_request_is_no_command_of_a_consumer() {
    assert_lacks(ConsumerCommand::new(&no_channel()), "publish", "channel");
}

#[tokio::test]
async fn fields_that_a_server_may_do_without_are_not_required() -> Outcome {
    use crate::server::Transport;

    let transports = [
        (Transport::Http, cfg!(feature = "_http")),
        (Transport::Grpc, cfg!(feature = "grpc")),
    ];
    for (transport, _) in transports.into_iter().filter(|(_, compiled)| *compiled) {
        let env = start(Backend::Embedded, transport).await;
        let client = env.client;
        client.unsubscribe(UnsubscribeRequest::default()).await?;
        client.disconnect(DisconnectRequest::default()).await?;
        client.refresh(RefreshRequest::default()).await?;
        client.channels(ChannelsRequest::default()).await?;
        client.info(InfoRequest::default()).await?;
        client
            .subscribe(SubscribeRequest::new("plain:a").anonymous())
            .await?;
        client.publish(PublishRequest::new("bin:a", "")).await?;
        let result = client
            .broadcast(BroadcastRequest::new(["plain:a", ""], "1"))
            .await?;
        let failed: Vec<_> = result
            .failed()
            .map(|(channel, error)| (channel, error.code))
            .collect();
        assert_eq!(failed, [("", ApiError::BAD_REQUEST)]);
    }
    Ok(())
}
