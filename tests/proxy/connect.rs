//! Connections: `Connect`.

use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Event, Make, Row, disconnect, empty, error, garbage, play, result, soon,
};

in_each_column!(connections);

const CONNECTED: &[&str] = &["connected", "is 42"];

const ROWS: &[Row] = &[
    Row {
        name: "nothing, where anonymous clients are allowed",
        answer: |_| empty(),
        seen: &["connected", "is nobody"],
    },
    Row {
        name: "empty result",
        answer: |_| result(json!({})),
        seen: &["connected", "is nobody"],
    },
    Row {
        name: "user",
        answer: |_| result(json!({"user": "42"})),
        seen: CONNECTED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| result(json!({"user": "42", "expire_at": soon(60)})),
        seen: CONNECTED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| result(json!({"user": "42", "expire_at": soon(-10)})),
        seen: &[
            "connects again after: expired (110)",
            "disconnected: 110 expired",
        ],
    },
    Row {
        name: "negative expire_at",
        answer: |_| result(json!({"user": "42", "expire_at": -1})),
        seen: CONNECTED,
    },
    Row {
        name: "info",
        answer: |_| result(json!({"user": "42", "info": {"a": 1}})),
        seen: &["connected", r#"is 42 of the connection {"a":1}"#],
    },
    Row {
        name: "b64info",
        answer: |_| result(json!({"user": "42", "b64info": "eyJiIjoyfQ=="})),
        seen: &["connected", r#"is 42 of the connection {"b":2}"#],
    },
    Row {
        name: "b64info beats info",
        answer: |_| result(json!({"user": "42", "info": {"a": 1}, "b64info": "eyJiIjoyfQ=="})),
        seen: &["connected", r#"is 42 of the connection {"b":2}"#],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| result(json!({"user": "42", "b64info": "?"})),
        seen: FAILED,
    },
    Row {
        name: "data",
        answer: |_| result(json!({"user": "42", "data": {"a": 1}})),
        seen: &[r#"connected with {"a":1}"#, "is 42"],
    },
    Row {
        name: "b64data beats data",
        answer: |_| result(json!({"user": "42", "data": {"a": 1}, "b64data": "eyJiIjoyfQ=="})),
        seen: &[r#"connected with {"b":2}"#, "is 42"],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| result(json!({"user": "42", "b64data": "?"})),
        seen: FAILED,
    },
    Row {
        name: "meta",
        answer: |_| result(json!({"user": "42", "meta": {"secret": 1}})),
        seen: &["connected", "is 42", r#"later questions have {"secret":1}"#],
    },
    Row {
        name: "channels",
        answer: |case| {
            result(json!({"user": "42", "channels": [case.channel("off"), case.channel("on")]}))
        },
        seen: &[
            "connected",
            "subscribed to off:CASE",
            "subscribed to on:CASE, recoverable, positioned",
            "is 42",
        ],
    },
    Row {
        name: "channel of an unknown namespace",
        answer: |case| result(json!({"user": "42", "channels": [case.channel("unknown")]})),
        seen: &[
            "connects again after: unknown channel (102)",
            "disconnected: 102 unknown channel",
        ],
    },
    Row {
        name: "channel that the client could not subscribe to without being asked for",
        answer: |case| result(json!({"user": "42", "channels": [case.channel("off")]})),
        seen: &["connected", "subscribed to off:CASE", "is 42"],
    },
    Row {
        name: "subs with data, info, expire_at",
        answer: |case| {
            let options = json!({"data": {"a": 1}, "info": {"b": 2}, "expire_at": soon(-10)});
            result(json!({"user": "42", "subs": {case.channel("off"): options}}))
        },
        seen: &[
            "connected",
            r#"subscribed to off:CASE with {"a":1}"#,
            "is 42",
        ],
    },
    Row {
        name: "subs with data and b64data",
        answer: |case| {
            let options = json!({"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="});
            result(json!({"user": "42", "subs": {case.channel("off"): options}}))
        },
        seen: &[
            "connected",
            r#"subscribed to off:CASE with {"b":2}"#,
            "is 42",
        ],
    },
    Row {
        name: "subs with b64data that is not base64",
        answer: |case| {
            result(json!({"user": "42", "subs": {case.channel("off"): {"b64data": "?"}}}))
        },
        seen: FAILED,
    },
    Row {
        name: "caps and labels, which only PRO knows",
        answer: |_| {
            let caps = json!([{"channels": ["seen:*"], "allow": ["sub"], "match": "wildcard"}]);
            result(json!({"user": "42", "caps": caps, "labels": {"a": "b"}}))
        },
        seen: CONNECTED,
    },
    Row {
        name: "error",
        answer: |_| error(400, "no"),
        seen: &["connects again after: no (400)", "disconnected: 400 no"],
    },
    Row {
        name: "temporary error",
        answer: |_| json!({"error": {"code": 1999, "message": "soon", "temporary": true}}).into(),
        seen: &["connects again after: soon (1999)", "connected", "is later"],
    },
    Row {
        name: "error beats result",
        answer: |_| {
            json!({"error": {"code": 400, "message": "no"}, "result": {"user": "42"}}).into()
        },
        seen: &["connects again after: no (400)", "disconnected: 400 no"],
    },
    Row {
        name: "disconnect beats error",
        answer: |_| {
            json!({"error": {"code": 400, "message": "no"}, "disconnect": {"code": 4500, "reason": "bye"}}).into()
        },
        seen: &["disconnected: 4500 bye"],
    },
    Row {
        name: "disconnect that lets the client reconnect",
        answer: |_| disconnect(4000, "bye"),
        // The SDK does not tell that it connects again before it was connected.
        seen: &["connected", "is later"],
    },
    Row {
        name: "disconnect for good",
        answer: |_| disconnect(4999, "bye"),
        seen: &["disconnected: 4999 bye"],
    },
    Row {
        name: "status 500",
        answer: |_| Answer::Status(500),
        seen: FAILED,
    },
    Row {
        name: "timeout",
        answer: |_| Answer::Late,
        seen: FAILED,
    },
    Row {
        name: "garbage",
        answer: |_| garbage(),
        seen: FAILED,
    },
];

/// The server refuses the client for a moment.
const FAILED: &[&str] = &[
    "connects again after: internal server error (100)",
    "connected",
    "is later",
];

async fn connections(column: Column) -> Outcome {
    play(column, ROWS, connect).await
}

/// Connects. A client that tries again is another user.
async fn connect(case: &Case, answer: &Make) -> Vec<String> {
    case.answer("connect", [answer(case), result(json!({"user": "later"}))]);
    let mut client = case.connect();
    let mut seen = Vec::new();
    client.end(&mut seen).await;
    if seen.last().is_some_and(|end| end.starts_with("connected")) {
        let channel = case.channel("seen");
        client.subscribe(&channel);
        loop {
            match client.next().await {
                Event::Subscribed(subscribed) if subscribed.channel == channel => break,
                Event::Joined(_) => {}
                event => seen.push(event.to_string()),
            }
        }
        for member in client.members(&channel).await {
            seen.push(format!("is {member}"));
        }
        client.rpc("rpc_transformed:method", "{}").await;
        let meta = &case.call("rpc").await.body["meta"];
        if !meta.is_null() {
            seen.push(format!("later questions have {meta}"));
        }
    }
    seen
}
