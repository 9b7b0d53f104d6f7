//! The format of a reply: how its payloads go back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use centrifugo_api::Payload;
use serde::de::IgnoredAny;

use crate::failure::Failure;

/// The latest Unix time, in 2106. Centrifugo 6.9.1 tells clients in how many seconds a subscription expires in 32 bits, and its
/// own reckoning overflows near the end of 64 bits: such subscriptions ended within half a minute.
const LATEST: i64 = u32::MAX as i64;

/// The format of a reply, as that of the request was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// True if the proxy has the option `binary_encoding`: payloads are any bytes, and base64 over HTTP.
    is_binary: bool,
    /// True if the client uses the protobuf protocol, which carries any bytes.
    is_protobuf: bool,
    /// True if the client uses the JSON protocol, into which Centrifugo writes payloads as they are. An event that is not of
    /// a client has no protocol.
    is_json: bool,
    /// True if the reply is JSON itself.
    is_http: bool,
    /// The time from which replies count, if it is not that of the machine.
    now: Option<SystemTime>,
}

impl Format {
    pub(crate) fn new(protocol: &str, encoding: &str, now: Option<SystemTime>) -> Self {
        Self {
            is_binary: encoding == "binary",
            is_protobuf: protocol == "protobuf",
            is_json: protocol == "json",
            is_http: false,
            now,
        }
    }

    /// Returns the same format for a reply over HTTP.
    #[cfg(feature = "http")]
    pub(crate) fn over_http(self) -> Self {
        Self {
            is_http: true,
            ..self
        }
    }

    /// Returns the Unix time in a while, in seconds, rounded up, and at least one second from now.
    pub(crate) fn seconds_in(self, duration: Duration) -> i64 {
        let now = self.now.unwrap_or_else(SystemTime::now);
        let time = now.checked_add(duration.max(Duration::from_secs(1)));
        time.map_or(LATEST, seconds)
    }

    /// Returns the values of a payload's field and of its `b64…` twin.
    pub(crate) fn twins(self, name: &str, payload: Payload) -> Result<(Bytes, String), Failure> {
        let is_base64 = self.is_http && (self.is_binary || payload.is_binary());
        if !is_base64 {
            return Ok((self.bytes(name, payload)?, String::new()));
        }
        let must_be_json = self.is_json && !payload.is_binary();
        let bytes = payload.into_bytes();
        if must_be_json && !bytes.is_empty() {
            check_json(name, &bytes)?;
        }
        Ok((Bytes::new(), STANDARD.encode(bytes)))
    }

    /// Returns the value of a payload's field that has no twin: JSON over HTTP.
    pub(crate) fn bytes(self, name: &str, payload: Payload) -> Result<Bytes, Failure> {
        let is_any = self.is_protobuf || (self.is_binary && !self.is_json);
        let may_be_binary = !self.is_http && (is_any || payload.is_binary());
        let is_without_base64 = self.is_http && (is_any || payload.is_binary());
        let bytes = payload.into_bytes();
        if may_be_binary || bytes.is_empty() {
            return Ok(bytes);
        }
        if is_without_base64 {
            check_json_over_http(name, &bytes)?;
        } else {
            check_json(name, &bytes)?;
        }
        Ok(bytes)
    }
}

/// Checks that a payload is JSON, which it must be unless it says that it is binary.
fn check_json(name: &str, payload: &[u8]) -> Result<(), Failure> {
    check(
        name,
        payload,
        ", and the client uses JSON or the proxy has no `binary_encoding`: give `centrifugo_proxy::json(&value)?`, or \
         `centrifugo_proxy::binary(bytes)` if clients expect bytes",
    )
}

/// Checks a payload that is JSON whatever clients use.
pub(crate) fn check_always_json(name: &str, payload: &[u8]) -> Result<(), Failure> {
    check(
        name,
        payload,
        ", which it must always be: give `centrifugo_proxy::json(&value)?`",
    )
}

/// Checks a payload for which the schema has no field of base64.
fn check_json_over_http(name: &str, payload: &[u8]) -> Result<(), Failure> {
    check(
        name,
        payload,
        ", which it must be over HTTP: give `centrifugo_proxy::json(&value)?`, or let Centrifugo call `Handlers::grpc`",
    )
}

fn check(name: &str, payload: &[u8], advice: &str) -> Result<(), Failure> {
    let is_text = str::from_utf8(payload).is_ok();
    if is_text && serde_json::from_slice::<IgnoredAny>(payload).is_ok() {
        return Ok(());
    }
    Err(Failure::reply(format!("`{name}` is not JSON{advice}")))
}

/// Returns the Unix time in seconds, rounded up, so that nothing expires before its time; 1 for a time before 1970, which is as
/// much in the past, and at most [`LATEST`].
pub(crate) fn seconds(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let has_fraction = since_1970.subsec_nanos() > 0;
    let seconds = since_1970.as_secs().saturating_add(has_fraction.into());
    i64::try_from(seconds).map_or(LATEST, |seconds| seconds.clamp(1, LATEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_expires_before_its_time() {
        for (now, expected) in [(1_000_000, 1001), (1_000_001, 1002), (1_000_999, 1002)] {
            let now = UNIX_EPOCH + Duration::from_millis(now);
            let format = Format::new("json", "json", Some(now));
            assert_eq!(format.seconds_in(Duration::from_secs(1)), expected);
        }
        let time = UNIX_EPOCH + Duration::from_secs(7);
        assert_eq!(seconds(time), 7);
        assert_eq!(seconds(time + Duration::from_nanos(1)), 8);
    }
}
