//! Subscriptions: `Subscribe`.

use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Event, Make, Row, disconnect, empty, error, garbage, play, result, soon,
};

in_each_column!(subscriptions);

const SUBSCRIBED: &[&str] = &["subscribed to refreshed:CASE", "is 42"];

const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| empty(),
        seen: SUBSCRIBED,
    },
    Row {
        name: "empty result",
        answer: |_| result(json!({})),
        seen: SUBSCRIBED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| result(json!({"expire_at": soon(60)})),
        seen: SUBSCRIBED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| result(json!({"expire_at": soon(-10)})),
        seen: &["unsubscribed: 110 expired"],
    },
    Row {
        name: "info",
        answer: |_| result(json!({"info": {"a": 1}})),
        seen: &[
            "subscribed to refreshed:CASE",
            r#"is 42 of the subscription {"a":1}"#,
        ],
    },
    Row {
        name: "b64info beats info",
        answer: |_| result(json!({"info": {"a": 1}, "b64info": "eyJiIjoyfQ=="})),
        seen: &[
            "subscribed to refreshed:CASE",
            r#"is 42 of the subscription {"b":2}"#,
        ],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| result(json!({"b64info": "?"})),
        seen: FAILED,
    },
    Row {
        name: "data",
        answer: |_| result(json!({"data": {"a": 1}})),
        seen: &[r#"subscribed to refreshed:CASE with {"a":1}"#, "is 42"],
    },
    Row {
        name: "b64data beats data",
        answer: |_| result(json!({"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="})),
        seen: &[r#"subscribed to refreshed:CASE with {"b":2}"#, "is 42"],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| result(json!({"b64data": "?"})),
        seen: FAILED,
    },
    Row {
        name: "allow and server_tags_filter, which 6.9 does not know",
        answer: |_| {
            let filter = json!({"key": "a", "cmp": "eq", "val": "b"});
            result(json!({"allow": ["sub"], "server_tags_filter": filter}))
        },
        seen: SUBSCRIBED,
    },
    Row {
        name: "error",
        answer: |_| error(400, "no"),
        seen: &["unsubscribed: 400 no"],
    },
    Row {
        name: "temporary error",
        answer: |_| json!({"error": {"code": 1999, "message": "soon", "temporary": true}}).into(),
        seen: &[
            "subscribes again after: soon (1999)",
            "subscribed to refreshed:CASE",
            "is 42",
        ],
    },
    Row {
        name: "error beats result",
        answer: |_| json!({"error": {"code": 400, "message": "no"}, "result": {}}).into(),
        seen: &["unsubscribed: 400 no"],
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
        seen: &[
            "reconnects after 4000 bye",
            "connected",
            "subscribed to refreshed:CASE",
            "is 42",
        ],
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

/// The client cannot subscribe for a moment.
const FAILED: &[&str] = &[
    "subscribes again after: internal server error (100)",
    "subscribed to refreshed:CASE",
    "is 42",
];

async fn subscriptions(column: Column) -> Outcome {
    play(column, ROWS, subscribe).await
}

/// Subscribes. A client that tries again is accepted.
async fn subscribe(case: &Case, answer: &Make) -> Vec<String> {
    case.answer("subscribe", [answer(case), empty()]);
    let mut client = case.connected().await;
    let channel = case.channel("refreshed");
    client.subscribe(&channel);
    let mut seen = Vec::new();
    loop {
        let event = client.next().await;
        seen.push(event.to_string());
        match event {
            Event::Subscribed(_) => break,
            Event::Unsubscribed(_) | Event::Disconnected(_) => return seen,
            _ => {}
        }
    }
    let api = case.api();
    let presence = api
        .presence(centrifugo_api::PresenceRequest::new(&channel))
        .await;
    let presence = presence.expect("the namespace has presence").presence;
    for info in presence.into_values() {
        seen.push(format!("is {}", crate::harness::member(info)));
    }
    seen
}
