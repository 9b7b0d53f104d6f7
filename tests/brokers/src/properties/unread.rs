//! Messages that were there before Centrifugo read the source for the first time.

use centrifugo_api::PublishRequest;
use serde_json::{Value, json};

use super::{Finding, Findings, Property};
use crate::broker::{self, Broker, Mode};
use crate::site::{Site, source};
use crate::{Problem, wait};

const CHANNEL: &str = "kept:a";
const BEFORE: &str = r#""before""#;
const AFTER: &str = r#""after""#;

pub(super) async fn test(broker: &impl Broker) -> Findings {
    let is_read = is_read(broker, &source("unread", Mode::Commands), &json!({})).await?;
    let mut cell = if is_read { "read" } else { "not read" }.to_owned();
    let source = source("unread_all", Mode::Commands);
    if let Some((how, options)) = broker.read_all(&source).await? {
        let is_read = self::is_read(broker, &source, &options).await?;
        let word = if is_read { "read" } else { "not read" };
        cell = format!("{cell}; {word} {how}");
    }
    Ok(vec![Finding::new(Property::Unread, cell)])
}

/// Returns whether a message is read that was sent before Centrifugo was started.
async fn is_read(broker: &impl Broker, source: &str, options: &Value) -> Result<bool, Problem> {
    let mode = Mode::Commands;
    let message = |text| broker::publication(broker, mode, &PublishRequest::new(CHANNEL, text));
    broker.create(source).await?;
    broker.send(source, &[message(BEFORE)]).await?;
    let site = Site::start(broker, source.to_owned(), mode, options, None).await?;
    site.send(&[message(AFTER)]).await?;
    site.down_to(0).await?;
    let kept = wait("the later message", async || {
        let (_, kept) = site.history(CHANNEL).await?;
        Ok(kept.contains(&AFTER.to_owned()).then_some(kept))
    })
    .await?;
    Ok(kept.contains(&BEFORE.to_owned()))
}
