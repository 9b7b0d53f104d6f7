//! Replies in Centrifugo's JSON.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::api::json::place::path_of_error;
use crate::api::json::{Name, from_bytes};
use crate::api::messages::BatchRequest;
use crate::api::method::Method as _;
use crate::error::{ApiError, Attempts, Error, decode_cause, excerpt, with_start};

/// Decodes a reply.
pub(crate) fn decode<T: DeserializeOwned>(method: &'static str, body: &Bytes) -> Result<T, Error> {
    let read = |start: &[u8]| from_bytes::<T>(&body.slice_ref(start)).map(drop);
    from_bytes(body).map_err(|error| parse_error(method, body, error, &read))
}

/// Splits the reply of a batch into its items, as they were received.
pub(crate) fn split(body: &Bytes) -> Result<Vec<Bytes>, Error> {
    struct Replies<'a>(Vec<&'a RawValue>);

    impl<'de> Deserialize<'de> for Replies<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(RepliesVisitor)
        }
    }

    struct RepliesVisitor;

    impl<'de> Visitor<'de> for RepliesVisitor {
        type Value = Replies<'de>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("the reply of a batch")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Replies<'de>, M::Error> {
            let mut replies = Vec::new();
            while let Some(Name(name)) = map.next_key()? {
                if name == "replies" {
                    replies = map.next_value::<Option<_>>()?.unwrap_or_default();
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(Replies(replies))
        }
    }

    let read = |start: &[u8]| serde_json::from_slice::<Replies<'_>>(start).map(drop);
    match serde_json::from_slice::<Replies<'_>>(body) {
        Ok(Replies(replies)) => Ok(replies
            .into_iter()
            .map(|reply| body.slice_ref(reply.get().as_bytes()))
            .collect()),
        Err(error) => Err(parse_error(BatchRequest::NAME, body, error, &read)),
    }
}

/// Returns the error of a body that is not the JSON of a reply. `read` reads the start of the body in the same way.
pub(crate) fn parse_error(
    method: &'static str,
    body: &Bytes,
    error: serde_json::Error,
    read: &dyn Fn(&[u8]) -> Result<(), serde_json::Error>,
) -> Error {
    let path = path_of_error(body, &error, read);
    let place = if path.is_empty() {
        String::new()
    } else {
        format!(" at `{}`", excerpt(path.as_bytes()))
    };
    let is_utf8 = std::str::from_utf8(body).is_ok();
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let problem = match error.classify() {
        _ if !is_utf8 && is_object => {
            "the reply contains invalid UTF-8, which a publisher sent; read it over gRPC"
        }
        Category::Data if is_utf8 => "the reply does not have the schema's shape",
        Category::Eof if body.trim_ascii().is_empty() => {
            "the reply is empty: is the URL Centrifugo's server API?"
        }
        Category::Eof if is_utf8 => "the reply is cut short",
        _ => "the reply is not JSON: is the URL Centrifugo's server API?",
    };
    Error::Decode {
        method: Some(method),
        message: with_start(&format!("{problem}{place}"), body),
        source: Some(decode_cause(error)),
        attempts: Attempts::default(),
    }
}

/// Returns Centrifugo's error if it is the whole body, as in the transport error mode.
///
/// Gateways return objects of the same shape, but their `code` is an HTTP status or a gRPC code, which is below 100.
pub(crate) fn error_object(body: &Bytes) -> Option<ApiError> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let code = object.get("code")?.as_u64()?;
    object.get("message")?.as_str()?;
    if code < 100 || (400..600).contains(&code) {
        return None;
    }
    let error: crate::api::Error = serde_json::from_slice(body).ok()?;
    Some(error.into())
}
