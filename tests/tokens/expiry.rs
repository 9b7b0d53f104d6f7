//! Connections and subscriptions that expire, or outlive their tokens.

use std::time::Duration;

use centrifugo_token::{ConnectionClaims, Expiry, SubscriptionClaims};

use crate::Outcome;
use crate::harness::{Backend, Client, Event, Server, key, minute};

on_both!(connections_expire, subscriptions_expire);

/// The server ends an expired connection soon, and looks for expired subscriptions each second. The delay of the embedded server
/// is 25 s.
const SOON: [(&str, &str); 3] = [
    ("CENTRIFUGO_CLIENT_EXPIRED_CLOSE_DELAY", "100ms"),
    ("CENTRIFUGO_CLIENT_EXPIRED_SUB_CLOSE_DELAY", "100ms"),
    ("CENTRIFUGO_CLIENT_PRESENCE_UPDATE_INTERVAL", "1s"),
];

const LIFETIME: Duration = Duration::from_secs(2);
const EMBEDDED_DELAY: Duration = Duration::from_secs(26);

fn expiring() -> Expiry {
    Expiry::after(LIFETIME)
}

/// Waits for the end of the connection or of a subscription.
async fn ended(client: &mut Client) -> Event {
    loop {
        if let event @ (Event::Disconnected(_) | Event::Unsubscribed(_)) = client.next().await {
            return event;
        }
    }
}

async fn connections_expire(backend: Backend) -> Outcome {
    let server = Server::start(backend, &SOON).await;
    let by_exp = ConnectionClaims::new("42", expiring());
    let token = by_exp.sign(&key())?;
    let mut of_exp = server.connected(&by_exp).await?;
    let by_expire_at = ConnectionClaims::new("42", minute()).expire_at(expiring());
    let mut of_expire_at = server.connected(&by_expire_at).await?;
    let mut outliving = [
        server.connected(&by_exp.clone().one_time()).await?,
        server.connected(&by_exp.expire_at(minute())).await?,
    ];
    server.advance(LIFETIME + EMBEDDED_DELAY);
    assert_eq!(ended(&mut of_exp).await, Event::Disconnected(3005));
    assert_eq!(ended(&mut of_expire_at).await, Event::Disconnected(3005));
    assert_eq!(server.connect(&token).await.err(), Some(109));
    for client in &mut outliving {
        assert_eq!(client.subscribe("plain:a").await, Ok(()));
    }
    Ok(())
}

async fn subscriptions_expire(backend: Backend) -> Outcome {
    let server = Server::start(backend, &SOON).await;
    let user = ConnectionClaims::new("42", Expiry::never());
    let claims = |expiry| SubscriptionClaims::user("42").channel("plain:a", expiry);
    let mut clients = Vec::new();
    for claims in [
        claims(expiring()),
        claims(minute()).expire_at(expiring()),
        claims(expiring()).one_time(),
        claims(expiring()).expire_at(minute()),
    ] {
        let mut client = server.connected(&user).await?;
        let token = claims.sign(&key())?;
        assert!(client.subscribe_with("plain:a", &token).await.is_ok());
        clients.push((client, token));
    }
    server.advance(LIFETIME + EMBEDDED_DELAY);
    let [(of_exp, token), (of_expire_at, _), outliving @ ..] = &mut *clients else {
        unreachable!("there are four clients")
    };

    assert_eq!(ended(of_exp).await, Event::Unsubscribed(2501));

    assert_eq!(ended(of_expire_at).await, Event::Unsubscribed(2501));
    let mut other = server.connected(&user).await?;
    assert_eq!(other.subscribe_with("plain:a", token).await, Err(109));
    for (client, _) in outliving {
        assert_eq!(client.subscribe("plain:b").await, Ok(()));
    }
    Ok(())
}
