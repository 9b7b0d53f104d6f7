//! Subscriptions whose publications come from streams of the backend: `SubscribeUnidirectional` and `SubscribeBidirectional`.

pub(crate) mod bidirectional;
mod many;

use centrifugo_proxy::{EventKind, Failed, StreamPublication, StreamSubscribeReply};
use serde_json::json;

use crate::Outcome;
use crate::harness::{
    Answer, BYE, Case, Column, Environment, Event, Make, NO, OpenStream, PAUSE, Row, SOON, garbage,
    in_a_minute, past, play, raw,
};

in_columns_with_streams!(
    streams_are_opened_or_refused,
    publications_of_stream_arrive,
    streams_end,
    stream_is_closed_when_client_goes,
);

const SUBSCRIBED: &[&str] = &["subscribed to stream:CASE", "is 42"];

fn allow() -> StreamSubscribeReply {
    StreamSubscribeReply::allow()
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "empty result",
        answer: |_| allow().into(),
        seen: SUBSCRIBED,
    },
    Row {
        name: "expire_at in the future",
        answer: |_| allow().expire_at(in_a_minute()).into(),
        seen: SUBSCRIBED,
    },
    Row {
        name: "expire_at in the past",
        answer: |_| allow().expire_at(past()).into(),
        seen: &["unsubscribed: 110 expired"],
    },
    Row {
        name: "info",
        answer: |_| allow().info(r#"{"a":1}"#).into(),
        seen: &[
            "subscribed to stream:CASE",
            r#"is 42 of the subscription {"a":1}"#,
        ],
    },
    Row {
        name: "data",
        answer: |_| allow().data(r#"{"a":1}"#).into(),
        seen: &[r#"subscribed to stream:CASE with {"a":1}"#, "is 42"],
    },
    Row {
        name: "presence that is overridden",
        answer: |_| allow().presence(false).into(),
        seen: &["subscribed to stream:CASE"],
    },
    Row {
        name: "recovery, which streams do not have",
        answer: |_| {
            let force = |message: &mut centrifugo_proxy::messages::SubscribeResult| {
                let options = message.r#override.get_or_insert_default();
                options.force_recovery = Some(true.into());
                options.force_positioning = Some(true.into());
            };
            allow().edit(force).into()
        },
        seen: SUBSCRIBED,
    },
    Row {
        name: "error",
        answer: |_| NO.into(),
        seen: &["unsubscribed: 400 no"],
    },
    Row {
        name: "temporary error, which streams do not have",
        answer: |_| SOON.into(),
        seen: &["unsubscribed: 1999 soon"],
    },
    Row {
        name: "disconnect that lets the client reconnect",
        answer: |_| PAUSE.into(),
        seen: &[
            "reconnects after 4000 pause",
            "connected",
            "subscribed to stream:CASE",
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
    Row {
        name: "publication that comes first",
        answer: |_| raw(json!({"publication": {"data": 1}})),
        seen: FAILED,
    },
    Row {
        name: "nothing in the first message",
        answer: |_| raw(json!({})),
        seen: FAILED,
    },
];

/// The client cannot subscribe for a moment.
const FAILED: &[&str] = &[
    "subscribes again after: internal server error (100)",
    "subscribed to stream:CASE",
    "is 42",
];

async fn streams_are_opened_or_refused(column: Column) -> Outcome {
    play(column, ROWS, subscribe).await
}

/// Subscribes. A client that tries again is accepted.
async fn subscribe(case: &Case, answer: &Make) -> Vec<String> {
    let answers = [answer(case), allow().into()];
    case.answer(EventKind::SubscribeUnidirectional, answers);
    let mut client = case.connected().await;
    let channel = case.channel("stream");
    client.subscribe(&channel);
    let mut seen = Vec::new();
    if client.until_subscribed(&mut seen).await {
        seen.extend(case.members(&channel).await);
    }
    seen
}

async fn publications_of_stream_arrive(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let mut client = case.connected().await;
    client.subscribed(&case.channel("stream")).await;
    let stream = case.opened().await;
    stream.publish("1").await;
    stream
        .send(Ok(StreamPublication::new("2").tags([("t", "u")])))
        .await;
    // There is a history in the namespace, but not of streams.
    assert_eq!(client.next().await.to_string(), "publication 1");
    let tagged = r#"publication 2, tags {"t": "u"}"#;
    assert_eq!(client.next().await.to_string(), tagged);
    Ok(())
}

/// Ends a stream that has published something.
type Ending = fn(OpenStream);

pub(crate) const ENDS: &[Row<Ending>] = &[
    Row {
        name: "end",
        answer: drop,
        seen: &["publication 1", "unsubscribed: 2000 server unsubscribe"],
    },
    Row {
        name: "failure",
        answer: |stream| stream.fail(std::io::Error::other("lost")),
        seen: LOST,
    },
    Row {
        name: "`Failed::subscribe_again`",
        answer: |stream| stream.fail(Failed::subscribe_again()),
        seen: LOST,
    },
    Row {
        name: "`stream_until`, when the backend shuts down",
        answer: OpenStream::shut_down,
        seen: LOST,
    },
];

/// The client gets another stream.
const LOST: &[&str] = &[
    "publication 1",
    "subscribes again after 2500 insufficient state",
    "subscribed to stream:CASE",
    "publication 2",
];

async fn streams_end(column: Column) -> Outcome {
    play(column, ENDS, async |case, end: &Ending| {
        let mut client = case.connected().await;
        client.subscribed(&case.channel("stream")).await;
        let stream = case.opened().await;
        stream.publish("1").await;
        let mut seen = vec![client.next().await.to_string()];
        end(stream);
        if client.until_subscribed(&mut seen).await {
            case.opened().await.publish("2").await;
            seen.push(client.next().await.to_string());
        }
        seen
    })
    .await
}

async fn stream_is_closed_when_client_goes(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let mut client = case.connected().await;
    let channel = case.channel("stream");
    client.subscribed(&channel).await;
    let stream = case.opened().await;
    client.unsubscribe(&channel);
    stream.closed().await;
    client.subscribe(&channel);
    while !matches!(client.next().await, Event::Subscribed(_)) {}
    let stream = case.opened().await;
    drop(client);
    stream.closed().await;
    Ok(())
}
