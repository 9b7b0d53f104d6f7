//! The minute for which connections and subscriptions go on after a failed refresh.
//!
//! No option of Centrifugo 6.9.1 changes its length, so that real servers are watched for some seconds of it by default.
//! `CENTRIFUGO_API_PROXY` sets the length in seconds: with 60, the tests see it end, and take a little longer. The embedded server
//! is always watched for all of it, since the tests move its time.

use std::time::Duration;

use centrifugo_proxy::{ConnectReply, EventKind, RefreshReply, SubRefreshReply, SubscribeReply};

use crate::Outcome;
use crate::harness::{Answer, Case, Column, Environment, Event};

in_own_columns!(failed_refreshes_are_repeated_after_a_minute);

const MINUTE: Duration = Duration::from_secs(60);

/// Servers count whole seconds.
const INACCURACY: Duration = Duration::from_secs(2);

/// By default a server asks about a subscription 25 s after its time. Real ones are configured to do so at once.
const DELAY: Duration = Duration::from_secs(30);

async fn failed_refreshes_are_repeated_after_a_minute(column: Column) -> Outcome {
    let watched = match std::env::var("CENTRIFUGO_API_PROXY") {
        _ if column == Column::Embedded => MINUTE,
        Ok(seconds) => Duration::from_secs(seconds.parse()?),
        Err(_) => Duration::from_secs(5),
    };
    let environment = Environment::of(column).await?;
    let cases = [environment.case(), environment.case()];
    tokio::join!(
        connection(&cases[0], watched),
        subscription(&cases[1], watched)
    );
    Ok(())
}

async fn connection(case: &Case, watched: Duration) {
    let connected = Answer::Then(|| {
        let reply = ConnectReply::user("42").expire_in(Duration::from_secs(1));
        reply.into()
    });
    let later = ConnectReply::user("later").into();
    case.answer(EventKind::Connect, [connected, later]);
    let expired = RefreshReply::expired().into();
    case.answer(EventKind::Refresh, [Answer::Fails, expired]);
    let mut client = case.connected().await;
    let ended = is_repeated(case, EventKind::Refresh, watched).await;
    let event = client.soon().await.map(|event| event.to_string());
    let expired = "reconnects after 3005 connection expired";
    assert_eq!(event.as_deref(), ended.then_some(expired));
}

async fn subscription(case: &Case, watched: Duration) {
    let subscribed = Answer::Then(|| {
        let reply = SubscribeReply::allow().expire_in(Duration::from_secs(1));
        reply.into()
    });
    let later = SubscribeReply::allow().into();
    case.answer(EventKind::Subscribe, [subscribed, later]);
    let expired = SubRefreshReply::expired().into();
    case.answer(EventKind::SubRefresh, [Answer::Fails, expired]);
    let mut client = case.connected().await;
    client.subscribed(&case.channel("refreshed")).await;
    assert!(matches!(client.next().await, Event::Joined(_)));
    let ended = is_repeated(case, EventKind::SubRefresh, watched).await;
    let event = client.soon().await.map(|event| event.to_string());
    let expired = "subscribes again after 2501 subscription expired";
    assert_eq!(event.as_deref(), ended.then_some(expired));
}

/// Waits for the first question, and returns whether the server asks again after a minute. It must not do so before.
async fn is_repeated(case: &Case, kind: EventKind, watched: Duration) -> bool {
    case.pass(DELAY).await;
    case.call(kind).await;
    let quiet = watched.min(MINUTE - INACCURACY);
    assert!(!case.is_asked_within(quiet, kind).await, "{kind} too early");
    if watched < MINUTE {
        return false;
    }
    assert!(case.is_asked_within(DELAY, kind).await, "{kind}");
    true
}
