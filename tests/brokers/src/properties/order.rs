//! Messages of several channels, which take turns.

use centrifugo_api::PublishRequest;

use super::{Finding, Findings, Property};
use crate::audience::Audience;
use crate::broker::{Broker, Mode};
use crate::site::Site;

pub(super) const CHANNELS: [&str; 4] = ["kept:a", "kept:b", "kept:c", "kept:d"];
const MESSAGES: usize = 50;

pub(super) async fn test(broker: &impl Broker, mode: Mode) -> Findings {
    let site = Site::open(broker, "order", mode).await?;
    let audience = Audience::of(&site.server, &CHANNELS).await?;
    let messages = (0..MESSAGES).flat_map(|number| {
        CHANNELS.map(|channel| PublishRequest::new(channel, number.to_string()))
    });
    let messages: Vec<_> = messages.map(|request| site.publication(&request)).collect();
    site.send(&messages).await?;

    let sent: Vec<String> = (0..MESSAGES).map(|number| number.to_string()).collect();
    for channel in CHANNELS {
        let mut texts = audience.texts(channel, MESSAGES).await;
        if !broker.promises().order {
            texts.sort_by_key(|text| text.parse::<usize>().unwrap_or(usize::MAX));
        }
        assert_eq!(texts, sent, "{channel}");
    }
    site.down_to(0).await?;
    let count = MESSAGES * CHANNELS.len();
    let order = if broker.promises().order {
        "in order"
    } else {
        "in any order"
    };
    let cell = format!("{count} of {count} {order}");
    Ok(vec![Finding::new(Property::Order(mode), cell)])
}
