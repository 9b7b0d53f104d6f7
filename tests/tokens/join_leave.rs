//! Overrides of join and leave events, which another client sees.

use centrifugo_api::SubscribeOptionOverride;
use centrifugo_token::{ConnectionClaims, SubscriptionClaims, SubscriptionOptions};

use crate::Outcome;
use crate::harness::{Backend, Client, Event, Server, key, minute};

on_both!(overrides_hide_joins, overrides_show_joins);

fn hidden() -> SubscribeOptionOverride {
    SubscribeOptionOverride::new().join_leave(false)
}

fn shown() -> SubscribeOptionOverride {
    SubscribeOptionOverride::new()
        .join_leave(true)
        .force_push_join_leave(true)
}

/// Connects a client whose token subscribes it.
async fn connect(
    server: &Server,
    channel: &str,
    options: SubscriptionOptions,
) -> Result<Client, Box<dyn std::error::Error>> {
    let claims = ConnectionClaims::new("42", minute()).subscription(channel, options);
    server.connected(&claims).await
}

/// Subscribes a client that was connected before.
async fn subscribe(
    server: &Server,
    channel: &str,
    options: Option<SubscribeOptionOverride>,
) -> Result<Client, Box<dyn std::error::Error>> {
    let user = ConnectionClaims::new("42", minute());
    let mut client = server.connected(&user).await?;
    let mut claims = SubscriptionClaims::user("42").channel(channel, minute());
    if let Some(options) = options {
        claims = claims.r#override(options);
    }
    let subscribed = client.subscribe_with(channel, &claims.sign(&key())?).await;
    subscribed.map_err(|code| format!("refused with {code}"))?;
    Ok(client)
}

/// Waits for the next client, other than this one, that joins.
async fn joined(client: &mut Client) -> String {
    let own = client.id().to_owned();
    loop {
        match client.next().await {
            Event::Joined { client, .. } if client != own => return client,
            Event::Disconnected(code) => panic!("disconnected with {code}"),
            _ => {}
        }
    }
}

async fn overrides_hide_joins(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let channel = "plain:a";
    let options = SubscriptionOptions::new;
    let mut by_connection = connect(&server, channel, options()).await?;
    let mut by_subscription = subscribe(&server, channel, None).await?;
    assert_eq!(joined(&mut by_connection).await, by_subscription.id());
    let _hidden = connect(&server, channel, options().r#override(hidden())).await?;
    let _also_hidden = subscribe(&server, channel, Some(hidden())).await?;
    let seen = connect(&server, channel, options()).await?;
    assert_eq!(joined(&mut by_connection).await, seen.id());
    assert_eq!(joined(&mut by_subscription).await, seen.id());
    Ok(())
}

/// The namespace has no such events.
async fn overrides_show_joins(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let channel = "nohist:a";
    let options = SubscriptionOptions::new;
    let mut watching = connect(&server, channel, options().r#override(shown())).await?;
    let _not_seen = connect(&server, channel, options()).await?;
    let _not_seen_either = subscribe(&server, channel, None).await?;
    let seen = connect(&server, channel, options().r#override(shown())).await?;
    assert_eq!(joined(&mut watching).await, seen.id());
    let seen = subscribe(&server, channel, Some(shown())).await?;
    assert_eq!(joined(&mut watching).await, seen.id());
    Ok(())
}
