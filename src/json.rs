//! Centrifugo's JSON where it differs from serde's: what the generated serde code calls.
//!
//! The names are those that pbjson-build's output uses; `build/json.rs` redirects them here.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

/// Payloads on their way out.
pub(crate) mod base64 {
    use bytes::Bytes;

    /// The payload as embedded JSON; Centrifugo never encodes a `bytes` field as base64.
    pub(crate) fn encode(payload: &Bytes) -> super::Embedded<'_> {
        super::Embedded(payload)
    }
}

/// A payload that is written as the JSON it holds, after a check that it is JSON: an unchecked one could
/// rewrite the request around it.
pub(crate) struct Embedded<'a>(&'a Bytes);

impl Embedded<'_> {
    /// The generated code calls it on what it takes for a `String`.
    pub(crate) fn as_str(&self) -> &Self {
        self
    }
}

impl Serialize for Embedded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json: &RawValue = serde_json::from_slice(self.0).map_err(S::Error::custom)?;
        json.serialize(serializer)
    }
}

/// A payload on its way in: the embedded JSON, byte for byte.
pub(crate) struct BytesDeserialize<T>(pub(crate) T);

impl<'de> Deserialize<'de> for BytesDeserialize<Bytes> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Bytes::from(String::from(Box::<str>::from(json)))))
    }
}

/// A `null` payload is the payload `null`.
impl Default for BytesDeserialize<Bytes> {
    fn default() -> Self {
        Self(Bytes::from_static(b"null"))
    }
}

/// Reads `null` as the default, since Go writes and reads absent values so.
pub(crate) struct NullAsDefault<'a, M>(pub(crate) &'a mut M);

impl<'de, M: MapAccess<'de>> NullAsDefault<'_, M> {
    pub(crate) fn next_value<T: Deserialize<'de> + Default>(self) -> Result<T, M::Error> {
        Ok(self.0.next_value::<Option<T>>()?.unwrap_or_default())
    }
}

/// What the generated code leaves out of an object: it asks numbers and bools as it asks strings.
pub(crate) trait IsEmpty {
    fn is_empty(&self) -> bool;
}

macro_rules! zero_is_empty {
    ($($ty:ty)*) => {$(
        impl IsEmpty for $ty {
            fn is_empty(&self) -> bool {
                *self == <$ty>::default()
            }
        }
    )*};
}

zero_is_empty!(bool f32 f64 i32 i64 u32 u64);
