//! What a publication carries besides its data.

use std::collections::HashMap;

use centrifugo_api::{BroadcastRequest, PublicationMessage, PublishRequest, binary};
use serde_json::Value;

use super::{Finding, Findings, Property};
use crate::Problem;
use crate::audience::Audience;
use crate::broker::{Broker, Message, Mode};
use crate::site::Site;
use crate::subscriber::Subscriber;

const END: &str = r#""end""#;

/// Tags with names and values that queues may change or refuse.
const TAGS: [(&str, &str); 12] = [
    ("plain", "value"),
    ("Upper-Case_1.2", "Value"),
    ("empty", ""),
    ("spaces-inside", "a  b"),
    ("spaces-around", " a "),
    ("colon:name", "a"),
    ("space name", "a"),
    ("имя", "a"),
    ("unicode", "значение"),
    ("lines", "a\r\nb"),
    ("json", r#"{"a":["b"]}"#),
    ("symbols", "a:b,c;d=e%20&<f>"),
];

/// Several channels, and the idempotency key.
pub(super) async fn of_both_modes(broker: &impl Broker, mode: Mode) -> Findings {
    let channels = ["kept:a", "kept:b", "kept:c"];
    let site = Site::open(broker, "fields", mode).await?;
    let audience = Audience::of(&site.server, &channels).await?;
    let broadcast = BroadcastRequest::new(channels, "1").idempotency_key("one");
    let end = BroadcastRequest::new(channels, END).idempotency_key("end");
    // One after the other, because not every broker keeps the order.
    for request in [&broadcast, &broadcast, &end] {
        site.publish(request).await?;
        site.down_to(0).await?;
    }
    for channel in channels {
        let seen = audience.until("the end", |seen| {
            seen.texts(channel).iter().any(|text| text == END)
        });
        assert_eq!(seen.await.texts(channel), ["1", END], "{channel}");
    }
    Ok(vec![
        Finding::new(Property::Channels(mode), "3 of 3"),
        Finding::new(Property::Key(mode), "published once"),
    ])
}

pub(super) async fn of_publications(broker: &impl Broker) -> Findings {
    let site = Site::open(broker, "publications", Mode::Publications).await?;
    Ok(vec![
        Finding::new(Property::Tags, tags(&site).await?),
        Finding::new(Property::Version, versions(&site).await?),
        Finding::new(Property::Delta, delta(&site).await?),
        Finding::new(Property::Bytes, bytes(&site).await?),
    ])
}

/// Returns the message, or `None` if the crate refuses it for this queue.
fn message(broker: &impl Broker, request: &PublishRequest) -> Result<Option<Message>, Problem> {
    let queue = broker.queue().ok_or("the broker has publications")?;
    let message = PublicationMessage::new(request)?.message(queue);
    Ok(message.ok().map(Message::from))
}

/// Each tag arrives as it is, or is refused.
async fn tags<B: Broker>(site: &Site<'_, B>) -> Result<String, Problem> {
    let channel = "kept:tags";
    let audience = Audience::of(&site.server, &[channel]).await?;
    let mut arrived = 0;
    for tag in TAGS {
        let request = PublishRequest::new(channel, "1").tags([tag]);
        let Some(message) = message(site.broker, &request)? else {
            continue;
        };
        site.send(&[message]).await?;
        arrived += 1;
        audience.texts(channel, arrived).await;
        let expected = HashMap::from([(tag.0.to_owned(), tag.1.to_owned())]);
        let seen = audience.seen();
        assert_eq!(seen.publications[channel][arrived - 1].tags, expected);
    }
    let refused = TAGS.len() - arrived;
    Ok(if refused == 0 {
        format!("{arrived} arrive")
    } else {
        format!("{arrived} arrive, {refused} are refused")
    })
}

/// A version that is not newer is skipped, unless its epoch is new.
async fn versions<B: Broker>(site: &Site<'_, B>) -> Result<String, Problem> {
    let channel = "kept:versions";
    let audience = Audience::of(&site.server, &[channel]).await?;
    let versions = [
        ("1", 5, "one"),
        ("0", 4, "one"),
        ("2", 1, "two"),
        ("3", 2, "two"),
    ];
    for (data, version, epoch) in versions {
        let request = PublishRequest::new(channel, data);
        let request = request.version(version).version_epoch(epoch);
        site.publish(&request).await?;
        site.down_to(0).await?;
    }
    let texts = audience.texts(channel, 3).await;
    assert_eq!(texts, ["1", "2", "3"]);
    Ok("skipped, and published".to_owned())
}

/// A client that asks for differences gets one.
async fn delta<B: Broker>(site: &Site<'_, B>) -> Result<String, Problem> {
    let channel = "kept:delta";
    let address = format!("127.0.0.1:{}", site.server.http_port);
    let mut client = Subscriber::of(&address, channel).await?;
    let data = |number: u32| format!(r#""the same text for both of them, and {number}""#);
    let mut publications = Vec::new();
    for number in [1, 2] {
        let request = PublishRequest::new(channel, data(number)).delta(true);
        site.publish(&request).await?;
        publications.push(client.publication().await?);
    }
    assert_eq!(publications[0]["delta"], Value::Null);
    assert_eq!(publications[1]["delta"], true);
    Ok("the client gets a difference".to_owned())
}

/// All bytes arrive as they are, in publications and as base64 in commands.
async fn bytes<B: Broker>(site: &Site<'_, B>) -> Result<String, Problem> {
    let channel = "bin:a";
    let audience = Audience::of(&site.server, &[channel]).await?;
    let data: Vec<u8> = (0..=255).collect();
    let request = PublishRequest::new(channel, binary(&data));
    let Some(message) = message(site.broker, &request)? else {
        return Ok("refused".to_owned());
    };
    site.send(&[message]).await?;
    audience.texts(channel, 1).await;
    assert_eq!(audience.seen().publications[channel][0].data, data);
    Ok("256 of 256".to_owned())
}
