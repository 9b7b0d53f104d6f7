//! Centrifugo's JSON as its server reads and writes it: Go's `encoding/json` over the structs of the schema.
//!
//! Both ways go by a table of the schema, between JSON and the protobuf encoding of a message.

mod cursor;
mod decode;
mod builder;
mod encode;
mod number;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod wire;

/// The generated table.
mod descriptors {
    include!(concat!(env!("OUT_DIR"), "/descriptors.rs"));
}

use std::fmt;

pub(crate) use decode::{decode, values_of};
pub(crate) use encode::encode;
pub(crate) use scan::Values;
pub(crate) use wire::{Width, put_key, put_varint};

/// Whether bytes are JSON.
pub(crate) fn is_valid(json: &[u8]) -> bool {
    scan::check(json).is_ok()
}

/// Writes a message.
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
    /// Whether it is a list; a map is not.
    pub(crate) repeated: bool,
    /// Whether unset and zero differ, as they do for a pointer in Go.
    pub(crate) optional: bool,
    /// Whether it is written though it is zero: its tag in Go lacks `omitempty`.
    pub(crate) always: bool,
}

/// What a field, an item of a list, or a key or a value of a map holds.
#[derive(Clone, Copy)]
// Which of them a schema uses is the schema's matter.
#[allow(dead_code)]
pub(crate) enum FieldKind {
    Bool,
    Text,
    /// Any JSON value, `null` too, kept as its text is.
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

/// A type that the schema describes.
pub(crate) trait Described {
    const DESCRIPTOR: &'static MessageDescriptor;
}

/// Why JSON is none, or none of a message.
#[derive(Debug)]
pub(crate) struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a message has no JSON: Centrifugo then answers HTTP status 500.
#[derive(Debug)]
pub(crate) struct EncodeError(String);

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl MessageDescriptor {
    /// The field of that name, or else the first whose name differs only as Go's `foldName` forgives.
    fn field(&self, name: &str) -> Option<&'static FieldDescriptor> {
        let fields = self.fields.iter();
        fields.clone().find(|field| field.name == name).or_else(|| {
            fields.clone().find(|field| {
                field
                    .name
                    .chars()
                    .map(text::fold)
                    .eq(name.chars().map(text::fold))
            })
        })
    }
}
