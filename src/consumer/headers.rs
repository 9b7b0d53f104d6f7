//! The headers of publication-data mode.

use serde_json::{Map, Value};

use super::limits::Limits;
use crate::api::method::InvalidRequest;
use crate::error::excerpt;

/// The fields that have a header of their own, and the header.
const FIELDS: [(&str, &str); 4] = [
    ("idempotency_key", "centrifugo-idempotency-key"),
    ("delta", "centrifugo-delta"),
    ("version", "centrifugo-version"),
    ("version_epoch", "centrifugo-version-epoch"),
];

/// A header, and the field that it is from.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
    field: String,
}

impl Header {
    /// Checks that a queue can carry the header.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), InvalidRequest> {
        let queue = limits.queue;
        if !(limits.header_name.include)(&self.name) {
            let problem = format!(
                "has a name that {queue} does not take, where the name of a header {}: rename the tag, or send a \
                 `ConsumerCommand`",
                limits.header_name.description
            );
            return Err(InvalidRequest::wrong(self.field.as_str(), problem));
        }
        if !(limits.header_value.include)(&self.value) {
            let problem = format!(
                "makes a header that {queue} does not take, where the value of a header {}: change it, or send a \
                 `ConsumerCommand`",
                limits.header_value.description
            );
            return Err(InvalidRequest::wrong(self.field.as_str(), problem));
        }
        Ok(())
    }
}

/// Returns the headers for the fields that are set.
pub(super) fn headers(mut fields: Map<String, Value>) -> Result<Vec<Header>, InvalidRequest> {
    let mut headers = vec![channels(&mut fields)?];
    if fields.contains_key("version_epoch") && !fields.contains_key("version") {
        let problem = "has no effect without `version`: set both, or neither";
        return Err(InvalidRequest::wrong("version_epoch", problem));
    }
    for (field, name) in FIELDS {
        if let Some(value) = fields.remove(field) {
            headers.push(Header {
                name: name.to_owned(),
                value: text(&value),
                field: field.to_owned(),
            });
        }
    }
    headers.extend(tags(&mut fields));
    match fields.into_iter().next() {
        None => Ok(headers),
        Some((field, _)) => {
            let problem = "is set, and publication-data mode does not carry it: leave it unset, or send a \
                           `ConsumerCommand`";
            Err(InvalidRequest::wrong(field, problem))
        }
    }
}

/// Returns the header with the names of the channels.
fn channels(fields: &mut Map<String, Value>) -> Result<Header, InvalidRequest> {
    let (field, names): (&str, Vec<String>) = match fields.remove("channels") {
        Some(Value::Array(channels)) => ("channels", channels.iter().map(text).collect()),
        _ => (
            "channel",
            fields.remove("channel").iter().map(text).collect(),
        ),
    };
    for (position, name) in names.iter().enumerate() {
        let path = if field == "channels" {
            format!("channels[{position}]")
        } else {
            field.to_owned()
        };
        check_channel(path, name)?;
    }
    Ok(Header {
        name: "centrifugo-channels".to_owned(),
        value: names.join(","),
        field: field.to_owned(),
    })
}

/// Checks that a channel can be one of a list that is separated by commas.
fn check_channel(path: String, name: &str) -> Result<(), InvalidRequest> {
    if name.is_empty() {
        let problem = "is empty, and Centrifugo would publish nothing there: leave it out";
        return Err(InvalidRequest::wrong(path, problem));
    }
    if name.contains(',') {
        let problem = format!(
            "has a comma in `{}`, and publication-data mode separates channels by commas: rename the channel, or send a \
             `ConsumerCommand`",
            excerpt(name.as_bytes())
        );
        return Err(InvalidRequest::wrong(path, problem));
    }
    Ok(())
}

/// Returns a header per tag, in the order of the tags' names.
fn tags(fields: &mut Map<String, Value>) -> Vec<Header> {
    let Some(Value::Object(tags)) = fields.remove("tags") else {
        return Vec::new();
    };
    let tags = tags.iter().map(|(name, value)| Header {
        name: format!("centrifugo-tag-{name}"),
        value: text(value),
        field: format!("tags[{:?}]", excerpt(name.as_bytes())),
    });
    let mut tags: Vec<Header> = tags.collect();
    tags.sort_by(|one, other| one.name.cmp(&other.name));
    tags
}

/// Returns a text as it is, and a number or a bool as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
