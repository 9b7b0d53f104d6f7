//! Statuses of HTTP that the configuration turns into errors and disconnects: `http.status_to_code_transforms`.

use std::time::Duration;

use centrifugo_proxy::{ConnectReply, EventKind, SubscribeReply};

use crate::Outcome;
use crate::harness::{Answer, Case, Client, Column, Event, Make, Row, play, status};

/// The time after which the server has asked about what expires in two seconds.
const EXPIRED: Duration = Duration::from_secs(30);

/// The transforms of the configuration.
const NOT_FOUND: Make = |_| status(404);
const SLOW_DOWN: Make = |_| status(429);
const FORBIDDEN: Make = |_| status(403);
const LATER: Make = |_| status(503);
/// It says nothing of this one.
const OTHER: Make = |_| status(418);

pub(crate) const CALLS: &[Row] = &[
    Row {
        name: "error",
        answer: NOT_FOUND,
        seen: &["error 404 not found"],
    },
    Row {
        name: "temporary error",
        answer: SLOW_DOWN,
        seen: &["error 429 slow down, temporary"],
    },
    Row {
        name: "disconnect",
        answer: FORBIDDEN,
        seen: &[
            "failed: client disconnected",
            "disconnected: 4503 forbidden",
        ],
    },
    Row {
        name: "disconnect that lets the client reconnect",
        answer: LATER,
        seen: &[
            "failed: client disconnected",
            "reconnects after 4003 later",
            "connected",
        ],
    },
    Row {
        name: "another status",
        answer: OTHER,
        seen: &["error 100 internal server error, temporary"],
    },
];

pub(crate) const SUBSCRIPTIONS: &[Row] = &[
    Row {
        name: "error",
        answer: NOT_FOUND,
        seen: &["unsubscribed: 404 not found"],
    },
    Row {
        name: "temporary error",
        answer: SLOW_DOWN,
        seen: &["subscribes again after: slow down (429)"],
    },
    Row {
        name: "disconnect",
        answer: FORBIDDEN,
        seen: &["disconnected: 4503 forbidden"],
    },
];

pub(crate) const CONNECTIONS: &[Row] = &[
    Row {
        name: "error",
        answer: NOT_FOUND,
        seen: &[
            "connects again after: not found (404)",
            "disconnected: 404 not found",
        ],
    },
    Row {
        name: "disconnect",
        answer: FORBIDDEN,
        seen: &["disconnected: 4503 forbidden"],
    },
];

/// The error and the disconnect are ignored, and there is no result: it has expired.
pub(crate) const REFRESHES: &[Row] = &[
    Row {
        name: "error",
        answer: NOT_FOUND,
        seen: &["reconnects after 3005 connection expired", "connected"],
    },
    Row {
        name: "disconnect for good",
        answer: FORBIDDEN,
        seen: &["reconnects after 3005 connection expired", "connected"],
    },
];

pub(crate) const SUB_REFRESHES: &[Row] = &[
    Row {
        name: "error",
        answer: NOT_FOUND,
        seen: &["subscribes again after 2501 subscription expired"],
    },
    Row {
        name: "disconnect for good",
        answer: FORBIDDEN,
        seen: &["subscribes again after 2501 subscription expired"],
    },
];

in_columns_with_statuses!(statuses_become_errors_and_disconnects);

async fn statuses_become_errors_and_disconnects(column: Column) -> Outcome {
    tokio::try_join!(
        play(column, CALLS, rpc),
        play(column, CALLS, publish),
        play(column, SUBSCRIPTIONS, subscribe),
        play(column, CONNECTIONS, connect),
        play(column, REFRESHES, refresh),
        play(column, SUB_REFRESHES, sub_refresh),
    )?;
    Ok(())
}

async fn rpc(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Rpc, [answer(case)]);
    let client = case.connected().await;
    let replied = client.rpc("rpc_transformed:method", "{}").await;
    until_end(client, replied).await
}

async fn publish(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Publish, [answer(case)]);
    let client = case.connected().await;
    let replied = client.publish(&case.channel("transformed"), "{}").await;
    until_end(client, replied).await
}

async fn until_end(mut client: Client, replied: Event) -> Vec<String> {
    let mut seen = vec![replied.to_string()];
    if let Event::Failed(_) = replied {
        client.end(&mut seen).await;
    }
    seen
}

async fn subscribe(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Subscribe, [answer(case)]);
    let mut client = case.connected().await;
    client.subscribe(&case.channel("transformed"));
    vec![client.next().await.to_string()]
}

async fn connect(case: &Case, answer: &Make) -> Vec<String> {
    case.answer(EventKind::Connect, [answer(case)]);
    let mut seen = Vec::new();
    case.connect().end(&mut seen).await;
    seen
}

async fn refresh(case: &Case, answer: &Make) -> Vec<String> {
    let first = Answer::Then(|| {
        let reply = ConnectReply::user("42").expire_in(Duration::from_secs(1));
        reply.into()
    });
    case.answer(EventKind::Connect, [first, ConnectReply::user("42").into()]);
    case.answer(EventKind::Refresh, [answer(case)]);
    let mut client = case.connected().await;
    case.pass(EXPIRED).await;
    let mut seen = Vec::new();
    client.end(&mut seen).await;
    seen
}

async fn sub_refresh(case: &Case, answer: &Make) -> Vec<String> {
    let first = Answer::Then(|| {
        let reply = SubscribeReply::allow().expire_in(Duration::from_secs(2));
        reply.into()
    });
    case.answer(
        EventKind::Subscribe,
        [first, SubscribeReply::allow().into()],
    );
    case.answer(EventKind::SubRefresh, [answer(case)]);
    let mut client = case.connected().await;
    client.subscribed(&case.channel("transformed")).await;
    case.pass(EXPIRED).await;
    vec![client.next().await.to_string()]
}
