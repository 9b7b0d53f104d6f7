//! Keys that the server polls for all clients: `SharedPollRefresh`.

use std::time::Duration;

use centrifugo_proxy::{EventKind, SharedPollItem, SharedPollRefreshReply};
use centrifugo_token::{Expiry, SharedPollSecret, TrackedKeys};
use serde_json::{Value, json};

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, NO, RawClient, Row, SHARED_POLL_SECRET, garbage, play, raw,
};

in_each_column!(polled_keys, polled_keys_without_versions);

const NOTHING: &[&str] = &[];

fn reply() -> SharedPollRefreshReply {
    SharedPollRefreshReply::new()
}

fn item(key: &str, version: u64, data: &'static str) -> Answer {
    reply().item(SharedPollItem::new(key, version, data)).into()
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "item",
        answer: |_| item("k", 3, r#"{"a":1}"#),
        seen: &[r#"key k is {"a":1} at 3"#],
    },
    Row {
        name: "item without a version",
        answer: |_| item("k", 0, r#"{"a":1}"#),
        seen: NOTHING,
    },
    Row {
        name: "item that nobody tracks",
        answer: |_| item("other", 3, r#"{"a":1}"#),
        seen: NOTHING,
    },
    Row {
        name: "item that is removed",
        answer: |_| reply().item(SharedPollItem::removed("k")).into(),
        seen: &["key k is removed"],
    },
    Row {
        name: "epoch, which was empty before",
        answer: |_| {
            reply()
                .item(SharedPollItem::new("k", 3, "1"))
                .epoch("next")
                .into()
        },
        seen: &["unsubscribed: 2500 insufficient state"],
    },
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: NOTHING,
    },
    Row {
        name: "empty result",
        answer: |_| reply().into(),
        seen: NOTHING,
    },
    Row {
        name: "error",
        answer: |_| NO.into(),
        seen: NOTHING,
    },
    Row {
        name: "error beats result",
        answer: |_| {
            let items = json!([{"key": "k", "version": 3, "data": 1}]);
            raw(json!({"error": {"code": 400, "message": "no"}, "result": {"items": items}}))
        },
        seen: NOTHING,
    },
    Row {
        name: "failure",
        answer: |_| Answer::Fails,
        seen: NOTHING,
    },
    Row {
        name: "panic",
        answer: |_| Answer::Panics,
        seen: NOTHING,
    },
    Row {
        name: "timeout",
        answer: |_| Answer::Late,
        seen: NOTHING,
    },
    Row {
        name: "garbage",
        answer: |_| garbage(),
        seen: NOTHING,
    },
];

async fn polled_keys(column: Column) -> Outcome {
    play(column, ROWS, async |case, answer| {
        poll(case, "poll", [answer(case), item("end", 1, "1")]).await
    })
    .await
}

type Two = fn() -> [Answer; 2];

/// Rows of two answers, in a namespace where the server makes the versions.
pub(crate) const VERSIONLESS: &[Row<Two>] = &[
    Row {
        name: "other data",
        answer: || [item("k", 0, "1"), item("k", 0, "2")],
        seen: &["key k is 1 at 1", "key k is 2 at 2"],
    },
    Row {
        name: "the same data",
        answer: || [item("k", 0, "1"), item("k", 0, "1")],
        seen: &["key k is 1 at 1"],
    },
];

async fn polled_keys_without_versions(column: Column) -> Outcome {
    play(column, VERSIONLESS, async |case, answers| {
        let [first, second] = answers();
        let answers = [first, second, item("end", 0, "1")];
        poll(case, "versionless", answers).await
    })
    .await
}

/// Tracks a key until the key `end` comes.
async fn poll<const N: usize>(case: &Case, namespace: &str, answers: [Answer; N]) -> Vec<String> {
    case.answer(EventKind::SharedPollRefresh, answers);
    let channel = case.channel(namespace);
    let mut client = track(case, &channel, json!({"channel": &channel, "type": 4})).await;
    until_end(&mut client).await
}

/// Subscribes, and tracks the keys `k` and `end`.
pub(crate) async fn track(case: &Case, channel: &str, subscribe: Value) -> RawClient {
    let (mut client, _) = case.raw().await;
    client.expect("subscribe", subscribe).await;
    let track = json!({"channel": channel, "type": 1, "track": [batch(channel)]});
    client.expect("sub_refresh", track).await;
    client
}

/// Returns the keys of the scene, signed.
fn batch(channel: &str) -> Value {
    let secret = SharedPollSecret::new(SHARED_POLL_SECRET).expect("the secret is valid");
    let keys = TrackedKeys::user("42").channel(channel, ["k", "end"]);
    let signature = keys.sign(&secret, Expiry::after(Duration::from_secs(60)));
    let signature = signature.expect("the keys are valid");
    json!({"signature": signature, "items": [{"key": "k"}, {"key": "end"}]})
}

async fn until_end(client: &mut RawClient) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let push = client
            .push()
            .await
            .unwrap_or_else(|event| panic!("{event}"));
        let end = &push["unsubscribe"];
        if !end.is_null() {
            let reason = end["reason"].as_str().unwrap_or_default();
            seen.push(format!("unsubscribed: {} {reason}", end["code"]));
            return seen;
        }
        let publication = &push["pub"];
        let key = publication["key"].as_str().unwrap_or_default();
        if key == "end" {
            return seen;
        }
        let version = &publication["version"];
        seen.push(if publication["removed"] == true {
            format!("key {key} is removed")
        } else if version.is_null() {
            format!("key {key} is {}", publication["data"])
        } else {
            format!("key {key} is {} at {version}", publication["data"])
        });
    }
}
