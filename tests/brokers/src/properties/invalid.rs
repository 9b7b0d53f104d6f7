//! Messages that Centrifugo cannot execute, between others.

use centrifugo_api::PublishRequest;

use super::{Finding, Findings, Property};
use crate::audience::Audience;
use crate::broker::{Broker, Message, Mode};
use crate::site::Site;

const CHANNEL: &str = "kept:a";
const VALID: &str = r#"{"channel":"kept:a","data":"executed"}"#;

/// Methods, and requests as JSON.
const COMMANDS: [(Option<&str>, &str); 11] = [
    (Some("shout"), VALID),
    (Some("Publish"), VALID),
    (Some("presence"), r#"{"channel":"kept:a"}"#),
    (Some("publish"), r#"{"channel":"kept:a","data":"#),
    (Some("publish"), r#"{"channel":5,"data":1}"#),
    (Some("publish"), r#"{"data":1}"#),
    (Some("publish"), r#"{"channel":"kept:a"}"#),
    (Some("publish"), r#"{"channel":"unknown:a","data":1}"#),
    (None, VALID),
    (None, r#"{"method":"publish","payload":5}"#),
    (None, "%"),
];

/// Headers, their values, and bodies.
const PUBLICATIONS: [(&str, Option<&str>, &str); 6] = [
    ("centrifugo-channels", None, "1"),
    ("centrifugo-channels", Some("unknown:a"), "1"),
    ("centrifugo-delta", Some("maybe"), "1"),
    ("centrifugo-version", Some("-1"), "1"),
    ("centrifugo-version", Some("1.5"), "1"),
    ("centrifugo-tag-a", Some("b"), "{"),
];

/// How many of the publications have a version or a delta that is not one.
const INVALID_HEADERS: usize = 3;

/// What Centrifugo logs when it reads such a publication from Redis.
const STUCK: &str = r#""message":"error processing redis stream message""#;

pub(super) async fn test(broker: &impl Broker, mode: Mode) -> Findings {
    let site = Site::open(broker, "invalid", mode).await?;
    let audience = Audience::of(&site.server, &[CHANNEL]).await?;
    let valid = |number: usize| {
        let request = PublishRequest::new(CHANNEL, number.to_string());
        site.publication(&request)
    };
    let invalid = match mode {
        Mode::Commands => commands(&valid(0)),
        Mode::Publications => publications(&valid(0)),
    };
    let mut messages = Vec::new();
    for (number, message) in invalid.iter().enumerate() {
        messages.extend([valid(number), message.clone()]);
    }
    messages.push(valid(invalid.len()));
    site.send(&messages).await?;

    let mut texts = audience.texts(CHANNEL, invalid.len() + 1).await;
    if !broker.promises().order {
        texts.sort_by_key(|text| text.parse::<usize>().unwrap_or(usize::MAX));
    }
    let expected: Vec<String> = (0..=invalid.len())
        .map(|number| number.to_string())
        .collect();
    assert_eq!(texts, expected);

    let skips_all = mode == Mode::Commands || broker.promises().skips_invalid_headers;
    let stuck = if skips_all { 0 } else { INVALID_HEADERS };
    site.down_to(stuck).await?;
    if stuck > 0 {
        // It has read each once, and one of them again.
        site.logged(STUCK, stuck + 1).await?;
    }
    let skipped = invalid.len() - stuck;
    let cell = if stuck == 0 {
        format!("{skipped} skipped")
    } else {
        format!("{skipped} skipped, {stuck} read again and again")
    };
    Ok(vec![Finding::new(Property::Invalid(mode), cell)])
}

/// Returns invalid commands with the key of a valid one.
fn commands(valid: &Message) -> Vec<Message> {
    let mut headers = valid.headers.iter();
    let header = headers.next().map(|(name, _)| name.as_str());
    let invalid = COMMANDS
        .iter()
        .map(|(method, request)| match (header, method) {
            (Some(header), method) => {
                let message = valid.clone().with_header(header, *method);
                message.with_body(*request)
            }
            // The body has the method.
            (None, Some(method)) => {
                let body = format!(r#"{{"method":"{method}","payload":{request}}}"#);
                valid.clone().with_body(body)
            }
            (None, None) => valid.clone().with_body(*request),
        });
    invalid.collect()
}

/// Returns invalid publications with the key of a valid one.
fn publications(valid: &Message) -> Vec<Message> {
    let invalid = PUBLICATIONS.iter().map(|(header, value, body)| {
        let message = valid.clone().with_header(header, *value);
        message.with_body(*body)
    });
    invalid.collect()
}
