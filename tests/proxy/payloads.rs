//! Payloads of any bytes, for clients whose protocol carries them, and the newest publication for those who subscribe.

use centrifugo_api::{PublishRequest, binary};
use centrifugo_proxy::{
    ConnectReply, EventKind, PublishReply, RpcReply, SubscribeReply, SubscriptionOptions,
};

use crate::Outcome;
use crate::harness::{
    Case, Client, Column, Connecting, Environment, Event, Row, Subscribing, play,
};

in_each_column!(bytes_arrive_as_they_are, newest_publication_is_sent);

/// Bytes that are neither JSON nor text.
const BYTES: &[u8] = b"\xff\x00";

/// The same as the tables write them.
const SHOWN: &str = r"\xff\x00";

async fn bytes_arrive_as_they_are(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let connect = ConnectReply::user("42")
        .data(binary(BYTES))
        .info(binary(BYTES));
    case.answer(EventKind::Connect, [connect.into()]);
    let subscribe = SubscribeReply::allow().data(binary(BYTES));
    case.answer(EventKind::Subscribe, [subscribe.into()]);
    let publish = PublishReply::allow().data(binary(BYTES));
    case.answer(EventKind::Publish, [publish.into()]);
    let rpc = RpcReply::new(binary(BYTES));
    case.answer(EventKind::Rpc, [rpc.into()]);
    let connecting = Connecting {
        is_protobuf: true,
        ..Connecting::default()
    };
    let mut client = case.connect_with(connecting);
    assert_eq!(next(&mut client).await, format!("connected with {SHOWN}"));
    let channel = case.channel("binary");
    let subscribing = Subscribing {
        data: BYTES,
        ..Subscribing::default()
    };
    client.subscribe_with(&channel, subscribing);
    let subscribed = format!("subscribed to {channel} with {SHOWN}");
    assert_eq!(next(&mut client).await, subscribed);
    let published = client.publish(&channel, b"client".as_slice()).await;
    assert_eq!(published.to_string(), "replied");
    let publication = format!("publication {SHOWN}, by 42 of the connection {SHOWN}");
    assert_eq!(next(&mut client).await, publication);
    let replied = client.rpc("rpc_binary:method", BYTES).await;
    assert_eq!(replied.to_string(), format!("replied with {SHOWN}"));
    Ok(())
}

const COMPRESSION: &[(&str, &str)] = &[("CENTRIFUGO_RPC_PROXY_GRPC_COMPRESSION", "true")];

#[tokio::test]
#[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
async fn compressed_requests_are_answered() -> Outcome {
    let environment = Environment::of_own(Column::Grpc, COMPRESSION).await?;
    let case = environment.case();
    let rpc = RpcReply::new(r#"{"a":1}"#);
    case.answer(EventKind::Rpc, [rpc.into()]);
    let client = case.connected().await;
    let replied = client.rpc("rpc:method", r#"{"in":1}"#).await;
    assert_eq!(replied.to_string(), r#"replied with {"a":1}"#);
    Ok(())
}

async fn next(client: &mut Client) -> String {
    client.next().await.to_string()
}

pub(crate) const CACHED: &[Row<fn() -> SubscriptionOptions>] = &[
    Row {
        name: "no cache_recover",
        answer: SubscriptionOptions::new,
        seen: &["subscribed to cache:CASE, recoverable, positioned"],
    },
    Row {
        name: "cache_recover",
        answer: || SubscriptionOptions::new().cache_recover(true),
        seen: &[
            "subscribed to cache:CASE, recoverable, positioned",
            r#"publication "newest" at 1"#,
        ],
    },
    Row {
        name: "cache_recover without force_recovery",
        answer: || {
            let options = SubscriptionOptions::new().cache_recover(true);
            options.force_recovery(false)
        },
        seen: &["subscribed to cache:CASE"],
    },
];

async fn newest_publication_is_sent(column: Column) -> Outcome {
    play(column, CACHED, connect_to_cache).await
}

async fn connect_to_cache(case: &Case, options: &fn() -> SubscriptionOptions) -> Vec<String> {
    let channel = case.channel("cache");
    let newest = PublishRequest::new(&channel, r#""newest""#);
    let published = case.api().publish(newest).await;
    published.expect("the server publishes");
    let reply = ConnectReply::user("42").subscription(&channel, options());
    case.answer(EventKind::Connect, [reply.into()]);
    let mut client = case.connected().await;
    case.publish_end(&channel).await;
    let events = client.until_end().await;
    events.iter().map(Event::to_string).collect()
}
