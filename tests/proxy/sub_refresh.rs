//! Subscriptions that would expire: `SubRefresh`.

use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Event, Make, Row, disconnect, empty, error, garbage, play, result, soon,
};

in_each_column!(refreshes);

const EXPIRED: &[&str] = &[
    "subscribes again after 2501 subscription expired",
    "subscribed to refreshed:CASE",
];
const GOES_ON: &[&str] = &["goes on", r#"left: 42 of the subscription {"first":1}"#];

const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| empty(),
        seen: EXPIRED,
    },
    Row {
        name: "empty result, which lets it never expire",
        answer: |_| result(json!({})),
        seen: GOES_ON,
    },
    Row {
        name: "expired",
        answer: |_| result(json!({"expired": true, "expire_at": soon(60)})),
        seen: EXPIRED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| result(json!({"expire_at": soon(-10)})),
        seen: EXPIRED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| result(json!({"expire_at": soon(60)})),
        seen: GOES_ON,
    },
    Row {
        name: "info",
        answer: |_| result(json!({"expire_at": soon(60), "info": {"a": 1}})),
        seen: &["goes on", r#"left: 42 of the subscription {"a":1}"#],
    },
    Row {
        name: "b64info beats info",
        answer: |_| {
            result(json!({"expire_at": soon(60), "info": {"a": 1}, "b64info": "eyJiIjoyfQ=="}))
        },
        seen: &["goes on", r#"left: 42 of the subscription {"b":2}"#],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| result(json!({"expire_at": soon(60), "b64info": "?"})),
        seen: EXPIRED,
    },
    Row {
        name: "error",
        answer: |_| error(400, "no"),
        seen: EXPIRED,
    },
    Row {
        name: "error beside a result",
        answer: |_| {
            json!({"error": {"code": 400, "message": "no"}, "result": {"expire_at": soon(60)}})
                .into()
        },
        seen: GOES_ON,
    },
    Row {
        name: "disconnect",
        answer: |_| disconnect(4500, "bye"),
        seen: EXPIRED,
    },
    Row {
        name: "status 500",
        answer: |_| Answer::Status(500),
        seen: GOES_ON,
    },
    Row {
        name: "timeout",
        answer: |_| Answer::Late,
        seen: GOES_ON,
    },
    Row {
        name: "garbage",
        answer: |_| garbage(),
        seen: GOES_ON,
    },
];

async fn refreshes(column: Column) -> Outcome {
    play(column, ROWS, refresh).await
}

/// Subscribes for a second, and lets the server ask whether the subscription may go on. Another client sees the first one leave.
async fn refresh(case: &Case, answer: &Make) -> Vec<String> {
    let channel = case.channel("refreshed");
    case.answer(
        "connect",
        [
            result(json!({"user": "watcher", "channels": [&channel]})),
            result(json!({"user": "42"})),
        ],
    );
    let first = Answer::Then(|| json!({"expire_at": soon(2), "info": {"first": 1}}));
    case.answer("subscribe", [first, empty()]);
    case.answer("sub_refresh", [answer(case)]);
    let mut watcher = case.connected().await;
    let mut client = case.connected().await;
    client.subscribed(&channel).await;
    case.call("sub_refresh").await;
    let mut seen = Vec::new();
    while let Some(event) = client.soon().await {
        match event {
            Event::Joined(_) => {}
            event => seen.push(event.to_string()),
        }
    }
    if seen.is_empty() {
        seen.push("goes on".to_owned());
        drop(client);
        loop {
            if let event @ Event::Left(_) = watcher.next().await {
                seen.push(event.to_string());
                break;
            }
        }
    }
    seen
}
