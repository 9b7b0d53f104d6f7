//! Keys of maps that clients set and remove: `MapPublish` and `MapRemove`.

use centrifugo_api::{MapPublishRequest, binary};
use centrifugo_proxy::{EventKind, KeyMode, MapPublishReply, MapRemoveReply};
use serde_json::{Value, json};

use crate::Outcome;
use crate::harness::{Case, Column, Environment, Make, RawClient, Row, play, raw};
use crate::refused_calls::ERROR_100;

in_each_column!(
    subscriptions_that_the_backend_allows,
    keys_that_are_set,
    keys_that_are_set_twice,
    keys_that_are_removed
);

/// Centrifugo sets the key, and then refuses the call of the client: its proxy does not tell its library the key.
pub(crate) const SET: &[&str] = &["error 107 bad request", r#"key k is {"in":1}, by 42"#];

fn allow() -> MapPublishReply {
    MapPublishReply::allow()
}

pub(crate) const PUBLISHED: &[Row] = &[
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

type Two = fn() -> [MapPublishReply; 2];

const ONE: &[&str] = &[r#"key k is {"in":1}, by 42"#];
const BOTH: &[&str] = &[r#"key k is {"in":1}, by 42"#, r#"key k is {"in":2}, by 42"#];

/// Rows in which the client sets the key twice.
pub(crate) const REPEATED: &[Row<Two>] = &[
    Row {
        name: "nothing",
        answer: || [allow(), allow()],
        seen: BOTH,
    },
    Row {
        name: "the same idempotency_key",
        answer: || [allow().idempotency_key("1"), allow().idempotency_key("1")],
        seen: ONE,
    },
    Row {
        name: "an older version",
        answer: || [allow().version(3), allow().version(2)],
        seen: ONE,
    },
    Row {
        name: "an older version of another version_epoch",
        answer: || {
            let [first, second] = [allow().version(3), allow().version(2)];
            [first.version_epoch("a"), second.version_epoch("b")]
        },
        seen: BOTH,
    },
    Row {
        name: "key_mode of keys that are new",
        answer: || [allow(), allow().key_mode(KeyMode::IfNew)],
        seen: ONE,
    },
    Row {
        name: "key_mode of keys that exist",
        answer: || [allow(), allow().key_mode(KeyMode::IfExists)],
        seen: BOTH,
    },
];

async fn keys_that_are_set_twice(column: Column) -> Outcome {
    play(column, REPEATED, set_twice).await
}

pub(crate) const REMOVED: &[Row] = &[
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
    play(column, REMOVED, remove_once).await?;
    play(column, REMOVED_TWICE, remove_twice).await
}

/// Rows in which the client removes the key, and removes it again after it was set again.
pub(crate) const REMOVED_TWICE: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| MapRemoveReply::allow().into(),
        seen: &["key k is removed", "key k is 1", "key k is removed"],
    },
    Row {
        name: "the same idempotency_key",
        answer: |_| MapRemoveReply::allow().idempotency_key("1").into(),
        seen: &["key k is removed", "key k is 1"],
    },
];

async fn remove_twice(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::MapRemove, [answer(case)]);
    set_by_api(case, "k").await;
    let mut client = subscribed(case).await;
    let channel = case.channel("map");
    let remove = json!({"channel": &channel, "type": 1, "key": "k", "removed": true});
    // Error 107: see above.
    let _ = client.call("publish", remove.clone()).await;
    set_by_api(case, "k").await;
    let _ = client.call("publish", remove).await;
    set_by_api(case, "end").await;
    let mut seen = Vec::new();
    until_end(&mut client, &mut seen).await;
    seen
}

/// Sets a key of a map to which the client has subscribed.
pub(crate) async fn set_once(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::MapPublish, [answer(case)]);
    let set = json!({"type": 1, "key": "k", "data": {"in": 1}});
    change(case, &[set]).await
}

async fn set_twice(case: &Case, answers: &Two) -> Vec<String> {
    case.answer(EventKind::MapPublish, answers().map(Into::into));
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
    let mut client = subscribed(case).await;
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

/// Connects a client that subscribes to the map.
async fn subscribed(case: &Case) -> RawClient {
    let (mut client, _) = case.raw().await;
    let subscribe = json!({"channel": case.channel("map"), "type": 1, "phase": 2});
    client.expect("subscribe", subscribe).await;
    client
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

/// Centrifugo tells its library the type of the subscription only where it does not ask the backend.
async fn subscriptions_that_the_backend_allows(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let (mut client, _) = case.raw().await;
    let subscribe = json!({"channel": case.channel("map_asked"), "type": 1, "phase": 2});
    let refused = client
        .call("subscribe", subscribe)
        .await
        .expect_err("it is refused");
    assert_eq!(refused.to_string(), "error 107 bad request");
    // It is allowed to subscribe to shared polls.
    let subscribe = json!({"channel": case.channel("poll_asked"), "type": 4});
    client.expect("subscribe", subscribe).await;
    Ok(())
}
