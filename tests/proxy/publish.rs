//! Publications of clients: `Publish`.

use centrifugo_api::binary;
use centrifugo_proxy::{EventKind, PublishReply};
use serde_json::json;

use crate::Outcome;
use crate::harness::{Case, Column, Event, Make, Row, play, raw};
use crate::refused_calls::ERROR_100;

in_each_column!(publications, repeated_publications);

const PUBLISHED: &[&str] = &["replied", r#"publication {"in":1} at 1, by 42"#];

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: PUBLISHED,
    },
    Row {
        name: "empty result",
        answer: |_| allow().into(),
        seen: PUBLISHED,
    },
    Row {
        name: "data",
        answer: |_| allow().data(r#"{"a":1}"#).into(),
        seen: &["replied", r#"publication {"a":1} at 1, by 42"#],
    },
    Row {
        name: "data that is null",
        answer: |_| allow().data("null").into(),
        seen: &["replied", "publication of nothing at 1, by 42"],
    },
    Row {
        name: "data that is sent as base64",
        answer: |_| allow().data(binary(r#"{"b":2}"#)).into(),
        seen: &["replied", r#"publication {"b":2} at 1, by 42"#],
    },
    Row {
        name: "data beats b64data",
        answer: |_| raw(json!({"result": {"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="}})),
        seen: &["replied", r#"publication {"a":1} at 1, by 42"#],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| raw(json!({"result": {"b64data": "?"}})),
        seen: ERROR_100,
    },
    Row {
        name: "skip_history",
        answer: |_| allow().skip_history(true).into(),
        seen: &["replied", r#"publication {"in":1}, by 42"#],
    },
    Row {
        name: "tags",
        answer: |_| allow().tags([("k", "v"), ("l", "w")]).into(),
        seen: &[
            "replied",
            r#"publication {"in":1} at 1, tags {"k": "v", "l": "w"}, by 42"#,
        ],
    },
];

async fn publications(column: Column) -> Outcome {
    play(column, ROWS, publish_once).await
}

type Two = fn() -> [PublishReply; 2];

fn allow() -> PublishReply {
    PublishReply::allow()
}

const ONE: &[&str] = &[r#"publication {"in":1} at 1, by 42"#];
const BOTH: &[&str] = &[
    r#"publication {"in":1} at 1, by 42"#,
    r#"publication {"in":2} at 2, by 42"#,
];

/// Rows of two publications.
pub(crate) const REPEATED: &[Row<Two>] = &[
    Row {
        name: "no idempotency_key",
        answer: || [allow(), allow()],
        seen: BOTH,
    },
    Row {
        name: "the same idempotency_key",
        answer: || [allow().idempotency_key("1"), allow().idempotency_key("1")],
        seen: ONE,
    },
    Row {
        name: "another idempotency_key",
        answer: || [allow().idempotency_key("1"), allow().idempotency_key("2")],
        seen: BOTH,
    },
    Row {
        name: "the same version",
        answer: || [allow().version(3), allow().version(3)],
        seen: ONE,
    },
    Row {
        name: "an older version",
        answer: || [allow().version(3), allow().version(2)],
        seen: ONE,
    },
    Row {
        name: "a newer version",
        answer: || [allow().version(3), allow().version(4)],
        seen: BOTH,
    },
    Row {
        name: "the same version of another version_epoch",
        answer: || {
            let [first, second] = [allow().version(3), allow().version(3)];
            [first.version_epoch("a"), second.version_epoch("b")]
        },
        seen: BOTH,
    },
];

async fn repeated_publications(column: Column) -> Outcome {
    play(column, REPEATED, publish_twice).await
}

/// Publishes into a channel to which the client has subscribed.
pub(crate) async fn publish_once(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Publish, [answer(case)]);
    let channel = case.channel("publish");
    let mut client = case.connected().await;
    client.subscribed(&channel).await;
    let replied = client.publish(&channel, r#"{"in":1}"#).await;
    let mut seen = vec![replied.to_string()];
    if let Event::Failed(_) = replied {
        client.end(&mut seen).await;
    } else {
        case.publish_end(&channel).await;
        seen.extend(client.until_end().await.iter().map(Event::to_string));
    }
    seen
}

async fn publish_twice(case: &Case, answers: &Two) -> Vec<String> {
    case.answer(EventKind::Publish, answers().map(Into::into));
    let channel = case.channel("publish");
    let mut client = case.connected().await;
    client.subscribed(&channel).await;
    for data in [r#"{"in":1}"#, r#"{"in":2}"#] {
        let replied = client.publish(&channel, data).await;
        assert_eq!(replied, Event::Replied(String::new()));
    }
    case.publish_end(&channel).await;
    let seen = client.until_end().await;
    seen.iter().map(Event::to_string).collect()
}
