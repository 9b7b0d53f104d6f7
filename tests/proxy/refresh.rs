//! Connections that would expire: `Refresh`.

use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Event, Make, Row, disconnect, empty, error, garbage, play, result, soon,
};

in_each_column!(refreshes);

const EXPIRED: &[&str] = &["reconnects after 3005 connection expired", "connected"];
const GOES_ON: &[&str] = &[
    "goes on",
    r#"is 42 of the connection {"first":1}"#,
    r#"later questions have {"first":1}"#,
];

const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| empty(),
        seen: EXPIRED,
    },
    Row {
        name: "empty result",
        answer: |_| result(json!({})),
        seen: EXPIRED,
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
        seen: &[
            "goes on",
            r#"is 42 of the connection {"a":1}"#,
            r#"later questions have {"first":1}"#,
        ],
    },
    Row {
        name: "b64info beats info",
        answer: |_| {
            result(json!({"expire_at": soon(60), "info": {"a": 1}, "b64info": "eyJiIjoyfQ=="}))
        },
        seen: &[
            "goes on",
            r#"is 42 of the connection {"b":2}"#,
            r#"later questions have {"first":1}"#,
        ],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| result(json!({"expire_at": soon(60), "b64info": "?"})),
        seen: &["reconnects after 3004 internal server error", "connected"],
    },
    Row {
        name: "meta",
        answer: |_| result(json!({"expire_at": soon(60), "meta": {"a": 1}})),
        seen: &[
            "goes on",
            r#"is 42 of the connection {"first":1}"#,
            r#"later questions have {"a":1}"#,
        ],
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

/// Connects for a second, and lets the server ask whether the connection may go on.
async fn refresh(case: &Case, answer: &Make) -> Vec<String> {
    let first = Answer::Then(
        || json!({"user": "42", "expire_at": soon(1), "info": {"first": 1}, "meta": {"first": 1}}),
    );
    case.answer("connect", [first, result(json!({"user": "later"}))]);
    case.answer("refresh", [answer(case)]);
    let mut client = case.connected().await;
    case.call("refresh").await;
    let mut seen = Vec::new();
    if let Some(event) = client.soon().await {
        seen.push(event.to_string());
        client.end(&mut seen).await;
        return seen;
    }
    seen.push("goes on".to_owned());
    let channel = case.channel("seen");
    client.subscribed(&channel).await;
    for member in client.members(&channel).await {
        seen.push(format!("is {member}"));
    }
    client.rpc("rpc_transformed:method", "{}").await;
    let meta = &case.call("rpc").await.body["meta"];
    seen.push(format!("later questions have {meta}"));
    seen
}
