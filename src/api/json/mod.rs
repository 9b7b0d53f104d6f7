//! Centrifugo's JSON where it differs from serde's: the functions that the generated serde code calls.
//!
//! The names are those that pbjson-build's output uses; the generator redirects them here.

pub(crate) mod place;
mod slices;
pub(crate) mod usual;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

pub use slices::from_bytes;

/// Writes payloads. The module has the name that pbjson-build expects.
pub mod base64 {
    use bytes::Bytes;

    /// Returns the payload as embedded JSON; Centrifugo never encodes a `bytes` field as base64.
    pub fn encode(payload: &Bytes) -> super::Embedded<'_> {
        super::Embedded(payload)
    }
}

/// A payload that is written as the JSON that it contains. It is checked to be JSON: otherwise it could change the
/// request around it.
#[derive(Debug)]
pub struct Embedded<'a>(&'a Bytes);

impl Embedded<'_> {
    /// Returns itself: the generated code calls `as_str`, as on a `String`.
    #[must_use]
    pub fn as_str(&self) -> &Self {
        self
    }
}

impl Serialize for Embedded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json: &RawValue = serde_json::from_slice(self.0).map_err(S::Error::custom)?;
        json.serialize(serializer)
    }
}

/// A payload that is read: the embedded JSON, byte for byte, including `null`.
#[derive(Debug)]
pub struct BytesDeserialize<T>(pub T);

impl<'de> Deserialize<'de> for BytesDeserialize<Bytes> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if slices::is_active() {
            let json = <&RawValue>::deserialize(deserializer)?;
            return Ok(Self(slices::slice(json.get().as_bytes())));
        }
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Bytes::from(String::from(Box::<str>::from(json)))))
    }
}

/// Reads a field's payload.
pub fn next_payload<'de, M: MapAccess<'de>>(
    map: &mut M,
) -> Result<BytesDeserialize<Bytes>, M::Error> {
    map.next_value()
}

/// A map that reads `null` as the default, as Go writes and reads absent values.
#[derive(Debug)]
pub struct NullAsDefault<'a, M>(pub &'a mut M);

impl<'de, M: MapAccess<'de>> NullAsDefault<'_, M> {
    /// Reads a field's value.
    pub fn next_value<T: Deserialize<'de> + Default>(self) -> Result<T, M::Error> {
        Ok(self.0.next_value::<Option<T>>()?.unwrap_or_default())
    }
}

/// Reads a message; `null` is a message without any field.
pub fn message<'de, D, V>(
    deserializer: D,
    name: &'static str,
    fields: &'static [&'static str],
    visitor: V,
) -> Result<V::Value, D::Error>
where
    D: Deserializer<'de>,
    V: Visitor<'de>,
    V::Value: Default,
{
    deserializer.deserialize_option(Nullable {
        name,
        fields,
        visitor,
    })
}

struct Nullable<V> {
    name: &'static str,
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V> Visitor<'de> for Nullable<V>
where
    V: Visitor<'de>,
    V::Value: Default,
{
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(formatter)
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        Ok(V::Value::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_struct(self.name, self.fields, self.visitor)
    }
}

/// Reads a value that an object may have once; `null` counts as absent.
pub(crate) fn once<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    value: &mut Option<T>,
    name: &'static str,
    map: &mut M,
) -> Result<(), M::Error> {
    if value.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *value = map.next_value()?;
    Ok(())
}

/// The name of a value in an object.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(name.into()))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(name.to_owned().into()))
            }
        }

        deserializer.deserialize_identifier(NameVisitor)
    }
}

/// The method `is_empty` for numbers and bools, which generated code calls on them as on strings.
pub trait IsEmpty {
    /// Returns whether the value is zero.
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
