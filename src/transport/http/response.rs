//! What answers hold.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::call::Call;
use crate::error::{Attempts, cause, excerpt};
use crate::json::{self, Name};
use crate::{ApiError, ApiFailure, BatchRequest, Error, Method as _, Status};

/// Reads a reply of Centrifugo's JSON.
pub(in crate::transport) fn decode<T: DeserializeOwned>(
    method: &'static str,
    body: &Bytes,
) -> Result<T, Error> {
    json::from_bytes(body).map_err(|error| {
        // The field has a name at the price of a second try.
        let mut reader = serde_json::Deserializer::from_slice(body);
        let place = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Err(error) if error.path().iter().len() > 0 => {
                format!(" at `{}`", excerpt(error.path().to_string().as_bytes()))
            }
            _ => String::new(),
        };
        undecodable(method, body, &place, error)
    })
}

/// The parts of a batch's reply, as they are.
pub(in crate::transport) fn split(body: &Bytes) -> Result<Vec<Bytes>, Error> {
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
            formatter.write_str("a batch's reply")
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

    match serde_json::from_slice::<Replies<'_>>(body) {
        Ok(Replies(replies)) => Ok(replies
            .into_iter()
            .map(|reply| body.slice_ref(reply.get().as_bytes()))
            .collect()),
        Err(error) => Err(undecodable(BatchRequest::NAME, body, "", error)),
    }
}

pub(super) fn undecodable(
    method: &'static str,
    body: &Bytes,
    place: &str,
    error: serde_json::Error,
) -> Error {
    let what = match (error.classify(), std::str::from_utf8(body)) {
        (_, Err(_)) if body.trim_ascii_start().starts_with(b"{") => {
            "the reply holds broken UTF-8, which somebody published; read it over gRPC"
        }
        (Category::Data, Ok(_)) => "the reply does not have the schema's shape",
        (Category::Eof, Ok(_)) => "the reply is cut short",
        _ => "the reply is not JSON: is the URL Centrifugo's server API?",
    };
    let message = format!("{what}{place}: {}", excerpt(body));
    Error::Decode {
        method: Some(method),
        message,
        source: Some(cause(error)),
    }
}

/// An answer that is no reply: only its body tells Centrifugo's error from another's.
pub(in crate::transport) fn refusal(
    call: &Call<'_>,
    status: u16,
    headers: &HeaderMap,
    body: &Bytes,
) -> Error {
    if let Some(error) = api_error(body) {
        return Error::Api(ApiFailure::new(call.method, error));
    }
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let body = match text(LOCATION) {
        Some(location) if (300..400).contains(&status) => {
            format!("to {}", excerpt(location.as_bytes()))
        }
        _ => excerpt(body),
    };
    let retry_after = text(RETRY_AFTER)
        .and_then(|seconds| seconds.trim().parse().ok())
        .map(Duration::from_secs);
    Error::Transport {
        method: call.method,
        status: Status::Http(status),
        body,
        retry_after,
        attempts: Attempts::default(),
    }
}

/// Centrifugo's bare error object, of its transport error mode. Gateways answer objects of the same shape: their
/// `code` is an HTTP status or a gRPC code, below 100.
fn api_error(body: &Bytes) -> Option<ApiError> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let code = object.get("code")?.as_u64()?;
    object.get("message")?.as_str()?;
    if code < 100 || (400..600).contains(&code) {
        return None;
    }
    serde_json::from_slice(body).ok()
}
