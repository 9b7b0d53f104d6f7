//! Calls of clients: `RPC`.

use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Event, Make, Row, disconnect, empty, error, garbage, play, result,
};

in_each_column!(rpcs);

const ROWS: &[Row] = &[
    Row {
        name: "data",
        answer: |_| result(json!({"data": {"a": 1}})),
        seen: &[r#"replied with {"a":1}"#],
    },
    Row {
        name: "data that is null",
        answer: |_| result(json!({"data": null})),
        seen: &["replied"],
    },
    Row {
        name: "b64data",
        answer: |_| result(json!({"b64data": "eyJiIjoyfQ=="})),
        seen: &[r#"replied with {"b":2}"#],
    },
    Row {
        name: "b64data beats data",
        answer: |_| result(json!({"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="})),
        seen: &[r#"replied with {"b":2}"#],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| result(json!({"b64data": "?"})),
        seen: &["error 100 internal server error, temporary"],
    },
    Row {
        name: "result without data",
        answer: |_| result(json!({})),
        seen: &["replied"],
    },
    Row {
        name: "nothing",
        answer: |_| empty(),
        seen: &["replied"],
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
        answer: |_| json!({"error": {"code": 400, "message": "no"}, "result": {"data": 1}}).into(),
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

async fn rpcs(column: Column) -> Outcome {
    play(column, ROWS, call).await
}

/// Calls a method.
async fn call(case: &Case, answer: &Make) -> Vec<String> {
    case.answer("rpc", [answer(case)]);
    let mut client = case.connected().await;
    let replied = client.rpc("rpc:method", r#"{"in":1}"#).await;
    let mut seen = vec![replied.to_string()];
    if let Event::Failed(_) = replied {
        client.end(&mut seen).await;
    }
    seen
}
