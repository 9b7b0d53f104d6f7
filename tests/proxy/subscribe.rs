//! Subscriptions: `Subscribe`.

use centrifugo_proxy::messages::FilterNode;
use centrifugo_proxy::{EventKind, SubscribeReply};
use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, BYE, Case, Column, Make, NO, PAUSE, Row, SOON, garbage, in_a_minute, past, play, raw,
};

in_each_column!(subscriptions);

const SUBSCRIBED: &[&str] = &["subscribed to refreshed:CASE", "is 42"];

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: SUBSCRIBED,
    },
    Row {
        name: "empty result",
        answer: |_| SubscribeReply::allow().into(),
        seen: SUBSCRIBED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| SubscribeReply::allow().expire_at(in_a_minute()).into(),
        seen: SUBSCRIBED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| SubscribeReply::allow().expire_at(past()).into(),
        seen: &["unsubscribed: 110 expired"],
    },
    Row {
        name: "info",
        answer: |_| SubscribeReply::allow().info(r#"{"a":1}"#).into(),
        seen: &[
            "subscribed to refreshed:CASE",
            r#"is 42 of the subscription {"a":1}"#,
        ],
    },
    Row {
        name: "b64info beats info",
        answer: |_| raw(json!({"result": {"info": {"a": 1}, "b64info": "eyJiIjoyfQ=="}})),
        seen: &[
            "subscribed to refreshed:CASE",
            r#"is 42 of the subscription {"b":2}"#,
        ],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| raw(json!({"result": {"b64info": "?"}})),
        seen: FAILED,
    },
    Row {
        name: "data",
        answer: |_| SubscribeReply::allow().data(r#"{"a":1}"#).into(),
        seen: &[r#"subscribed to refreshed:CASE with {"a":1}"#, "is 42"],
    },
    Row {
        name: "b64data beats data",
        answer: |_| raw(json!({"result": {"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="}})),
        seen: &[r#"subscribed to refreshed:CASE with {"b":2}"#, "is 42"],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| raw(json!({"result": {"b64data": "?"}})),
        seen: FAILED,
    },
    Row {
        name: "allow and server_tags_filter, which 6.9 does not know",
        answer: |_| {
            let filter = FilterNode::default().key("a").cmp("eq").val("b");
            SubscribeReply::allow()
                .permissions(["sub"])
                .server_tags_filter(filter)
                .into()
        },
        seen: SUBSCRIBED,
    },
    Row {
        name: "error",
        answer: |_| NO.into(),
        seen: &["unsubscribed: 400 no"],
    },
    Row {
        name: "temporary error",
        answer: |_| SOON.into(),
        seen: &[
            "subscribes again after: soon (1999)",
            "subscribed to refreshed:CASE",
            "is 42",
        ],
    },
    Row {
        name: "error beats result",
        answer: |_| raw(json!({"error": {"code": 400, "message": "no"}, "result": {}})),
        seen: &["unsubscribed: 400 no"],
    },
    Row {
        name: "disconnect beats error",
        answer: |_| {
            raw(
                json!({"error": {"code": 400, "message": "no"}, "disconnect": {"code": 4500, "reason": "bye"}}),
            )
        },
        seen: &["disconnected: 4500 bye"],
    },
    Row {
        name: "disconnect that lets the client reconnect",
        answer: |_| PAUSE.into(),
        seen: &[
            "reconnects after 4000 pause",
            "connected",
            "subscribed to refreshed:CASE",
            "is 42",
        ],
    },
    Row {
        name: "disconnect for good",
        answer: |_| BYE.into(),
        seen: &["disconnected: 4999 bye"],
    },
    Row {
        name: "failure",
        answer: |_| Answer::Fails,
        seen: FAILED,
    },
    Row {
        name: "panic",
        answer: |_| Answer::Panics,
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
    let later = SubscribeReply::allow();
    case.answer(EventKind::Subscribe, [answer(case), later.into()]);
    let mut client = case.connected().await;
    let channel = case.channel("refreshed");
    client.subscribe(&channel);
    let mut seen = Vec::new();
    if client.until_subscribed(&mut seen).await {
        seen.extend(case.members(&channel).await);
    }
    seen
}
