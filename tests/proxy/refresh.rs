//! Connections that would expire: `Refresh`.

use std::time::Duration;

use centrifugo_proxy::{ConnectReply, EventKind, RefreshReply};
use centrifugo_token::{ConnectionClaims, Expiry, Key};
use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, Case, Column, Connecting, Make, Row, TOKEN_SECRET, garbage, in_a_minute, past, play,
    raw, unix,
};
use crate::sub_refresh;

in_each_column!(refreshes_of_connections_and_subscriptions);

pub(crate) const EXPIRED: &[&str] = &["reconnects after 3005 connection expired", "connected"];
pub(crate) const GOES_ON: &[&str] = &[
    "goes on",
    r#"is 42 of the connection {"first":1}"#,
    r#"later requests have {"first":1}"#,
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
            r#"later requests have {"first":1}"#,
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
            r#"later requests have {"first":1}"#,
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
            r#"later requests have {"a":1}"#,
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

/// Of connections with a token.
pub(crate) const OF_TOKENS: &[Row] = &[
    Row {
        name: "expired",
        answer: |_| RefreshReply::expired().into(),
        seen: &["reconnects after 3005 connection expired"],
    },
    Row {
        name: "expire_at in the future",
        answer: |_| RefreshReply::until(in_a_minute()).into(),
        seen: &["goes on"],
    },
    Row {
        name: "failure",
        answer: |_| Answer::Fails,
        seen: &["goes on"],
    },
];

async fn refreshes_of_connections_and_subscriptions(column: Column) -> Outcome {
    tokio::try_join!(
        play(column, ROWS, refresh),
        play(column, OF_TOKENS, refresh_of_token),
        sub_refresh::refreshes(column)
    )?;
    Ok(())
}

/// Connects with a token for some seconds, and lets the server ask whether the connection may go on.
async fn refresh_of_token(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Refresh, [answer(case)]);
    let mut client = case.connected_with(expiring(case)).await;
    case.pass(Duration::from_secs(5)).await;
    case.call(EventKind::Refresh).await;
    let event = client.soon().await;
    vec![event.map_or("goes on".to_owned(), |event| event.to_string())]
}

/// Returns the options of a client with a token that expires soon. The backend, which is not asked when it connects, knows it by
/// its user.
fn expiring(case: &Case) -> Connecting {
    let claims = ConnectionClaims::new(case.name(), Expiry::after(Duration::from_secs(3)));
    let key = Key::hs256(TOKEN_SECRET).expect("the secret is valid");
    let token = claims.sign(&key).expect("the claims are valid");
    Connecting {
        token,
        ..Connecting::default()
    }
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
    seen.push(format!("later requests have {meta}"));
    seen
}
