//! Connections: `Connect`.

use centrifugo_api::binary;
use centrifugo_proxy::messages::ChannelsCapability;
use centrifugo_proxy::{ConnectReply, EventKind, SubscriptionOptions};
use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, BYE, Case, Column, Event, Make, NO, PAUSE, Row, SOON, garbage, in_a_minute, past, play,
    raw, unix,
};

in_each_column!(connections);

fn user() -> ConnectReply {
    ConnectReply::user("42")
}

const CONNECTED: &[&str] = &["connected", "is 42"];

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "no credentials, where anonymous clients are allowed",
        answer: |_| ConnectReply::no_credentials().into(),
        seen: &["connected", "is nobody"],
    },
    Row {
        name: "empty result",
        answer: |_| ConnectReply::anonymous().into(),
        seen: &["connected", "is nobody"],
    },
    Row {
        name: "user",
        answer: |_| user().into(),
        seen: CONNECTED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| user().expire_at(in_a_minute()).into(),
        seen: CONNECTED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| user().expire_at(past()).into(),
        seen: &[
            "connects again after: expired (110)",
            "disconnected: 110 expired",
        ],
    },
    Row {
        name: "negative expire_at",
        answer: |_| raw(json!({"result": {"user": "42", "expire_at": -1}})),
        seen: CONNECTED,
    },
    Row {
        name: "info",
        answer: |_| user().info(r#"{"a":1}"#).into(),
        seen: &["connected", r#"is 42 of the connection {"a":1}"#],
    },
    Row {
        name: "info that is sent as base64",
        answer: |_| user().info(binary(r#"{"b":2}"#)).into(),
        seen: &["connected", r#"is 42 of the connection {"b":2}"#],
    },
    Row {
        name: "b64info beats info",
        answer: |_| {
            raw(json!({"result": {"user": "42", "info": {"a": 1}, "b64info": "eyJiIjoyfQ=="}}))
        },
        seen: &["connected", r#"is 42 of the connection {"b":2}"#],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| raw(json!({"result": {"user": "42", "b64info": "?"}})),
        seen: FAILED,
    },
    Row {
        name: "data",
        answer: |_| user().data(r#"{"a":1}"#).into(),
        seen: &[r#"connected with {"a":1}"#, "is 42"],
    },
    Row {
        name: "b64data beats data",
        answer: |_| {
            raw(json!({"result": {"user": "42", "data": {"a": 1}, "b64data": "eyJiIjoyfQ=="}}))
        },
        seen: &[r#"connected with {"b":2}"#, "is 42"],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| raw(json!({"result": {"user": "42", "b64data": "?"}})),
        seen: FAILED,
    },
    Row {
        name: "meta",
        answer: |_| user().meta(r#"{"secret":1}"#).into(),
        seen: &["connected", "is 42", r#"later requests have {"secret":1}"#],
    },
    Row {
        name: "channels",
        answer: |case| {
            let channels = [case.channel("off"), case.channel("on")];
            user().channels(channels).into()
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
        answer: |case| user().channel(case.channel("unknown")).into(),
        seen: &[
            "connects again after: unknown channel (102)",
            "disconnected: 102 unknown channel",
        ],
    },
    Row {
        name: "channel that the client could not subscribe to without being asked for",
        answer: |case| user().channel(case.channel("off")).into(),
        seen: &["connected", "subscribed to off:CASE", "is 42"],
    },
    Row {
        name: "subs with data",
        answer: |case| {
            let options = SubscriptionOptions::new().data(r#"{"a":1}"#);
            user().subscription(case.channel("off"), options).into()
        },
        seen: &[
            "connected",
            r#"subscribed to off:CASE with {"a":1}"#,
            "is 42",
        ],
    },
    Row {
        name: "subs with expire_at, which is not read",
        answer: |case| {
            let options = json!({"expire_at": unix(past())});
            raw(json!({"result": {"user": "42", "subs": {case.channel("off"): options}}}))
        },
        seen: &["connected", "subscribed to off:CASE", "is 42"],
    },
    Row {
        name: "subs with data and b64data",
        answer: |case| {
            let options = json!({"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="});
            raw(json!({"result": {"user": "42", "subs": {case.channel("off"): options}}}))
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
            let options = json!({"b64data": "?"});
            raw(json!({"result": {"user": "42", "subs": {case.channel("off"): options}}}))
        },
        seen: FAILED,
    },
    Row {
        name: "caps and labels, which only PRO knows",
        answer: |_| {
            let caps = ChannelsCapability::default()
                .channels(["seen:*"])
                .allow(["sub"]);
            user().caps([caps]).labels([("a", "b")]).into()
        },
        seen: CONNECTED,
    },
    Row {
        name: "error",
        answer: |_| NO.into(),
        seen: &["connects again after: no (400)", "disconnected: 400 no"],
    },
    Row {
        name: "temporary error",
        answer: |_| SOON.into(),
        seen: &["connects again after: soon (1999)", "connected", "is later"],
    },
    Row {
        name: "error beats result",
        answer: |_| raw(json!({"error": {"code": 400, "message": "no"}, "result": {"user": "42"}})),
        seen: &["connects again after: no (400)", "disconnected: 400 no"],
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
        // The SDK does not tell that it connects again before it was connected.
        seen: &["connected", "is later"],
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
pub(crate) async fn connect(case: &Case, answer: &Make) -> Vec<String> {
    let later = ConnectReply::user("later");
    case.answer(EventKind::Connect, [answer(case), later.into()]);
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
        let meta = &case.call(EventKind::Rpc).await.body["meta"];
        if !meta.is_null() {
            seen.push(format!("later requests have {meta}"));
        }
    }
    seen
}
