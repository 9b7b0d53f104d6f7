//! Clients with tokens, about which the server does not ask.

use centrifugo_proxy::EventKind;
use centrifugo_token::{ConnectionClaims, Expiry, Key, SubscriptionClaims};

use crate::Outcome;
use crate::harness::{BYE, Column, Connecting, Environment, Subscribing, TOKEN_SECRET};

in_own_columns!(tokens_are_not_asked_about);

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
