//! Reads messages as Centrifugo 6.9.1 does, in `internal/consuming`.

use std::collections::{BTreeMap, HashMap};

use crate::consumer::{ConsumerMessage, ConsumerType};

/// A publication, as Centrifugo's `ConsumedPublication` has it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Publication {
    pub(crate) channels: Vec<String>,
    pub(crate) data: Vec<u8>,
    pub(crate) idempotency_key: String,
    pub(crate) delta: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) version: u64,
    pub(crate) version_epoch: String,
}

/// Returns the headers of a message as they arrive through a queue.
fn arrived(message: &ConsumerMessage, queue: ConsumerType) -> HashMap<String, String> {
    let headers = message.headers();
    if queue == ConsumerType::NatsJetStream {
        let lines: String = headers
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        return nats_headers(&lines);
    }
    let count = headers.len();
    let arrived: HashMap<String, String> = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(arrived.len(), count, "a header is there twice");
    arrived
}

/// Reads the lines of headers as nats.go does: it skips spaces before a value, and ends a line at each line feed.
fn nats_headers(lines: &str) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    for line in lines.split_terminator('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (name, value) = line.split_once(':').expect("a line has a name");
        let value = value.trim_start_matches([' ', '\t']);
        headers
            .entry(name.to_owned())
            .or_insert_with(|| value.to_owned());
    }
    headers
}

/// Returns the method and the request of a command.
pub(crate) fn command(message: &ConsumerMessage, queue: ConsumerType) -> (String, Vec<u8>) {
    let headers = arrived(message, queue);
    let header = match queue {
        ConsumerType::RedisStream => "method",
        _ => "centrifugo-method",
    };
    let method = headers.get(header).cloned().unwrap_or_default();
    if !method.is_empty() {
        return (method, message.body().to_vec());
    }
    #[derive(serde::Deserialize)]
    struct Both<'a> {
        method: String,
        #[serde(borrow)]
        payload: &'a serde_json::value::RawValue,
    }
    let both: Both<'_> = serde_json::from_slice(message.body()).expect("a command is JSON");
    (both.method, both.payload.get().as_bytes().to_vec())
}

/// Returns the publication of a message in publication-data mode, or `None` if it is skipped.
pub(crate) fn publication(message: &ConsumerMessage, queue: ConsumerType) -> Option<Publication> {
    let headers = arrived(message, queue);
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let channels = header("centrifugo-channels");
    if channels.is_empty() {
        return None;
    }
    let delta = match header("centrifugo-delta").as_str() {
        "" | "0" | "f" | "F" | "false" | "False" | "FALSE" => false,
        "1" | "t" | "T" | "true" | "True" | "TRUE" => true,
        _ => return None,
    };
    let version = match header("centrifugo-version").as_str() {
        "" => 0,
        version => version.parse().ok()?,
    };
    let tags = headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("centrifugo-tag-")?, value)));
    Some(Publication {
        channels: channels.split(',').map(str::to_owned).collect(),
        data: message.body().to_vec(),
        idempotency_key: header("centrifugo-idempotency-key"),
        delta,
        tags: tags
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect(),
        version,
        version_epoch: header("centrifugo-version-epoch"),
    })
}
