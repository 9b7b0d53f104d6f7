//! Payloads that are slices of the JSON in which they came.
//!
//! serde tells a field what it reads, but not of what that is a part; hence a variable of the thread.

use std::cell::RefCell;

use bytes::Bytes;
#[cfg(any(feature = "http", test))]
use serde::de::{self, DeserializeOwned};

thread_local! {
    /// The JSON that is read, whose payloads are slices of it.
    static SLICED: RefCell<Option<Bytes>> = const { RefCell::new(None) };
}

/// Reads JSON; the payloads are slices of it, not copies.
#[cfg(any(feature = "http", test))]
pub(crate) fn from_bytes<T: DeserializeOwned>(json: &Bytes) -> Result<T, serde_json::Error> {
    /// Ends it, also when reading panics.
    struct Slicing(Option<Bytes>);

    impl Drop for Slicing {
        fn drop(&mut self) {
            SLICED.set(self.0.take());
        }
    }

    // Checked once, not string by string.
    let text = std::str::from_utf8(json).map_err(de::Error::custom)?;
    let slicing = Slicing(SLICED.replace(Some(json.clone())));
    let read = serde_json::from_str(text);
    drop(slicing);
    // A message of the user's may read its own from something that has no slices.
    read.or_else(|_| serde_json::from_str(text))
}

/// Whether payloads are to be slices.
pub(super) fn are_made() -> bool {
    SLICED.with_borrow(Option::is_some)
}

/// Bytes that are a part of what is read; if they are not, a message of the user's has made them, and they are copied.
pub(super) fn of(part: &[u8]) -> Bytes {
    SLICED.with_borrow(|sliced| match sliced {
        Some(whole) if whole.as_ptr_range().contains(&part.as_ptr()) => whole.slice_ref(part),
        _ => Bytes::copy_from_slice(part),
    })
}

#[cfg(test)]
mod tests {
    use serde::de::{Deserialize, Deserializer, Error as _};

    use super::*;
    use crate::Publication;

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
        assert!(!are_made());
    }
}
