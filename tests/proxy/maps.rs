//! Keys of maps that clients set and remove: `MapPublish` and `MapRemove`.

use centrifugo_api::{MapPublishRequest, binary};
use centrifugo_proxy::{EventKind, KeyMode, MapPublishReply, MapRemoveReply};
use serde_json::{Value, json};

use crate::Outcome;
use crate::harness::{Case, Column, Make, RawClient, Row, play, raw};
use crate::refused_calls::ERROR_100;

in_each_column!(
    keys_that_are_set,
    keys_that_are_set_twice,
    keys_that_are_removed
);

/// Centrifugo sets the key, and then refuses the call of the client: its proxy does not tell its library the key.
const SET: &[&str] = &["error 107 bad request", r#"key k is {"in":1}, by 42"#];

fn allow() -> MapPublishReply {
    MapPublishReply::allow()
}

const PUBLISHED: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: SET,
    },
    Row {
        name: "empty result",
        answer: |_| allow().into(),
        seen: SET,
    },
    Row {
        name: "key",
        answer: |_| allow().key("other").into(),
        seen: &["error 107 bad request", r#"key other is {"in":1}, by 42"#],
    },
    Row {
        name: "data",
        answer: |_| allow().data(r#"{"a":1}"#).into(),
        seen: &["error 107 bad request", r#"key k is {"a":1}, by 42"#],
    },
    Row {
        name: "data that is sent as base64",
        answer: |_| allow().data(binary(r#"{"a":1}"#)).into(),
        seen: &["error 107 bad request", r#"key k is {"a":1}, by 42"#],
    },
    Row {
        name: "data beats b64data",
        answer: |_| raw(json!({"result": {"data": {"a": 1}, "b64data": "eyJiIjoyfQ=="}})),
        seen: &["error 107 bad request", r#"key k is {"a":1}, by 42"#],
    },
    Row {
        name: "b64data that is not base64",
        answer: |_| raw(json!({"result": {"b64data": "?"}})),
        seen: ERROR_100,
    },
    Row {
        name: "tags",
        answer: |_| allow().tags([("t", "u")]).into(),
        seen: &[
            "error 107 bad request",
            r#"key k is {"in":1}, tags {"t":"u"}, by 42"#,
        ],
    },
    Row {
        name: "key_mode of keys that are new",
        answer: |_| allow().key_mode(KeyMode::IfNew).into(),
        seen: SET,
    },
    Row {
        name: "key_mode of keys that exist",
        answer: |_| allow().key_mode(KeyMode::IfExists).into(),
        seen: &["error 107 bad request"],
    },
    Row {
        name: "unknown key_mode",
        answer: |_| raw(json!({"result": {"key_mode": "unknown"}})),
        seen: SET,
    },
    Row {
        name: "version",
        answer: |_| allow().version(3).version_epoch("epoch").into(),
        seen: SET,
    },
    Row {
        name: "score and stream_data, which only PRO knows",
        answer: |_| allow().score(5).stream_data(r#"{"s":1}"#).into(),
        seen: SET,
    },
];

async fn keys_that_are_set(column: Column) -> Outcome {
    play(column, PUBLISHED, set_once).await
}

/// Rows in which the client sets the key twice, which is answered alike.
const REPEATED: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| allow().into(),
        seen: &[r#"key k is {"in":1}, by 42"#, r#"key k is {"in":2}, by 42"#],
    },
    Row {
        name: "the same idempotency_key",
        answer: |_| allow().idempotency_key("key").into(),
        seen: &[r#"key k is {"in":1}, by 42"#],
    },
    Row {
        name: "the same version",
        answer: |_| allow().version(3).into(),
        seen: &[r#"key k is {"in":1}, by 42"#],
    },
    Row {
        name: "key_mode of keys that are new",
        answer: |_| allow().key_mode(KeyMode::IfNew).into(),
        seen: &[r#"key k is {"in":1}, by 42"#],
    },
];

async fn keys_that_are_set_twice(column: Column) -> Outcome {
    play(column, REPEATED, set_twice).await
}

const REMOVED: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: &["error 107 bad request", "key k is removed"],
    },
    Row {
        name: "empty result",
        answer: |_| MapRemoveReply::allow().into(),
        seen: &["error 107 bad request", "key k is removed"],
    },
    Row {
        name: "key",
        answer: |_| MapRemoveReply::allow().key("l").into(),
        seen: &["error 107 bad request", "key l is removed"],
    },
    Row {
        name: "key that the map does not have",
        answer: |_| MapRemoveReply::allow().key("m").into(),
        seen: &["error 107 bad request"],
    },
    Row {
        name: "tags",
        answer: |_| MapRemoveReply::allow().tags([("t", "u")]).into(),
        seen: &[
            "error 107 bad request",
            r#"key k is removed, tags {"t":"u"}"#,
        ],
    },
];

async fn keys_that_are_removed(column: Column) -> Outcome {
    play(column, REMOVED, remove_once).await
}

/// Sets a key of a map to which the client has subscribed.
pub(crate) async fn set_once(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::MapPublish, [answer(case)]);
    let set = json!({"type": 1, "key": "k", "data": {"in": 1}});
    change(case, &[set]).await
}

async fn set_twice(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::MapPublish, [answer(case)]);
    let set = |n| json!({"type": 1, "key": "k", "data": {"in": n}});
    let mut seen = change(case, &[set(1), set(2)]).await;
    seen.retain(|line| !line.starts_with("error"));
    seen
}

/// Removes a key of a map that has the keys `k` and `l`.
pub(crate) async fn remove_once(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::MapRemove, [answer(case)]);
    for key in ["k", "l"] {
        set_by_api(case, key).await;
    }
    change(case, &[json!({"type": 1, "key": "k", "removed": true})]).await
}

/// Changes a map to which the client has subscribed.
async fn change(case: &Case, changes: &[Value]) -> Vec<String> {
    let channel = case.channel("map");
    let (mut client, _) = case.raw().await;
    let subscribe = json!({"channel": &channel, "type": 1, "phase": 2});
    client.expect("subscribe", subscribe).await;
    let mut seen = Vec::new();
    for change in changes {
        let mut change = change.clone();
        change["channel"] = json!(&channel);
        match client.call("publish", change).await {
            Ok(_) => seen.push("replied".to_owned()),
            Err(event) => seen.push(event.to_string()),
        }
    }
    if client.is_connected() {
        set_by_api(case, "end").await;
        until_end(&mut client, &mut seen).await;
    }
    seen
}

async fn set_by_api(case: &Case, key: &str) {
    let request = MapPublishRequest::new(case.channel("map"), "1").key(key);
    let set = case.api().map_publish(request).await;
    set.expect("the server sets the key");
}

/// Writes down the changes of the map until that of the key `end`.
async fn until_end(client: &mut RawClient, seen: &mut Vec<String>) {
    loop {
        let push = client
            .push()
            .await
            .unwrap_or_else(|event| panic!("{event}"));
        let publication = &push["pub"];
        let key = publication["key"].as_str().unwrap_or_default();
        if key == "end" {
            return;
        }
        let change = match publication["removed"].as_bool() {
            Some(true) => "removed".to_owned(),
            _ => publication["data"].to_string(),
        };
        let mut line = format!("key {key} is {change}");
        if !publication["tags"].is_null() {
            line += &format!(", tags {}", publication["tags"]);
        }
        if let Some(user) = publication["info"]["user"].as_str() {
            line += &format!(", by {user}");
        }
        seen.push(line);
    }
}
