//! Subscriptions that would expire: `SubRefresh`.

use std::time::Duration;

use centrifugo_proxy::{ConnectReply, EventKind, SubRefreshReply, SubscribeReply};
use centrifugo_token::{Expiry, Key, SubscriptionClaims};
use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Event, Make, Row, Subscribing, TOKEN_SECRET, garbage, in_a_minute, past,
    play, raw, unix,
};

pub(crate) const EXPIRED: &[&str] = &[
    "subscribes again after 2501 subscription expired",
    "subscribed to refreshed:CASE",
];
pub(crate) const GOES_ON: &[&str] = &["goes on", r#"left: 42 of the subscription {"first":1}"#];

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        answer: |_| raw(json!({})),
        seen: EXPIRED,
    },
    Row {
        name: "empty result, which lets it never expire",
        answer: |_| SubRefreshReply::for_ever().into(),
        seen: GOES_ON,
    },
    Row {
        name: "expired",
        answer: |_| SubRefreshReply::expired().into(),
        seen: EXPIRED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| SubRefreshReply::until(past()).into(),
        seen: EXPIRED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| SubRefreshReply::until(in_a_minute()).into(),
        seen: GOES_ON,
    },
    Row {
        name: "info",
        answer: |_| {
            SubRefreshReply::until(in_a_minute())
                .info(r#"{"a":1}"#)
                .into()
        },
        seen: &["goes on", r#"left: 42 of the subscription {"a":1}"#],
    },
    Row {
        name: "b64info beats info",
        answer: |_| {
            let expire_at = unix(in_a_minute());
            raw(
                json!({"result": {"expire_at": expire_at, "info": {"a": 1}, "b64info": "eyJiIjoyfQ=="}}),
            )
        },
        seen: &["goes on", r#"left: 42 of the subscription {"b":2}"#],
    },
    Row {
        name: "b64info that is not base64",
        answer: |_| raw(json!({"result": {"expire_at": unix(in_a_minute()), "b64info": "?"}})),
        seen: EXPIRED,
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

/// Of subscriptions with a token.
pub(crate) const OF_TOKENS: &[Row] = &[
    Row {
        name: "expired",
        answer: |_| SubRefreshReply::expired().into(),
        seen: &["subscribes again after 2501 subscription expired"],
    },
    Row {
        name: "expire_at in the future",
        answer: |_| SubRefreshReply::until(in_a_minute()).into(),
        seen: &["goes on"],
    },
];

/// Plays the tables. They take some seconds, as those of connections do.
pub(crate) async fn refreshes(column: Column) -> Outcome {
    tokio::try_join!(
        play(column, ROWS, refresh),
        play(column, OF_TOKENS, refresh_of_token)
    )?;
    Ok(())
}

/// Subscribes with a token for some seconds, and lets the server ask whether the subscription may go on.
async fn refresh_of_token(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::SubRefresh, [answer(case)]);
    let mut client = case.connected().await;
    let channel = case.channel("refreshed");
    let expiry = Expiry::after(Duration::from_secs(3));
    let claims = SubscriptionClaims::user("42").channel(&channel, expiry);
    let key = Key::hs256(TOKEN_SECRET).expect("the secret is valid");
    let token = claims.sign(&key).expect("the claims are valid");
    let subscribing = Subscribing {
        token,
        ..Subscribing::default()
    };
    client.subscribe_with(&channel, subscribing);
    while !matches!(client.next().await, Event::Joined(_)) {}
    // The server looks for what has expired every 25 s.
    case.pass(Duration::from_secs(30)).await;
    case.call(EventKind::SubRefresh).await;
    let event = client.soon().await;
    vec![event.map_or("goes on".to_owned(), |event| event.to_string())]
}

/// Subscribes for a second, and lets the server ask whether the subscription may go on. Another client sees the first one leave.
pub(crate) async fn refresh(case: &Case, answer: &Make) -> Vec<String> {
    let channel = case.channel("refreshed");
    let watcher = ConnectReply::user("watcher").channel(&channel);
    let user = ConnectReply::user("42");
    case.answer(EventKind::Connect, [watcher.into(), user.into()]);
    let first = Answer::Then(|| {
        let reply = SubscribeReply::allow().expire_in(Duration::from_secs(2));
        reply.info(r#"{"first":1}"#).into()
    });
    let later = SubscribeReply::allow();
    case.answer(EventKind::Subscribe, [first, later.into()]);
    case.answer(EventKind::SubRefresh, [answer(case)]);
    let mut watcher = case.connected().await;
    let mut client = case.connected().await;
    client.subscribed(&channel).await;
    // The server looks for what has expired every 25 s.
    case.pass(Duration::from_secs(30)).await;
    case.call(EventKind::SubRefresh).await;
    let mut seen = Vec::new();
    while let Some(event) = client.soon().await {
        match event {
            Event::Joined(_) => {}
            event => seen.push(event.to_string()),
        }
    }
    if seen.is_empty() {
        seen.push("goes on".to_owned());
        drop(client);
        loop {
            if let event @ Event::Left(_) = watcher.next().await {
                seen.push(event.to_string());
                break;
            }
        }
    }
    seen
}
