//! Servers that lack what the others have: anonymous clients, and proxies that refresh.

use std::time::Duration;

use centrifugo_proxy::{ConnectReply, EventKind, SubscribeReply};
use serde_json::json;

use crate::Outcome;
use crate::harness::{Answer, Column, Environment};
use crate::tokens::connect_with_expiring_token;

in_own_columns!(clients_expire_and_are_refused);

const WITHOUT: &[(&str, &str)] = &[
    (
        "CENTRIFUGO_CLIENT_ALLOW_ANONYMOUS_CONNECT_WITHOUT_TOKEN",
        "false",
    ),
    ("CENTRIFUGO_CLIENT_PROXY_REFRESH_ENABLED", "false"),
    ("CENTRIFUGO_CLIENT_EXPIRED_CLOSE_DELAY", "100ms"),
];

async fn clients_expire_and_are_refused(column: Column) -> Outcome {
    let environment = Environment::of_own(column, WITHOUT).await?;
    tokio::try_join!(
        unknown_client_is_refused(environment),
        connection_expires(environment),
        expiry_of_token_is_told(environment),
        subscription_expires(environment),
    )?;
    Ok(())
}

async fn unknown_client_is_refused(environment: &'static Environment) -> Outcome {
    for (reply, expected) in [
        (
            ConnectReply::no_credentials(),
            "disconnected: 3501 bad request",
        ),
        (ConnectReply::anonymous(), "connected"),
    ] {
        let case = environment.case();
        case.answer(EventKind::Connect, [reply.into()]);
        assert_eq!(case.connect().next().await.to_string(), expected);
    }
    Ok(())
}

async fn connection_expires(environment: &'static Environment) -> Outcome {
    let case = environment.case();
    let reply = Answer::Then(|| {
        let reply = ConnectReply::user("42").expire_in(Duration::from_secs(2));
        reply.into()
    });
    case.answer(EventKind::Connect, [reply]);
    let (mut client, connected) = case.raw().await;
    // The client should refresh it with a token.
    assert_eq!(connected["expires"], true, "{connected}");
    assert!(connected["ttl"].as_u64() >= Some(1), "{connected}");
    case.pass(Duration::from_secs(60)).await;
    let end = client.push().await.expect_err("the connection ends");
    assert_eq!(end.to_string(), "disconnected: 3005 connection expired");
    Ok(())
}

async fn expiry_of_token_is_told(environment: &'static Environment) -> Outcome {
    let connected = connect_with_expiring_token(&environment.case()).await?;
    assert_eq!(connected["expires"], true, "{connected}");
    Ok(())
}

async fn subscription_expires(environment: &'static Environment) -> Outcome {
    let case = environment.case();
    let reply = Answer::Then(|| {
        let reply = SubscribeReply::allow().expire_in(Duration::from_secs(2));
        reply.into()
    });
    case.answer(EventKind::Subscribe, [reply]);
    let (mut client, _) = case.raw().await;
    let channel = case.channel("off");
    let subscribe = json!({"channel": &channel});
    let subscribed = client.expect("subscribe", subscribe).await;
    assert_eq!(subscribed["expires"], true, "{subscribed}");
    assert!(subscribed["ttl"].as_u64() >= Some(1), "{subscribed}");
    case.pass(Duration::from_secs(60)).await;
    let push = client.push().await.expect("the connection goes on");
    assert_eq!(push["unsubscribe"]["code"], 2501, "{push}");
    Ok(())
}
