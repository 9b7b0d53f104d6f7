//! Behaviours on real servers and on the embedded one.

use centrifugo_api::*;
use serde_json::{Value, json};

use crate::server::{Backend, Server, Transport, Version};
use crate::{Outcome, code, failure};

struct Env {
    server: Server,
    client: Client,
}

async fn start(backend: Backend) -> Result<Env, Error> {
    let server = Server::start(backend).await;
    let client = server
        .client_builder(Transport::Http)
        .legacy_commands()
        .build()?;
    Ok(Env { server, client })
}

/// Makes a test of each behaviour on each server, `BEHAVIOUR::SERVER`, or on all but 3.2.3.
macro_rules! on_each_server {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            on_each_server!(@today $name);

            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn centrifugo_3_2_3() -> crate::Outcome {
                use crate::server::{Backend, Version};
                super::$name(super::start(Backend::Real(Version::V3)).await?).await
            }
        }
    )+};
    (but_3_2_3: $name:ident) => {
        mod $name {
            on_each_server!(@today $name);
        }
    };
    (@today $name:ident) => {
        #[tokio::test]
        async fn embedded() -> crate::Outcome {
            super::$name(super::start(crate::server::Backend::Embedded).await?).await
        }

        #[tokio::test]
        #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
        async fn centrifugo_6_9_1() -> crate::Outcome {
            use crate::server::{Backend, Version};
            super::$name(super::start(Backend::Real(Version::V6)).await?).await
        }
    };
}

on_each_server!(
    calls_return_their_results,
    calls_without_a_result_succeed,
    errors_of_calls_are_those_of_the_api,
    batch_returns_each_result_with_its_type,
    batch_in_parallel_and_of_10_000_commands,
    pages_follow_one_another,
    wrong_key_is_refused,
    transport_error_mode_changes_nothing,
    calls_by_name,
);
on_each_server!(but_3_2_3: method_of_centrifugo_pro_fails_on_its_own);

async fn calls_return_their_results(env: Env) -> Outcome {
    let client = env.client;
    assert_eq!(
        client
            .publish(PublishRequest::new("plain:a", r#"{"n":1}"#))
            .await?
            .offset,
        1
    );
    // 3.2.3 accepts a binary payload only in a broadcast: its `publish` publishes nothing instead.
    let binary = BroadcastRequest::new(["plain:a"], Payload::default()).binary_data("[2]");
    assert_eq!(client.broadcast(binary).await?.all_ok()?[0].offset, 2);

    let broadcast = client
        .broadcast(BroadcastRequest::new(
            ["plain:b", "unknown:a", "nohist:a"],
            "3",
        ))
        .await?;
    let failed: Vec<_> = broadcast
        .failed()
        .map(|(channel, error)| (channel, error.code))
        .collect();
    assert_eq!(failed, [("unknown:a", 102)]);
    assert_eq!(
        broadcast.into_outcomes()[0]
            .as_ref()
            .map(|result| result.offset),
        Ok(1)
    );

    let history = client
        .history(HistoryRequest::new("plain:a").limit(-1))
        .await?;
    let data: Vec<_> = history
        .publications
        .iter()
        .map(|publication| &publication.data[..])
        .collect();
    assert_eq!(data, [&br#"{"n":1}"#[..], b"[2]"]);
    assert!(
        client
            .presence(PresenceRequest::new("plain:a"))
            .await?
            .presence
            .is_empty()
    );
    assert_eq!(
        client
            .presence_stats(PresenceStatsRequest::new("plain:a"))
            .await?
            .num_clients,
        0
    );
    assert!(
        client
            .channels(ChannelsRequest::new())
            .await?
            .channels
            .is_empty()
    );
    let info = client.info(InfoRequest::new()).await?;
    assert!(
        ["6.9.1 OSS", "3.2.3"].contains(&info.nodes[0].version.as_str()),
        "{info:?}"
    );
    Ok(())
}

/// 3.2.3 answers these calls with `{}`.
async fn calls_without_a_result_succeed(env: Env) -> Outcome {
    let client = env.client;
    client.publish(PublishRequest::new("plain:a", "1")).await?;
    client
        .subscribe(SubscribeRequest::new("plain:a").user("alice"))
        .await?;
    client
        .unsubscribe(UnsubscribeRequest::new("plain:a").user("alice"))
        .await?;
    client.refresh(RefreshRequest::new("alice")).await?;
    client.disconnect(DisconnectRequest::new("alice")).await?;
    client
        .history_remove(HistoryRemoveRequest::new("plain:a"))
        .await?;
    assert!(
        client
            .history(HistoryRequest::new("plain:a").limit(-1))
            .await?
            .publications
            .is_empty()
    );
    let batch = (
        SubscribeRequest::new("plain:a").user("alice"),
        UnsubscribeRequest::new("plain:a").user("alice"),
        RefreshRequest::new("alice"),
        DisconnectRequest::new("alice"),
        HistoryRemoveRequest::new("plain:a"),
    );
    let (subscribe, unsubscribe, refresh, disconnect, history_remove) = client.batch(batch).await?;
    let _: (SubscribeResult, UnsubscribeResult) = (subscribe?, unsubscribe?);
    let _: (RefreshResult, DisconnectResult, HistoryRemoveResult) =
        (refresh?, disconnect?, history_remove?);
    Ok(())
}

async fn errors_of_calls_are_those_of_the_api(env: Env) -> Outcome {
    let client = env.client;
    let codes = [
        failure(client.publish(PublishRequest::new("unknown:a", "1")).await).api_code(),
        failure(client.publish(PublishRequest::new("plain:a", "")).await).api_code(),
        failure(client.presence(PresenceRequest::new("nohist:a")).await).api_code(),
        failure(client.history(HistoryRequest::new("nohist:a")).await).api_code(),
        failure(client.rpc(RpcRequest::new("sum")).await).api_code(),
        failure(
            client
                .broadcast(BroadcastRequest::new(Vec::<String>::new(), "1"))
                .await,
        )
        .api_code(),
    ];
    assert_eq!(codes, [102, 107, 108, 108, 104, 107].map(Some));
    Ok(())
}

async fn batch_returns_each_result_with_its_type(env: Env) -> Outcome {
    let batch = (
        PublishRequest::new("plain:a", "1"),
        PublishRequest::new("unknown:a", "1"),
        BroadcastRequest::new(["plain:b", "unknown:a"], "2"),
        PresenceRequest::new("nohist:a"),
        HistoryRequest::new("plain:a").limit(10),
        RpcRequest::new("sum"),
        ChannelsRequest::new(),
        InfoRequest::new(),
    );
    let (first, second, third, fourth, fifth, sixth, seventh, eighth) =
        env.client.batch(batch).await?;
    assert_eq!((first?.offset, code(second)), (1, 102));
    let failed: Vec<String> = third?
        .failed()
        .map(|(channel, _)| channel.to_owned())
        .collect();
    assert_eq!(failed, ["unknown:a"]);
    assert_eq!(
        (code(fourth), fifth?.publications.len(), code(sixth)),
        (108, 1, 104)
    );
    assert_eq!((seventh?.channels.len(), eighth?.nodes.len()), (0, 1));
    Ok(())
}

async fn batch_in_parallel_and_of_10_000_commands(env: Env) -> Outcome {
    let results = env
        .client
        .batch(Parallel(
            (0..10_000)
                .map(|number: usize| PublishRequest::new(format!("plain:{}", number % 5000), "1"))
                .collect::<Vec<_>>(),
        ))
        .await?;
    let offsets = results
        .into_iter()
        .map(|result| result.map(|result| result.offset));
    let expected = (0..10_000).map(|number| Ok(if number < 5000 { 1 } else { 2 }));
    assert!(offsets.eq(expected));
    Ok(())
}

async fn pages_follow_one_another(env: Env) -> Outcome {
    let client = env.client;
    let _ = client
        .batch(
            (1..=5)
                .map(|n| PublishRequest::new("plain:a", n.to_string()))
                .collect::<Vec<_>>(),
        )
        .await?;
    let mut pages = client.history_pages(HistoryRequest::new("plain:a").limit(2));
    let mut offsets = Vec::new();
    while let Some(page) = pages.next().await {
        let Page::Page(page) = page? else {
            return Err("lost".into());
        };
        offsets.push(
            page.publications
                .iter()
                .map(|publication| publication.offset)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(offsets, [vec![1, 2], vec![3, 4], vec![5]]);

    let mut pages = client
        .history_pages(HistoryRequest::new("plain:a").since(StreamPosition::new(1, "made-up")));
    assert!(matches!(pages.next().await, Some(Ok(Page::Lost(error))) if error.code == 112));
    assert!(pages.next().await.is_none());
    Ok(())
}

async fn wrong_key_is_refused(env: Env) -> Outcome {
    let client = Client::builder(env.server.url(Transport::Http))
        .api_key("wrong")
        .legacy_commands()
        .build()?;
    let error = failure(client.info(InfoRequest::new()).await);
    assert!(
        matches!(
            error,
            Error::Unauthorized {
                status: Status::Http(401),
                ..
            }
        ),
        "{error:?}"
    );
    Ok(())
}

async fn transport_error_mode_changes_nothing(env: Env) -> Outcome {
    let builder = env
        .server
        .client_builder(Transport::Http)
        .legacy_commands()
        .error_mode_transport();
    let client = builder.build()?;
    assert_eq!(
        failure(client.publish(PublishRequest::new("unknown:a", "1")).await).api_code(),
        Some(102)
    );
    let [first, second] = client
        .batch(["unknown:a", "plain:a"].map(|a| PublishRequest::new(a, "1")))
        .await?;
    assert_eq!((code(first), second?.offset), (102, 1));
    Ok(())
}

async fn calls_by_name(env: Env) -> Outcome {
    let published: Value = env
        .client
        .call_raw("publish", &json!({"channel": "plain:a", "data": 1}))
        .await?;
    assert_eq!(published["offset"], 1);
    let error = failure(
        env.client
            .call_raw::<_, Value>("publish", &json!({"channel": "unknown:a", "data": 1}))
            .await,
    );
    assert_eq!(error.api_code(), Some(102));
    let publish = json!({"publish": {"channel": "plain:a", "data": 2}});
    let batch: Value = env
        .client
        .call_raw("batch", &json!({"commands": [publish, {"publish": {}}]}))
        .await?;
    assert_eq!(batch["replies"][0]["publish"]["offset"], 2, "{batch}");
    assert_eq!(batch["replies"][1]["error"]["code"], 107, "{batch}");
    assert_refused_as_unreadable(&failure(
        env.client
            .call_raw::<_, Value>("no_such_method", &json!({}))
            .await,
    ));
    Ok(())
}

/// Checks the error that the server returns for an unknown method.
#[track_caller]
fn assert_refused_as_unreadable(error: &Error) {
    let Error::Transport { status, body, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((*status, body.trim()), (Status::Http(400), "Bad Request"));
    assert!(!error.is_unsent() && !error.is_retryable() && error.api_code().is_none());
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn method_that_3_2_3_lacks_is_refused_with_all_that_comes_after_it() -> Outcome {
    let Env {
        server: _server,
        client,
    } = start(Backend::Real(Version::V3)).await?;
    let lacking = || MapPublishRequest::new("map:a", "1").key("key");
    assert_refused_as_unreadable(&failure(client.map_publish(lacking()).await));

    let batch = (
        PublishRequest::new("plain:a", "1"),
        lacking(),
        PublishRequest::new("plain:a", "2"),
    );
    assert_refused_as_unreadable(&failure(client.batch(batch).await));
    let history = client
        .history(HistoryRequest::new("plain:a").limit(-1))
        .await?;
    let data: Vec<_> = history
        .publications
        .iter()
        .map(|publication| &publication.data[..])
        .collect();
    assert_eq!(data, [b"1"]);
    Ok(())
}

async fn method_of_centrifugo_pro_fails_on_its_own(env: Env) -> Outcome {
    let client = env.client;
    let lacking = || CancelPushRequest::new("push");
    assert_eq!(
        failure(client.cancel_push(lacking()).await).api_code(),
        Some(104)
    );
    let batch = (
        PublishRequest::new("plain:a", "1"),
        lacking(),
        MapPublishRequest::new("map:a", "1").key("key"),
    );
    let (first, second, third) = client.batch(batch).await?;
    assert_eq!((first?.offset, code(second), third?.offset), (1, 104, 1));
    Ok(())
}
