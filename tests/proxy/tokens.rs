//! Clients with tokens, about which the server does not ask.

use std::time::Duration;

use centrifugo_proxy::EventKind;
use centrifugo_token::{ConnectionClaims, Expiry, Key, SubscriptionClaims};
use serde_json::{Value, json};

use crate::Outcome;
use crate::harness::{BYE, Case, Column, Connecting, Environment, Subscribing, TOKEN_SECRET};

in_own_columns!(
    tokens_are_not_asked_about,
    expiry_of_token_is_not_told_where_refresh_is_proxied,
);

async fn tokens_are_not_asked_about(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    for kind in [EventKind::Connect, EventKind::Subscribe] {
        case.answer(kind, [BYE.into()]);
    }
    let key = Key::hs256(TOKEN_SECRET)?;
    let token = ConnectionClaims::new("42", Expiry::never()).sign(&key)?;
    let connecting = Connecting {
        token,
        ..Connecting::default()
    };
    let mut client = case.connected_with(connecting).await;
    let channel = case.channel("off");
    let claims = SubscriptionClaims::user("42").channel(&channel, Expiry::never());
    let token = claims.sign(&key)?;
    let subscribing = Subscribing {
        token,
        ..Subscribing::default()
    };
    client.subscribe_with(&channel, subscribing);
    let subscribed = format!("subscribed to {channel}");
    assert_eq!(client.next().await.to_string(), subscribed);
    // The backend does not know this client, since it was not asked when that connected.
    let replied = client.rpc("rpc:method", "{}").await;
    assert_eq!(
        replied.to_string(),
        "error 100 internal server error, temporary"
    );
    Ok(())
}

async fn expiry_of_token_is_not_told_where_refresh_is_proxied(column: Column) -> Outcome {
    let case = Environment::of(column).await?.case();
    let connected = connect_with_expiring_token(&case).await?;
    assert_eq!(connected["expires"], Value::Null, "{connected}");
    Ok(())
}

/// Connects a client with a token that expires in a minute, and returns the reply.
pub(crate) async fn connect_with_expiring_token(
    case: &Case,
) -> Result<Value, Box<dyn std::error::Error>> {
    let expiry = Expiry::after(Duration::from_secs(60));
    let token = ConnectionClaims::new("42", expiry).sign(&Key::hs256(TOKEN_SECRET)?)?;
    let (_client, connected) = case.raw_with(json!({"token": token})).await;
    Ok(connected)
}
