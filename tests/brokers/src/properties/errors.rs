//! Temporary errors of Centrifugo.

use centrifugo_api::{PublishRequest, SubscribeRequest, UnsubscribeRequest};

use super::order::CHANNELS;
use super::{Finding, Findings, Property};
use crate::audience::Audience;
use crate::broker::{Broker, Mode, command};
use crate::listener::{ALICE, Event, Listener};
use crate::redis::Redis;
use crate::server::Transport;
use crate::site::Site;

/// What Centrifugo logs of error 100.
const ERROR_100: &str = "internal server error";

/// A command gets error 100 until the test removes the cause. Others follow it, for its channel and for
/// another one.
pub(super) async fn temporary(broker: &impl Broker) -> Findings {
    const MESSAGES: usize = 10;
    let [blocked, other, ..] = CHANNELS;
    let site = Site::open(broker, "temporary", Mode::Commands).await?;
    let mut alice = Listener::connect(&site.server, ALICE).await?;
    let audience = Audience::of(&site.server, &[blocked, other]).await?;
    let client = site.server.client(Transport::Http);
    let subscribe = SubscribeRequest::new(blocked).user("alice");
    client.subscribe(subscribe.clone()).await?;
    assert_eq!(alice.next().await, Event::Subscribed(blocked.to_owned()));

    // A second subscription of the same client is error 100.
    let mut messages = vec![command(broker, &subscribe)];
    for number in 0..MESSAGES {
        for channel in [blocked, other] {
            let request = PublishRequest::new(channel, number.to_string());
            messages.push(site.publication(&request));
        }
    }
    site.send(&messages).await?;
    audience.texts(other, MESSAGES).await;
    site.logged(ERROR_100, 3).await?;
    let waits = broker.promises().waits;
    if waits {
        assert_eq!(audience.seen().texts(blocked), [""; 0]);
    } else {
        audience.texts(blocked, MESSAGES).await;
    }

    let unsubscribe = UnsubscribeRequest::new(blocked).user("alice");
    client.unsubscribe(unsubscribe).await?;
    while alice.next().await != Event::Unsubscribed(blocked.to_owned()) {}
    assert_eq!(alice.next().await, Event::Subscribed(blocked.to_owned()));
    let texts = audience.texts(blocked, MESSAGES).await;
    assert_eq!(texts.len(), MESSAGES);
    site.down_to(0).await?;
    let cell = if waits { "wait" } else { "overtake" };
    Ok(vec![Finding::new(Property::Waits, cell)])
}

/// The engine does not answer for a while, and executes then what was sent to it meanwhile.
pub(super) async fn stalled(broker: &impl Broker, mode: Mode) -> Findings {
    const MESSAGES: usize = 100;
    let engine = Redis::start().await?;
    let site = Site::open_with_engine(broker, "stalled", mode, &engine).await?;
    let audience = Audience::of(&site.server, &CHANNELS).await?;
    let messages: Vec<_> = (0..MESSAGES)
        .map(|number| {
            let channel = CHANNELS[number % CHANNELS.len()];
            let request = PublishRequest::new(channel, number.to_string());
            site.publication(&request.idempotency_key(format!("key-{number}")))
        })
        .collect();
    engine.freeze(true)?;
    site.send(&messages).await?;
    site.logged(ERROR_100, 1).await?;
    assert_eq!(audience.seen().count(), 0);
    engine.freeze(false)?;

    let all = audience.until("a message", |seen| seen.count() >= MESSAGES);
    drop(all.await);
    site.down_to(0).await?;
    let mut count = 0;
    for channel in CHANNELS {
        count += site.history(channel).await?.0;
    }
    assert_eq!(count, MESSAGES, "nothing is published twice");
    assert_eq!(audience.seen().count(), MESSAGES);
    let cell = format!("{MESSAGES} of {MESSAGES} once");
    Ok(vec![Finding::new(Property::Stalled(mode), cell)])
}
