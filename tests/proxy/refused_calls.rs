//! Refusals of what clients ask for and wait for: `RPC`, `Publish`, `MapPublish` and `MapRemove`.

use serde_json::json;

use crate::Outcome;
use crate::harness::{Answer, BYE, Column, NO, PAUSE, Row, SOON, garbage, play, raw};
use crate::{maps, publish, rpc};

in_each_column!(calls_are_refused);

pub(crate) const ERROR_100: &[&str] = &["error 100 internal server error, temporary"];

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "error",
        answer: |_| NO.into(),
        seen: &["error 400 no"],
    },
    Row {
        name: "temporary error",
        answer: |_| SOON.into(),
        seen: &["error 1999 soon, temporary"],
    },
    Row {
        name: "error beats result",
        answer: |_| raw(json!({"error": {"code": 400, "message": "no"}, "result": {}})),
        seen: &["error 400 no"],
    },
    Row {
        name: "failure",
        answer: |_| Answer::Fails,
        seen: ERROR_100,
    },
    Row {
        name: "panic",
        answer: |_| Answer::Panics,
        seen: ERROR_100,
    },
    Row {
        name: "timeout",
        answer: |_| Answer::Late,
        seen: ERROR_100,
    },
    Row {
        name: "garbage",
        answer: |_| garbage(),
        seen: ERROR_100,
    },
];

/// Rows that end the connection.
pub(crate) const ENDS: &[Row] = &[
    Row {
        name: "disconnect beats error",
        answer: |_| {
            raw(
                json!({"error": {"code": 400, "message": "no"}, "disconnect": {"code": 4500, "reason": "bye"}}),
            )
        },
        seen: &["failed: client disconnected", "disconnected: 4500 bye"],
    },
    Row {
        name: "disconnect that lets the client reconnect",
        answer: |_| PAUSE.into(),
        seen: &[
            "failed: client disconnected",
            "reconnects after 4000 pause",
            "connected",
        ],
    },
    Row {
        name: "disconnect for good",
        answer: |_| BYE.into(),
        seen: &["failed: client disconnected", "disconnected: 4999 bye"],
    },
];

/// The same rows, for a client that does not connect again.
const ENDS_OF_ONE: &[Row] = &[
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
        name: "disconnect that lets clients reconnect",
        answer: |_| PAUSE.into(),
        seen: &["disconnected: 4000 pause"],
    },
    Row {
        name: "disconnect for good",
        answer: |_| BYE.into(),
        seen: &["disconnected: 4999 bye"],
    },
];

async fn calls_are_refused(column: Column) -> Outcome {
    tokio::try_join!(
        play(column, ROWS, publish::publish_once),
        play(column, ENDS, publish::publish_once),
        play(column, ROWS, rpc::call),
        play(column, ENDS, rpc::call),
        play(column, ROWS, maps::set_once),
        play(column, ENDS_OF_ONE, maps::set_once),
        play(column, ROWS, maps::remove_once),
        play(column, ENDS_OF_ONE, maps::remove_once),
    )?;
    Ok(())
}
