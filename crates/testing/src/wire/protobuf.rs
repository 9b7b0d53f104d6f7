//! Protobuf as Go reads it: a field whose wire type differs from the schema counts as unknown,
//! where prost refuses the message.

use std::fmt;

use bytes::Bytes;

use crate::json::{FieldKind, MessageDescriptor, WireType, put_tag, put_varint};

/// The nesting depth up to which messages are examined; prost refuses deeper ones.
const MAX_DEPTH: usize = 100;

/// The nesting limit of groups.
const MAX_GROUPS: usize = 10_000;

const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;

const START_GROUP: u8 = 3;
const END_GROUP: u8 = 4;

/// An error of reading a message; its text is that of Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Format,
    Text,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Format => "proto: cannot parse invalid wire-format data",
            Self::Text => "string field contains invalid UTF-8",
        })
    }
}

/// Returns the message without the fields that are unknown to its schema.
pub(super) fn known_fields(
    message: &'static MessageDescriptor,
    protobuf: Bytes,
) -> Result<Bytes, Unreadable> {
    match without_unknown(Schema::Message(message), &protobuf, MAX_DEPTH)? {
        Some(known) => Ok(Bytes::from(known)),
        None => Ok(protobuf),
    }
}

/// The schema of a message or of an entry of a map.
#[derive(Clone, Copy)]
enum Schema {
    Message(&'static MessageDescriptor),
    /// An entry of a map, with the kinds of key and value.
    Entry {
        key: &'static FieldKind,
        value: &'static FieldKind,
    },
}

impl Schema {
    /// Returns the kind of a field, or `None` if the field is unknown or its wire type differs.
    fn kind(self, number: u32, wire_type: u8) -> Option<FieldKind> {
        let (kind, repeated) = match self {
            Self::Message(message) => {
                let field = message.fields.iter().find(|field| field.number == number)?;
                (field.kind, field.repeated)
            }
            Self::Entry { key, .. } if number == 1 => (*key, false),
            Self::Entry { value, .. } if number == 2 => (*value, false),
            Self::Entry { .. } => return None,
        };
        let is_packed = repeated && wire_type == WireType::Length as u8;
        (is_packed || wire_type == kind.wire_type() as u8).then_some(kind)
    }
}

/// Returns a message without unknown fields, or `None` if all fields are known.
fn without_unknown(
    schema: Schema,
    protobuf: &[u8],
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    // The known fields; `None` as long as all fields are known.
    let mut known: Option<Vec<u8>> = None;
    let mut rest = protobuf;
    while !rest.is_empty() {
        let start = protobuf.len() - rest.len();
        let (number, wire_type) = tag(&mut rest)?;
        let value = take_value(&mut rest, number, wire_type)?;
        let end = protobuf.len() - rest.len();
        let kind = schema.kind(number, wire_type);
        let changed_value = match kind {
            Some(kind) => value_without_unknown(kind, value, depth)?,
            None => None,
        };
        if changed_value.is_some() || kind.is_none() {
            known.get_or_insert_with(|| protobuf[..start].to_vec());
        }
        let Some(known) = &mut known else { continue };
        if let Some(value) = changed_value {
            put_tag(number, WireType::Length, known);
            put_varint(value.len() as u64, known);
            known.extend_from_slice(&value);
        } else if kind.is_some() {
            known.extend_from_slice(&protobuf[start..end]);
        }
    }
    Ok(known)
}

/// Returns a value without unknown fields, or `None` if the value needs no change.
fn value_without_unknown(
    kind: FieldKind,
    value: &[u8],
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let schema = match kind {
        FieldKind::Text if std::str::from_utf8(value).is_err() => return Err(Unreadable::Text),
        FieldKind::Message(message) => Schema::Message(message),
        FieldKind::Map { key, value } => Schema::Entry { key, value },
        _ => return Ok(None),
    };
    if depth == 0 {
        return Ok(None);
    }
    without_unknown(schema, value, depth - 1)
}

/// Reads the number and the wire type of the next field.
fn tag(rest: &mut &[u8]) -> Result<(u32, u8), Unreadable> {
    let tag = varint(rest)?;
    match tag >> 3 {
        number @ 1..=MAX_FIELD_NUMBER => Ok((number as u32, tag as u8 & 7)),
        _ => Err(Unreadable::Format),
    }
}

/// Takes the value of a field, without the length in front of it.
fn take_value<'a>(rest: &mut &'a [u8], number: u32, wire_type: u8) -> Result<&'a [u8], Unreadable> {
    let before = *rest;
    match wire_type {
        0 => drop(varint(rest)?),
        1 => drop(take(rest, 8)?),
        2 => {
            let length = varint(rest)?;
            return take(rest, length);
        }
        START_GROUP => skip_group(rest, number)?,
        5 => drop(take(rest, 4)?),
        _ => return Err(Unreadable::Format),
    }
    Ok(&before[..before.len() - rest.len()])
}

/// Skips a group, up to its end tag.
fn skip_group(rest: &mut &[u8], number: u32) -> Result<(), Unreadable> {
    let mut open = vec![number];
    while let Some(last) = open.last() {
        let (number, wire_type) = tag(rest)?;
        match wire_type {
            START_GROUP if open.len() < MAX_GROUPS => open.push(number),
            END_GROUP if number == *last => drop(open.pop()),
            START_GROUP | END_GROUP => return Err(Unreadable::Format),
            _ => drop(take_value(rest, number, wire_type)?),
        }
    }
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Unreadable> {
    let length = usize::try_from(length).map_err(|_| Unreadable::Format)?;
    let (taken, after) = rest.split_at_checked(length).ok_or(Unreadable::Format)?;
    *rest = after;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, Unreadable> {
    let mut number = 0;
    for (index, byte) in rest.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let overflows = index == 9 && *byte > 1;
            if overflows {
                return Err(Unreadable::Format);
            }
            *rest = &rest[index + 1..];
            return Ok(number);
        }
    }
    Err(Unreadable::Format)
}

#[cfg(test)]
mod tests {
    use centrifugo_api::PublishRequest;
    use prost::Message as _;

    use super::*;
    use crate::json::Described;

    fn read(protobuf: &[u8]) -> Result<Vec<u8>, Unreadable> {
        known_fields(PublishRequest::DESCRIPTOR, Bytes::copy_from_slice(protobuf))
            .map(|read| read.to_vec())
    }

    #[test]
    fn fields_of_another_wire_type_are_removed() {
        for (protobuf, kept) in [
            (&b"\x08\x01\x0a\x01a"[..], &b"\x0a\x01a"[..]),
            (b"\x0a\x01a\x0d\0\0\0\0\x12\x01b", b"\x0a\x01a\x12\x01b"),
            // A group within a group.
            (b"\x0b\x13\x08\x01\x14\x0c\x0a\x01a", b"\x0a\x01a"),
            (b"\xf8\x07\x01", b""),
            // In an entry of `tags`.
            (
                b"\x2a\x08\x08\x01\x0a\x01k\x12\x01v",
                b"\x2a\x06\x0a\x01k\x12\x01v",
            ),
        ] {
            assert_eq!(read(protobuf).as_deref(), Ok(kept), "{protobuf:?}");
        }
    }

    #[test]
    fn messages_without_unknown_fields_are_unchanged() {
        let mut request = PublishRequest::new("news", "1");
        request.tags.insert("k".to_owned(), String::new());
        let request = request.version(u64::MAX).version_epoch("e").encode_to_vec();
        assert_eq!(read(&request), Ok(request));
    }

    #[test]
    fn malformed_messages_are_refused_with_errors_of_go() {
        for protobuf in [
            &b"\0\0"[..],
            b"\xff\xff\xff",
            b"\x0a\x7f",
            b"\x0c",
            b"\x0b\x14",
            b"\x0b",
            b"\x0e",
            b"\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x2a\x02\x0a\x05",
        ] {
            assert_eq!(read(protobuf), Err(Unreadable::Format), "{protobuf:?}");
        }
        for protobuf in [&b"\x0a\x01\xff\x0a\x7f"[..], b"\x2a\x03\x12\x01\xff"] {
            assert_eq!(read(protobuf), Err(Unreadable::Text), "{protobuf:?}");
        }
    }
}
