//! Payloads that are slices of the JSON in which they were received.
//!
//! serde does not tell a field which buffer it reads from, so the buffer is kept in a thread-local.

use std::cell::RefCell;

use bytes::Bytes;
use serde::de::{self, DeserializeOwned};

thread_local! {
    /// The JSON that is being read, of which payloads become slices.
    static BUFFER: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// Reads JSON; the payloads are slices of it instead of copies.
///
/// This relies on serde_json, which lends texts out of its input: their addresses lie within the buffer. It saves an
/// allocation and a copy per payload.
///
/// # Errors
///
/// That of serde_json: the JSON is not that of a `T`.
pub fn from_bytes<T: DeserializeOwned>(json: &Bytes) -> Result<T, serde_json::Error> {
    // Checked once for all strings: `from_str` does not check each string again.
    let text = std::str::from_utf8(json).map_err(de::Error::custom)?;
    let guard = SlicingGuard::start(json);
    let result = serde_json::from_str(text);
    drop(guard);
    // A user's message may read its payloads from an intermediate value, which lends nothing: parse without slicing.
    result.or_else(|_| serde_json::from_str(text))
}

/// The guard that makes payloads slices of a buffer until it is dropped, also by a panic while reading.
struct SlicingGuard {
    /// The buffer that was being read before: a message may itself read JSON with [`from_bytes`].
    outer: Option<Bytes>,
}

impl SlicingGuard {
    fn start(buffer: &Bytes) -> Self {
        let outer = BUFFER.replace(Some(buffer.clone()));
        Self { outer }
    }
}

impl Drop for SlicingGuard {
    fn drop(&mut self) {
        BUFFER.set(self.outer.take());
    }
}

/// Returns whether payloads are slices at the moment.
pub(super) fn is_active() -> bool {
    BUFFER.with_borrow(Option::is_some)
}

/// Returns `part` as a slice of the buffer, or as a copy if it is not a part of the buffer, because a user's message
/// reads it from another text.
pub(super) fn slice(part: &[u8]) -> Bytes {
    BUFFER.with_borrow(|buffer| match buffer {
        Some(buffer) if buffer.as_ptr_range().contains(&part.as_ptr()) => buffer.slice_ref(part),
        _ => Bytes::copy_from_slice(part),
    })
}

#[cfg(test)]
mod tests {
    use serde::de::{Deserialize, Deserializer, Error as _};

    use super::*;
    use crate::api::messages::Publication;

    #[test]
    fn payloads_are_slices_of_input() {
        let json = Bytes::from(r#"{"data": {"text" : "hello"}, "offset": 3}"#);
        let publication: Publication = from_bytes(&json).unwrap();
        assert_eq!(publication.data, r#"{"text" : "hello"}"#);
        assert_eq!(publication.data.as_ptr(), json[9..].as_ptr());
        // The buffer is no longer used for other input.
        let publication: Publication = serde_json::from_slice(&json).unwrap();
        assert_eq!(publication.data, r#"{"text" : "hello"}"#);
        assert!(!json.as_ptr_range().contains(&publication.data.as_ptr()));
    }

    /// A user's message that reads its publication from an intermediate value.
    struct Converted(Publication);

    impl<'de> Deserialize<'de> for Converted {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let value = serde_json::Value::deserialize(deserializer)?;
            serde_json::from_value(value)
                .map(Self)
                .map_err(D::Error::custom)
        }
    }

    /// A user's message that reads its publication from JSON in a string.
    struct Nested(Publication);

    impl<'de> Deserialize<'de> for Nested {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            serde_json::from_str(&text)
                .map(Self)
                .map_err(D::Error::custom)
        }
    }

    #[test]
    fn payloads_from_other_buffers_are_copied() {
        let Converted(publication) = from_bytes(&r#"{"data":[1]}"#.into()).unwrap();
        assert_eq!(publication.data, "[1]");
        let Nested(publication) = from_bytes(&r#""{\"data\":[2]}""#.into()).unwrap();
        assert_eq!(publication.data, "[2]");
    }

    #[test]
    fn failed_read_stops_slicing() {
        assert!(from_bytes::<Publication>(&r#"{"data":[1"#.into()).is_err());
        assert!(!is_active());
    }
}
