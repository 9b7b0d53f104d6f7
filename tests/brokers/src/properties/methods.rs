//! Each method that consumers execute.

use centrifugo_api::*;

use super::{Finding, Findings, Property};
use crate::broker::{Broker, Mode, command};
use crate::listener::{ALICE, BOB, EXPIRED, Event, Listener};
use crate::site::Site;

const CHANNEL: &str = "kept:a";

/// Sends one command after the other, each when the one before has had its effect.
pub(super) async fn test(broker: &impl Broker) -> Findings {
    let site = Site::open(broker, "methods", Mode::Commands).await?;
    let mut alice = Listener::connect(&site.server, ALICE).await?;
    let mut bob = Listener::connect(&site.server, BOB).await?;

    let subscribe = SubscribeRequest::new(CHANNEL).user("alice");
    site.send(&[command(broker, &subscribe)]).await?;
    assert_eq!(alice.next().await, Event::Subscribed(CHANNEL.to_owned()));

    site.publish(&PublishRequest::new(CHANNEL, "1")).await?;
    assert_eq!(alice.publication().await, "1");

    let broadcast = BroadcastRequest::new(["kept:b", CHANNEL], "2").idempotency_key("2");
    site.publish(&broadcast).await?;
    assert_eq!(alice.publication().await, "2");
    let (_, kept) = site.history("kept:b").await?;
    assert_eq!(kept, ["2"]);

    let remove = HistoryRemoveRequest::new(CHANNEL);
    site.send(&[command(broker, &remove)]).await?;
    site.down_to(0).await?;
    // Of the same key, so it is executed later, whatever the broker.
    site.publish(&PublishRequest::new(CHANNEL, "3")).await?;
    assert_eq!(alice.publication().await, "3");
    let (_, kept) = site.history(CHANNEL).await?;
    assert_eq!(kept, ["3"]);

    let unsubscribe = UnsubscribeRequest::new(CHANNEL).user("alice");
    site.send(&[command(broker, &unsubscribe)]).await?;
    assert_eq!(alice.next().await, Event::Unsubscribed(CHANNEL.to_owned()));

    let refresh = RefreshRequest::new("alice").expired(true);
    site.send(&[command(broker, &refresh)]).await?;
    assert_eq!(alice.next().await, Event::Lost(EXPIRED));

    let disconnect = DisconnectRequest::new("bob").disconnect(Disconnect::new(4500, "enough"));
    site.send(&[command(broker, &disconnect)]).await?;
    assert_eq!(bob.next().await, Event::Lost(4500));

    site.down_to(0).await?;
    Ok(vec![Finding::new(Property::Methods, "7 of 7")])
}
