//! Calls of clients: `RPC`.

use centrifugo_api::binary;
use centrifugo_proxy::{EventKind, RpcReply};
use serde_json::json;

use crate::Outcome;
use crate::harness::{Case, Column, Event, Make, Row, play, raw};
use crate::refused_calls::ERROR_100;

in_each_column!(rpcs);

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "data",
        answer: |_| RpcReply::new(r#"{"a":1}"#).into(),
        seen: &[r#"replied with {"a":1}"#],
    },
    Row {
        name: "data that is null",
        answer: |_| RpcReply::new("null").into(),
        seen: &["replied"],
    },
    Row {
        name: "data that is sent as base64",
        answer: |_| RpcReply::new(binary(r#"{"a":1}"#)).into(),
        seen: &[r#"replied with {"a":1}"#],
    },
    Row {
        name: "b64data beats data",
        answer: |_| raw(json!({"result": {"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="}})),
        seen: &[r#"replied with {"b":2}"#],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| raw(json!({"result": {"b64data": "?"}})),
        seen: ERROR_100,
    },
    Row {
        name: "result without data",
        answer: |_| RpcReply::empty().into(),
        seen: &["replied"],
    },
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: &["replied"],
    },
];

async fn rpcs(column: Column) -> Outcome {
    play(column, ROWS, call).await
}

/// Calls a method.
pub(crate) async fn call(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Rpc, [answer(case)]);
    let mut client = case.connected().await;
    let replied = client.rpc("rpc:method", r#"{"in":1}"#).await;
    let mut seen = vec![replied.to_string()];
    if let Event::Failed(_) = replied {
        client.end(&mut seen).await;
    }
    seen
}
