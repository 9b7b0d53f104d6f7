//! Protobuf as Go reads it: a field whose value is written in another way than the schema says is an unknown one,
//! where prost refuses the message.

use std::fmt;

use bytes::Bytes;

use crate::json::{FieldKind, MessageDescriptor, Width, put_key, put_varint};

/// How deep messages are looked into; prost refuses what is deeper.
const MAX_DEPTH: usize = 100;

/// How many groups may be open at once.
const MAX_GROUPS: usize = 10_000;

const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;

const START_GROUP: u8 = 3;
const END_GROUP: u8 = 4;

/// Why a message cannot be read, in Go's words.
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

/// The message without the fields that are not of its schema.
pub(super) fn known_fields(
    message: &'static MessageDescriptor,
    protobuf: Bytes,
) -> Result<Bytes, Unreadable> {
    Ok(known(Schema::Message(message), &protobuf, MAX_DEPTH)?.map_or(protobuf, Bytes::from))
}

/// What says which fields there are.
#[derive(Clone, Copy)]
enum Schema {
    Message(&'static MessageDescriptor),
    /// An entry of a map.
    Entry([&'static FieldKind; 2]),
}

impl Schema {
    /// The kind of the field of that number, if such a field can have a value of that wire type.
    fn kind(self, number: u32, wire_type: u8) -> Option<FieldKind> {
        let (kind, repeated) = match self {
            Self::Message(message) => {
                let field = message.fields.iter().find(|field| field.number == number)?;
                (field.kind, field.repeated)
            }
            Self::Entry([key, _]) if number == 1 => (*key, false),
            Self::Entry([_, value]) if number == 2 => (*value, false),
            Self::Entry(_) => return None,
        };
        let is_packed = repeated && wire_type == Width::Length as u8;
        (is_packed || wire_type == kind.width() as u8).then_some(kind)
    }
}

/// `None` where all fields are known.
fn known(schema: Schema, protobuf: &[u8], depth: usize) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut kept: Option<Vec<u8>> = None;
    let mut rest = protobuf;
    while !rest.is_empty() {
        let before = rest;
        let (number, wire_type) = key(&mut rest)?;
        let value = pass(&mut rest, number, wire_type)?;
        let field = &before[..before.len() - rest.len()];
        let kind = schema.kind(number, wire_type);
        let inner = match kind {
            Some(FieldKind::Text) if std::str::from_utf8(value).is_err() => {
                return Err(Unreadable::Text);
            }
            Some(FieldKind::Message(message)) if depth > 0 => {
                known(Schema::Message(message), value, depth - 1)?
            }
            Some(FieldKind::Map { key, value: of }) if depth > 0 => {
                known(Schema::Entry([key, of]), value, depth - 1)?
            }
            _ => None,
        };
        if inner.is_some() || kind.is_none() {
            kept.get_or_insert_with(|| protobuf[..protobuf.len() - before.len()].to_vec());
        }
        let Some(kept) = &mut kept else { continue };
        match inner {
            Some(inner) => {
                put_key(number, Width::Length, kept);
                put_varint(inner.len() as u64, kept);
                kept.extend_from_slice(&inner);
            }
            None if kind.is_some() => kept.extend_from_slice(field),
            None => {}
        }
    }
    Ok(kept)
}

/// The number of the field that comes next, and the wire type of its value.
fn key(rest: &mut &[u8]) -> Result<(u32, u8), Unreadable> {
    let key = varint(rest)?;
    match key >> 3 {
        number @ 1..=MAX_FIELD_NUMBER => Ok((number as u32, key as u8 & 7)),
        _ => Err(Unreadable::Format),
    }
}

/// Passes the value of a field, and answers it without the length that is before it.
fn pass<'a>(rest: &mut &'a [u8], number: u32, wire_type: u8) -> Result<&'a [u8], Unreadable> {
    let before = *rest;
    match wire_type {
        0 => drop(varint(rest)?),
        1 => drop(take(rest, 8)?),
        2 => {
            let length = varint(rest)?;
            return take(rest, length);
        }
        START_GROUP => pass_group(rest, number)?,
        5 => drop(take(rest, 4)?),
        _ => return Err(Unreadable::Format),
    }
    Ok(&before[..before.len() - rest.len()])
}

fn pass_group(rest: &mut &[u8], number: u32) -> Result<(), Unreadable> {
    let mut open = vec![number];
    while let Some(last) = open.last() {
        let (number, wire_type) = key(rest)?;
        match wire_type {
            START_GROUP if open.len() < MAX_GROUPS => open.push(number),
            END_GROUP if number == *last => drop(open.pop()),
            START_GROUP | END_GROUP => return Err(Unreadable::Format),
            _ => drop(pass(rest, number, wire_type)?),
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
            *rest = &rest[index + 1..];
            return if overflows {
                Err(Unreadable::Format)
            } else {
                Ok(number)
            };
        }
    }
    Err(Unreadable::Format)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::json::Described;
    use centrifugo_api::PublishRequest;

    fn read(protobuf: &[u8]) -> Result<Vec<u8>, Unreadable> {
        known_fields(PublishRequest::DESCRIPTOR, Bytes::copy_from_slice(protobuf))
            .map(|read| read.to_vec())
    }

    #[test]
    fn fields_of_another_wire_type_are_left_out() {
        for (protobuf, kept) in [
            (&b"\x08\x01\x0a\x01a"[..], &b"\x0a\x01a"[..]),
            (b"\x0a\x01a\x0d\0\0\0\0\x12\x01b", b"\x0a\x01a\x12\x01b"),
            // A group, with another in it.
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
    fn messages_of_the_schema_stay_as_they_are() {
        let mut request = PublishRequest::new("news", "1");
        request.tags.insert("k".to_owned(), String::new());
        let request = request.version(u64::MAX).version_epoch("e").encode_to_vec();
        assert_eq!(read(&request), Ok(request));
    }

    #[test]
    fn broken_messages_are_refused_in_the_words_of_go() {
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
