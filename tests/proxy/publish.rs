//! Publications of clients: `Publish`.

use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Event, Make, Row, disconnect, empty, error, garbage, play, result,
};

in_each_column!(publications, repeated_publications);

const PUBLISHED: &[&str] = &["replied", r#"publication {"in":1} at 1, by 42"#];

const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| empty(),
        seen: PUBLISHED,
    },
    Row {
        name: "empty result",
        answer: |_| result(json!({})),
        seen: PUBLISHED,
    },
    Row {
        name: "data",
        answer: |_| result(json!({"data": {"a": 1}})),
        seen: &["replied", r#"publication {"a":1} at 1, by 42"#],
    },
    Row {
        name: "data that is null",
        answer: |_| result(json!({"data": null})),
        seen: &["replied", "publication of nothing at 1, by 42"],
    },
    Row {
        name: "b64data",
        answer: |_| result(json!({"b64data": "eyJiIjoyfQ=="})),
        seen: &["replied", r#"publication {"b":2} at 1, by 42"#],
    },
    Row {
        name: "data beats b64data",
        answer: |_| result(json!({"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="})),
        seen: &["replied", r#"publication {"a":1} at 1, by 42"#],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| result(json!({"b64data": "?"})),
        seen: &["error 100 internal server error, temporary"],
    },
    Row {
        name: "skip_history",
        answer: |_| result(json!({"skip_history": true})),
        seen: &["replied", r#"publication {"in":1}, by 42"#],
    },
    Row {
        name: "tags",
        answer: |_| result(json!({"tags": {"k": "v", "l": "w"}})),
        seen: &[
            "replied",
            r#"publication {"in":1} at 1, tags {"k": "v", "l": "w"}, by 42"#,
        ],
    },
    Row {
        name: "error",
        answer: |_| error(400, "no"),
        seen: &["error 400 no"],
    },
    Row {
        name: "temporary error",
        answer: |_| json!({"error": {"code": 1999, "message": "soon", "temporary": true}}).into(),
        seen: &["error 1999 soon, temporary"],
    },
    Row {
        name: "error beats result",
        answer: |_| json!({"error": {"code": 400, "message": "no"}, "result": {}}).into(),
        seen: &["error 400 no"],
    },
    Row {
        name: "disconnect beats error",
        answer: |_| {
            json!({"error": {"code": 400, "message": "no"}, "disconnect": {"code": 4500, "reason": "bye"}}).into()
        },
        seen: &["failed: client disconnected", "disconnected: 4500 bye"],
    },
    Row {
        name: "disconnect that lets the client reconnect",
        answer: |_| disconnect(4000, "bye"),
        seen: &[
            "failed: client disconnected",
            "reconnects after 4000 bye",
            "connected",
        ],
    },
    Row {
        name: "disconnect for good",
        answer: |_| disconnect(4999, "bye"),
        seen: &["failed: client disconnected", "disconnected: 4999 bye"],
    },
    Row {
        name: "status 500",
        answer: |_| Answer::Status(500),
        seen: &["error 100 internal server error, temporary"],
    },
    Row {
        name: "timeout",
        answer: |_| Answer::Late,
        seen: &["error 100 internal server error, temporary"],
    },
    Row {
        name: "garbage",
        answer: |_| garbage(),
        seen: &["error 100 internal server error, temporary"],
    },
];

async fn publications(column: Column) -> Outcome {
    play(column, ROWS, publish_once).await
}

/// Rows of two publications, which are answered alike.
const REPEATED: &[Row] = &[
    Row {
        name: "no idempotency_key",
        answer: |_| empty(),
        seen: &[
            r#"publication {"in":1} at 1, by 42"#,
            r#"publication {"in":2} at 2, by 42"#,
        ],
    },
    Row {
        name: "the same idempotency_key",
        answer: |_| result(json!({"idempotency_key": "key"})),
        seen: &[r#"publication {"in":1} at 1, by 42"#],
    },
    Row {
        name: "the same version",
        answer: |_| result(json!({"version": 3})),
        seen: &[r#"publication {"in":1} at 1, by 42"#],
    },
    Row {
        name: "the same version of the same version_epoch",
        answer: |_| result(json!({"version": 3, "version_epoch": "epoch"})),
        seen: &[r#"publication {"in":1} at 1, by 42"#],
    },
];

async fn repeated_publications(column: Column) -> Outcome {
    play(column, REPEATED, publish_twice).await
}

/// Publishes into a channel to which the client has subscribed.
async fn publish_once(case: &Case, answer: &Make) -> Vec<String> {
    case.answer("publish", [answer(case)]);
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

async fn publish_twice(case: &Case, answer: &Make) -> Vec<String> {
    case.answer("publish", [answer(case)]);
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
