//! JSON as Centrifugo reads and writes it: Go's `encoding/json` over the structs of the schema.
//!
//! [`decode()`] and [`encode()`] convert between JSON and the protobuf encoding of a message, by a
//! generated table of the schema.

mod builder;
mod cursor;
mod decode;
mod encode;
mod number;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod wire;

/// The generated table of the schema.
mod descriptors {
    include!(concat!(env!("OUT_DIR"), "/descriptors.rs"));
}

use std::fmt;

pub(crate) use self::decode::{decode, values_of};
pub(crate) use self::encode::encode;
pub(crate) use self::scan::Values;
pub(crate) use self::wire::{WireType, put_tag, put_varint};

/// Checks whether bytes are JSON.
pub(crate) fn is_valid(json: &[u8]) -> bool {
    scan::check(json).is_ok()
}

/// Encodes a message in JSON.
pub(crate) fn encode_message<M: Described + prost::Message>(
    message: &M,
) -> Result<Vec<u8>, EncodeError> {
    encode(M::DESCRIPTOR, &message.encode_to_vec())
}

/// A message of the schema.
pub(crate) struct MessageDescriptor {
    /// The name within the package: `Outer.Inner`.
    pub(crate) name: &'static str,
    /// The fields in the order of the schema, which is that of Go's structs.
    pub(crate) fields: &'static [FieldDescriptor],
}

/// A field of a message.
pub(crate) struct FieldDescriptor {
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) kind: FieldKind,
    /// True if the field is a list. A map is not a list.
    pub(crate) repeated: bool,
    /// True if unset and zero differ, as for a pointer in Go.
    pub(crate) optional: bool,
    /// True if a zero is written: the tag of the field in Go lacks `omitempty`.
    pub(crate) always: bool,
}

/// The kind of a field, of the items of a list, or of the keys or values of a map.
#[derive(Clone, Copy)]
// A schema need not use all of them.
#[allow(dead_code)]
pub(crate) enum FieldKind {
    Bool,
    Text,
    /// Any JSON value, including `null`, as text.
    Payload,
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Enum,
    Message(&'static MessageDescriptor),
    Map {
        key: &'static FieldKind,
        value: &'static FieldKind,
    },
}

/// A message type with its descriptor.
pub(crate) trait Described {
    const DESCRIPTOR: &'static MessageDescriptor;
}

/// Invalid JSON, or JSON that does not match the message.
#[derive(Debug)]
pub(crate) struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A message that cannot be encoded in JSON. Centrifugo answers with HTTP status 500.
#[derive(Debug)]
pub(crate) struct EncodeError(String);

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl MessageDescriptor {
    /// Returns the field with a name, or else the first field whose name is equal under Go's
    /// `foldName`.
    fn field(&self, name: &str) -> Option<&'static FieldDescriptor> {
        if let Some(field) = self.fields.iter().find(|field| field.name == name) {
            return Some(field);
        }
        self.fields
            .iter()
            .find(|field| text::is_equal_folded(field.name, name))
    }
}
