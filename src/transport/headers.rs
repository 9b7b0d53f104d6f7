//! The headers that users may set: over gRPC they are metadata.

use ::http::{HeaderMap, HeaderName, HeaderValue};

use super::url::Protocol;
use crate::error::Error;

/// The headers that the transports set themselves, or that would change how a message is read.
const OWN_HEADERS: [&str; 16] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-timeout",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The rules for the headers of a node.
#[derive(Clone, Debug)]
pub(crate) struct HeaderRules {
    pub(crate) protocol: Protocol,
    /// The headers that carry the API key and the bearer token, if there are any.
    pub(crate) credentials: Vec<HeaderName>,
}

impl HeaderRules {
    /// Checks a header, and returns it. Errors do not show its value.
    pub(crate) fn parse(&self, name: &str, text: &str) -> Result<(HeaderName, HeaderValue), Error> {
        let parsed: HeaderName = name.parse().map_err(|_| {
            Error::Config(format!(
                "header: `{name}` is not a valid header name: use letters, digits and `-`"
            ))
        })?;
        if let Some(problem) = self.problem(&parsed) {
            return Err(Error::Config(format!("header `{parsed}`{problem}")));
        }
        let mut value = header_value(&format!("header `{name}`"), text)?;
        value.set_sensitive(true);
        Ok((parsed, value))
    }

    /// Returns the headers that the user may set, of these.
    pub(crate) fn allowed(&self, headers: HeaderMap) -> HeaderMap {
        let mut allowed = HeaderMap::new();
        for (name, value) in &headers {
            if self.problem(name).is_none() && is_visible(value.as_bytes()) {
                allowed.append(name, value.clone());
            }
        }
        allowed
    }

    /// Returns why a user may not set a header, if so.
    fn problem(&self, name: &HeaderName) -> Option<&'static str> {
        if self.credentials.contains(name) {
            return Some(" carries the api_key or the bearer_token: omit one of the two");
        }
        if OWN_HEADERS.contains(&name.as_str()) {
            return Some(" is set by the client itself: omit it");
        }
        if self.protocol == Protocol::Grpc && name.as_str().ends_with("-bin") {
            return Some(": binary metadata is not supported: use another name");
        }
        None
    }
}

/// Returns the values of headers that no error may show.
pub(crate) fn secrets(headers: &HeaderMap) -> Vec<String> {
    let values = headers.values().filter(|value| value.is_sensitive());
    let texts = values.filter_map(|value| value.to_str().ok());
    texts
        .filter(|text| text.len() > 3)
        .map(str::to_owned)
        .collect()
}

/// Returns a header's value. It must be visible ASCII: not every proxy forwards other characters, and gRPC refuses
/// them.
pub(crate) fn header_value(option: &str, text: &str) -> Result<HeaderValue, Error> {
    match HeaderValue::from_str(text) {
        Ok(value) if is_visible(text.as_bytes()) => Ok(value),
        _ => Err(Error::Config(format!(
            "{option} has characters that a header cannot carry: use visible ASCII characters and spaces"
        ))),
    }
}

fn is_visible(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' '..=b'~'))
}
