//! Connections that would expire: `Refresh`.

use std::time::Duration;

use centrifugo_proxy::{ConnectReply, EventKind, RefreshReply};
use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Make, Row, garbage, in_a_minute, past, play, raw, unix,
};
use crate::sub_refresh;

in_each_column!(refreshes_of_connections_and_subscriptions);

pub(crate) const EXPIRED: &[&str] = &["reconnects after 3005 connection expired", "connected"];
pub(crate) const GOES_ON: &[&str] = &[
    "goes on",
    r#"is 42 of the connection {"first":1}"#,
    r#"later questions have {"first":1}"#,
];

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: EXPIRED,
    },
    Row {
        name: "empty result",
        answer: |_| raw(json!({"result": {}})),
        seen: EXPIRED,
    },
    Row {
        name: "expired",
        answer: |_| RefreshReply::expired().into(),
        seen: EXPIRED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| RefreshReply::until(past()).into(),
        seen: EXPIRED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| RefreshReply::until(in_a_minute()).into(),
        seen: GOES_ON,
    },
    Row {
        name: "info",
        answer: |_| RefreshReply::until(in_a_minute()).info(r#"{"a":1}"#).into(),
        seen: &[
            "goes on",
            r#"is 42 of the connection {"a":1}"#,
            r#"later questions have {"first":1}"#,
        ],
    },
    Row {
        name: "b64info beats info",
        answer: |_| {
            let expire_at = unix(in_a_minute());
            raw(
                json!({"result": {"expire_at": expire_at, "info": {"a": 1}, "b64info": "eyJiIjoyfQ=="}}),
            )
        },
        seen: &[
            "goes on",
            r#"is 42 of the connection {"b":2}"#,
            r#"later questions have {"first":1}"#,
        ],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| raw(json!({"result": {"expire_at": unix(in_a_minute()), "b64info": "?"}})),
        seen: &["reconnects after 3004 internal server error", "connected"],
    },
    Row {
        name: "meta",
        answer: |_| RefreshReply::until(in_a_minute()).meta(r#"{"a":1}"#).into(),
        seen: &[
            "goes on",
            r#"is 42 of the connection {"first":1}"#,
            r#"later questions have {"a":1}"#,
        ],
    },
    Row {
        name: "error",
        answer: |_| raw(json!({"error": {"code": 400, "message": "no"}})),
        seen: EXPIRED,
    },
    Row {
        name: "error beside a result",
        answer: |_| {
            raw(
                json!({"error": {"code": 400, "message": "no"}, "result": {"expire_at": unix(in_a_minute())}}),
            )
        },
        seen: GOES_ON,
    },
    Row {
        name: "disconnect",
        answer: |_| raw(json!({"disconnect": {"code": 4500, "reason": "bye"}})),
        seen: EXPIRED,
    },
    Row {
        name: "failure",
        answer: |_| Answer::Fails,
        seen: GOES_ON,
    },
    Row {
        name: "panic",
        answer: |_| Answer::Panics,
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

async fn refreshes_of_connections_and_subscriptions(column: Column) -> Outcome {
    tokio::try_join!(play(column, ROWS, refresh), sub_refresh::refreshes(column))?;
    Ok(())
}

/// Connects for a second, and lets the server ask whether the connection may go on.
pub(crate) async fn refresh(case: &Case, answer: &Make) -> Vec<String> {
    let first = Answer::Then(|| {
        let reply = ConnectReply::user("42").expire_in(Duration::from_secs(1));
        reply.info(r#"{"first":1}"#).meta(r#"{"first":1}"#).into()
    });
    let later = ConnectReply::user("later");
    case.answer(EventKind::Connect, [first, later.into()]);
    case.answer(EventKind::Refresh, [answer(case)]);
    let mut client = case.connected().await;
    case.pass(Duration::from_secs(2)).await;
    case.call(EventKind::Refresh).await;
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
    let meta = &case.call(EventKind::Rpc).await.body["meta"];
    seen.push(format!("later questions have {meta}"));
    seen
}
