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
pub(crate) fn from_bytes<T: DeserializeOwned>(json: &Bytes) -> Result<T, serde_json::Error> {
    // Checked once for all strings: `from_str` does not check each string again.
    let text = std::str::from_utf8(json).map_err(de::Error::custom)?;
    let guard = SlicingGuard::start(json);
    let result = serde_json::from_str(text);
    drop(guard);
    // A user's message may deserialize from an intermediate value; parse again without slicing.
    result.or_else(|_| serde_json::from_str(text))
}

/// Makes payloads slices of a buffer until it is dropped, also by a panic while reading.
struct SlicingGuard {
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

/// Returns `part` as a slice of the buffer, or as a copy if it is not a part of the buffer: then a message of the user's
/// reads from a text of its own.
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
    fn payloads_are_slices_of_what_is_read() {
        let json = Bytes::from(r#"{"data": {"text" : "hello"}, "offset": 3}"#);
        let publication: Publication = from_bytes(&json).unwrap();
        assert_eq!(publication.data, r#"{"text" : "hello"}"#);
        assert_eq!(publication.data.as_ptr(), json[9..].as_ptr());
        // Nothing is left of it for what is read otherwise.
        let publication: Publication = serde_json::from_slice(&json).unwrap();
        assert_eq!(publication.data, r#"{"text" : "hello"}"#);
        assert!(!json.as_ptr_range().contains(&publication.data.as_ptr()));
    }

    /// A message of a user's, which reads its publication by way of a value.
    struct ByWay(Publication);

    impl<'de> Deserialize<'de> for ByWay {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let value = serde_json::Value::deserialize(deserializer)?;
            serde_json::from_value(value)
                .map(Self)
                .map_err(D::Error::custom)
        }
    }

    /// And one which reads it from a text of its own.
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
    fn what_has_no_slices_is_copied() {
        let ByWay(publication) = from_bytes(&r#"{"data":[1]}"#.into()).unwrap();
        assert_eq!(publication.data, "[1]");
        let Nested(publication) = from_bytes(&r#""{\"data\":[2]}""#.into()).unwrap();
        assert_eq!(publication.data, "[2]");
    }

    #[test]
    fn what_cannot_be_read_leaves_nothing_behind() {
        assert!(from_bytes::<Publication>(&r#"{"data":[1"#.into()).is_err());
        assert!(!is_active());
    }
}
