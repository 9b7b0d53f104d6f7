//! Centrifugo is killed while it reads, and started again.

use std::collections::HashSet;
use std::time::Instant;

use centrifugo_api::PublishRequest;

use super::order::CHANNELS;
use super::{Finding, Findings, Keys, Property};
use crate::audience::{Audience, Seen};
use crate::broker::{Broker, Mode};
use crate::redis::Redis;
use crate::site::Site;
use crate::{Problem, Setup};

/// The text of the last publication of each channel.
const END: &str = r#""end""#;

pub(super) async fn test(broker: &impl Broker, setup: &Setup, mode: Mode, keys: Keys) -> Findings {
    let engine = Redis::start().await?;
    let name = format!("killed_{keys:?}").to_lowercase();
    let mut site = Site::open_with_engine(broker, &name, mode, &engine).await?;
    let audience = Audience::of(&site.server, &CHANNELS).await?;
    let messages: Vec<_> = (0..setup.messages)
        .map(|number| {
            let channel = CHANNELS[number % CHANNELS.len()];
            let request = PublishRequest::new(channel, number.to_string());
            site.publication(&match keys {
                Keys::With => request.idempotency_key(format!("key-{number}")),
                Keys::Without => request,
            })
        })
        .collect();

    let (first, second) = messages.split_at(messages.len() / 2);
    let some = first.len() / 5;
    let (sent, at_kill) = tokio::join!(site.send(first), async {
        let seen = audience.until("a part", |seen| seen.count() >= some).await;
        seen.count()
    });
    sent?;
    site.server.kill();
    site.send(second).await?;
    let killed = Instant::now();
    site.server.restart().await;

    let all = |seen: &Seen| distinct(seen).len() == messages.len();
    drop(audience.until("a message", all).await);
    let took = killed.elapsed();
    let ends = CHANNELS.map(|channel| site.publication(&PublishRequest::new(channel, END)));
    site.send(&ends).await?;
    let ended = |seen: &Seen| CHANNELS.iter().all(|channel| has_ended(seen, channel));
    drop(audience.until("the end", ended).await);
    site.down_to(0).await?;
    agree(&site, &audience).await?;

    let seen = audience.seen();
    let doubled = seen.count() - messages.len() - CHANNELS.len();
    let counts = CHANNELS.map(|channel| out_of_order(&seen, channel));
    let out_of_order: usize = counts.iter().sum();
    let order_after_kill = broker.promises().order_after_kill;
    let total = messages.len();
    let mut cell = format!("{total} of {total}");
    match keys {
        Keys::With => {
            assert_eq!(doubled, 0, "with keys, nothing is published twice");
            cell.push_str(" once");
        }
        Keys::Without => cell.push_str(" at least once"),
    }
    if order_after_kill {
        assert_eq!(out_of_order, 0, "publications are out of order");
        cell.push_str(", in order");
    }
    let mut finding = Finding::new(Property::Killed(mode, keys), cell);
    finding.remark = Some(format!(
        "killed after {at_kill} of {total}; {doubled} twice; {out_of_order} out of order; all of them {:.1} s later",
        took.as_secs_f64()
    ));
    Ok(vec![finding])
}

/// Returns the numbers that were seen.
fn distinct(seen: &Seen) -> HashSet<usize> {
    let channels = CHANNELS.iter();
    let texts = channels.flat_map(|channel| seen.texts(channel));
    texts.filter_map(|text| text.parse().ok()).collect()
}

fn has_ended(seen: &Seen, channel: &str) -> bool {
    seen.texts(channel).iter().any(|text| text == END)
}

/// Returns how many publications of a channel came for the first time after a later one.
fn out_of_order(seen: &Seen, channel: &str) -> usize {
    let mut first = HashSet::new();
    let mut latest = 0;
    let mut count = 0;
    for number in seen
        .texts(channel)
        .iter()
        .filter_map(|text| text.parse().ok())
    {
        if first.insert(number) {
            count += usize::from(number < latest);
            latest = latest.max(number);
        }
    }
    count
}

/// Waits until the client has seen all that the channels have had.
async fn agree<B: Broker>(site: &Site<'_, B>, audience: &Audience) -> Result<(), Problem> {
    let mut total = 0;
    for channel in CHANNELS {
        let (count, kept) = site.history(channel).await?;
        assert_eq!(count, kept.len(), "{channel} keeps everything");
        total += count;
    }
    drop(
        audience
            .until("the history", |seen| seen.count() >= total)
            .await,
    );
    assert_eq!(
        audience.seen().count(),
        total,
        "the client saw what there is"
    );
    Ok(())
}
