//! Differences instead of whole payloads, for clients that ask for them: `Publish`, `MapPublish` and `SharedPollRefresh`.

use centrifugo_proxy::{
    EventKind, MapPublishReply, PublishReply, SharedPollItem, SharedPollRefreshReply,
};
use serde_json::{Value, json};

use crate::Outcome;
use crate::harness::{Column, RawClient, Row, play};
use crate::shared_polls;

on_real_servers!(
    publications_that_differ,
    keys_of_maps_that_differ,
    polled_keys_that_differ,
);

/// Two payloads that are long enough for a difference.
const BEFORE: &str = r#""the same text for both of them, and 1""#;
const AFTER: &str = r#""the same text for both of them, and 2""#;

pub(crate) const PUBLICATIONS: &[Row<fn() -> PublishReply>] = &[
    Row {
        name: "delta",
        answer: || PublishReply::allow().delta(true),
        seen: &["the whole", "a difference"],
    },
    Row {
        name: "no delta",
        answer: PublishReply::allow,
        seen: &["the whole", "the whole"],
    },
];

async fn publications_that_differ(column: Column) -> Outcome {
    play(column, PUBLICATIONS, async |case, reply| {
        case.answer(EventKind::Publish, [reply().into()]);
        let channel = case.channel("publish");
        let (mut client, _) = case.raw().await;
        let subscribe = json!({"channel": &channel, "delta": "fossil", "positioned": true});
        client.expect("subscribe", subscribe).await;
        for data in [BEFORE, AFTER] {
            let publish = json!({"channel": &channel, "data": as_json(data)});
            client.expect("publish", publish).await;
        }
        two_pushes(&mut client).await
    })
    .await
}

pub(crate) const MAPS: &[Row<fn() -> MapPublishReply>] = &[
    Row {
        name: "delta",
        answer: || MapPublishReply::allow().delta(true),
        seen: &["the whole", "a difference"],
    },
    Row {
        name: "no delta",
        answer: MapPublishReply::allow,
        seen: &["the whole", "the whole"],
    },
];

async fn keys_of_maps_that_differ(column: Column) -> Outcome {
    play(column, MAPS, async |case, reply| {
        case.answer(EventKind::MapPublish, [reply().into()]);
        let channel = case.channel("map");
        let (mut client, _) = case.raw().await;
        let subscribe = json!({"channel": &channel, "type": 1, "phase": 2, "delta": "fossil"});
        client.expect("subscribe", subscribe).await;
        for data in [BEFORE, AFTER] {
            let set = json!({"channel": &channel, "type": 1, "key": "k", "data": as_json(data)});
            // Error 107: see the table of maps.
            let _ = client.call("publish", set).await;
        }
        two_pushes(&mut client).await
    })
    .await
}

pub(crate) const POLLED: &[Row<fn() -> SharedPollItem>] = &[
    Row {
        name: "data of the version before",
        answer: || SharedPollItem::new("k", 2, AFTER).previous(BEFORE),
        seen: &["the whole", "a difference"],
    },
    Row {
        name: "no data of the version before",
        answer: || SharedPollItem::new("k", 2, AFTER),
        seen: &["the whole", "the whole"],
    },
];

async fn polled_keys_that_differ(column: Column) -> Outcome {
    play(column, POLLED, async |case, item| {
        let first = SharedPollItem::new("k", 1, BEFORE);
        case.answer(
            EventKind::SharedPollRefresh,
            [first, item()].map(|item| SharedPollRefreshReply::new().item(item).into()),
        );
        let channel = case.channel("poll");
        let subscribe = json!({"channel": &channel, "type": 4, "delta": "fossil"});
        let mut client = shared_polls::track(case, &channel, subscribe).await;
        two_pushes(&mut client).await
    })
    .await
}

fn as_json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

async fn two_pushes(client: &mut RawClient) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let push = client
            .push()
            .await
            .unwrap_or_else(|event| panic!("{event}"));
        let is_delta = push["pub"]["delta"] == true;
        let whole = if is_delta {
            "a difference"
        } else {
            "the whole"
        };
        seen.push(whole.to_owned());
    }
    seen
}
