//! Streams that get what the client publishes.

use centrifugo_proxy::{ClientPublications, EventKind};

use super::allow;
use crate::Outcome;
use crate::harness::{Case, Column, Environment, Make, NO, PAUSE, Row, play};

in_columns_with_streams!(
    publications_of_client_arrive,
    publication_without_bidirectional_stream_is_refused,
    end_and_error_are_those_of_unidirectional_streams,
    bidirectional_streams_are_refused,
);

async fn publications_of_client_arrive(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let channel = case.channel("bidirectional");
    let mut client = case.connected().await;
    client.subscribed(&channel).await;
    let mut stream = case.opened().await;
    let mut received = stream.received.take().expect("it is bidirectional");
    for data in [r#"{"n":1}"#, r#"{"n":2}"#] {
        let published = client.publish(&channel, data).await;
        assert_eq!(published.to_string(), "replied");
        assert_eq!(next(&mut received).await.as_deref(), Some(data));
    }
    // The client does not see its own publications.
    stream.publish("3").await;
    assert_eq!(client.next().await.to_string(), "publication 3");
    client.unsubscribe(&channel);
    assert_eq!(next(&mut received).await, None);
    stream.closed().await;
    Ok(())
}

async fn next(received: &mut ClientPublications) -> Option<String> {
    let data = received.next().await?;
    Some(String::from_utf8_lossy(&data).into_owned())
}

async fn publication_without_bidirectional_stream_is_refused(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let mut client = case.connected().await;
    client.subscribed(&case.channel("stream")).await;
    let _stream = case.opened().await;
    // The one is unidirectional, the client is not subscribed to the other.
    for namespace in ["stream", "bidirectional"] {
        let refused = client.publish(&case.channel(namespace), "1").await;
        assert_eq!(refused.to_string(), "error 108 not available");
    }
    Ok(())
}

async fn end_and_error_are_those_of_unidirectional_streams(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let channel = case.channel("bidirectional");
    let mut client = case.connected().await;
    client.subscribed(&channel).await;
    let stream = case.opened().await;
    stream.send(Err(std::io::Error::other("lost").into())).await;
    let lost = "subscribes again after 2500 insufficient state";
    assert_eq!(client.next().await.to_string(), lost);
    let subscribed = format!("subscribed to {channel}");
    assert_eq!(client.next().await.to_string(), subscribed);
    drop(case.opened().await);
    let ended = "unsubscribed: 2000 server unsubscribe";
    assert_eq!(client.next().await.to_string(), ended);
    Ok(())
}

pub(crate) const REFUSED: &[Row] = &[
    Row {
        name: "error",
        answer: |_| NO.into(),
        seen: &["unsubscribed: 400 no"],
    },
    Row {
        name: "disconnect",
        answer: |_| PAUSE.into(),
        seen: &[
            "reconnects after 4000 pause",
            "connected",
            "subscribed to bidirectional:CASE",
        ],
    },
];

async fn bidirectional_streams_are_refused(column: Column) -> Outcome {
    play(column, REFUSED, subscribe).await
}

/// Subscribes. A client that tries again is accepted.
async fn subscribe(case: &Case, answer: &Make) -> Vec<String> {
    let answers = [answer(case), allow().into()];
    case.answer(EventKind::SubscribeBidirectional, answers);
    let mut client = case.connected().await;
    client.subscribe(&case.channel("bidirectional"));
    let mut seen = Vec::new();
    client.until_subscribed(&mut seen).await;
    seen
}
