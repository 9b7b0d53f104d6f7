//! Encoding of messages: protobuf to JSON.

use std::borrow::Cow;

use crate::json::wire::{self, Raw, Reader, WireType};
use crate::json::{EncodeError, FieldDescriptor, FieldKind, MessageDescriptor, number, text};

/// Encodes a message as Go's `json.Marshal` does.
pub(crate) fn encode(
    message: &'static MessageDescriptor,
    protobuf: &[u8],
) -> Result<Vec<u8>, EncodeError> {
    let mut json = Vec::with_capacity(protobuf.len() * 2 + 16);
    // A stack on the heap replaces recursion, which nested input could make overflow.
    let mut open = vec![OpenMessage::new(message, protobuf, &mut json)?];
    while let Some(current) = open.last_mut() {
        current.end_list(&mut json);
        let Some(value) = current.next_value(&mut json) else {
            json.push(b'}');
            open.pop();
            continue;
        };
        match value {
            Value::Message(message, protobuf) => {
                open.push(OpenMessage::new(message, protobuf, &mut json)?)
            }
            Value::Plain(kind, raw) => write(kind, raw, &mut json)?,
            Value::Unset(field) => write_unset(field, &mut json)?,
        }
    }
    Ok(json)
}

/// A message that has been written in part.
struct OpenMessage<'a> {
    message: &'static MessageDescriptor,
    /// The entries in the order of the fields, in which they are written.
    entries: Vec<Entry<'a>>,
    /// The number of entries that have been written.
    written: usize,
}

/// A value of a field, or an item of its list or map.
struct Entry<'a> {
    /// The index of the field in the message.
    field: usize,
    /// The key, in a map.
    key: Option<Cow<'a, [u8]>>,
    /// The value; `None` for an unset field that is written as zero.
    raw: Option<Raw<'a>>,
}

/// The next value to write.
enum Value<'a> {
    Message(&'static MessageDescriptor, &'a [u8]),
    Plain(FieldKind, Raw<'a>),
    Unset(&'static FieldDescriptor),
}

impl<'a> OpenMessage<'a> {
    fn new(
        message: &'static MessageDescriptor,
        protobuf: &'a [u8],
        json: &mut Vec<u8>,
    ) -> Result<Self, EncodeError> {
        json.push(b'{');
        let mut entries = Vec::new();
        let mut reader = Reader::new(protobuf);
        while !reader.is_empty() {
            let (number, wire_type) = reader.tag()?;
            let raw = reader.value(wire_type)?;
            let known = message
                .fields
                .iter()
                .position(|field| field.number == number);
            if let Some(field) = known {
                read_entries(message, field, wire_type, raw, &mut entries)?;
            }
        }
        add_unset(message, &mut entries);
        entries.sort_by(|one, other| (one.field, &one.key).cmp(&(other.field, &other.key)));
        keep_last(message, &mut entries);
        entries.retain(|entry| !is_omitted(&message.fields[entry.field], entry));
        Ok(Self {
            message,
            entries,
            written: 0,
        })
    }

    /// Returns the next value, after writing everything in front of it.
    fn next_value(&mut self, json: &mut Vec<u8>) -> Option<Value<'a>> {
        let entry = self.entries.get(self.written)?;
        let field = &self.message.fields[entry.field];
        let is_first = self
            .previous()
            .is_none_or(|previous| previous.field != entry.field);
        if self.written > 0 {
            json.push(b',');
        }
        if is_first {
            json.push(b'"');
            json.extend_from_slice(field.name.as_bytes());
            json.extend_from_slice(b"\":");
        }
        self.written += 1;
        let Some(raw) = entry.raw else {
            return Some(Value::Unset(field));
        };
        if is_first && let Some((begin, _)) = brackets(field) {
            json.push(begin);
        }
        if let Some(key) = &entry.key {
            text::quote(key, json);
            json.push(b':');
        }
        let kind = match field.kind {
            FieldKind::Map { value, .. } => *value,
            kind => kind,
        };
        Some(match (kind, raw) {
            (FieldKind::Message(message), Raw::Bytes(protobuf)) => {
                Value::Message(message, protobuf)
            }
            (kind, raw) => Value::Plain(kind, raw),
        })
    }

    /// Returns the entry that was written last.
    fn previous(&self) -> Option<&Entry<'a>> {
        let index = self.written.checked_sub(1)?;
        self.entries.get(index)
    }

    /// Writes the closing bracket of a list or a map after its last item.
    fn end_list(&self, json: &mut Vec<u8>) {
        let Some(previous) = self.previous().filter(|previous| previous.raw.is_some()) else {
            return;
        };
        let continues = self
            .entries
            .get(self.written)
            .is_some_and(|next| next.field == previous.field);
        if !continues && let Some((_, end)) = brackets(&self.message.fields[previous.field]) {
            json.push(end);
        }
    }
}

/// Adds an entry for each field that is unset but written as zero.
fn add_unset(message: &MessageDescriptor, entries: &mut Vec<Entry<'_>>) {
    for (index, field) in message.fields.iter().enumerate() {
        if field.always && !entries.iter().any(|entry| entry.field == index) {
            entries.push(Entry {
                field: index,
                key: None,
                raw: None,
            });
        }
    }
}

/// Returns the brackets around a list or a map.
fn brackets(field: &FieldDescriptor) -> Option<(u8, u8)> {
    match field.kind {
        FieldKind::Map { .. } => Some((b'{', b'}')),
        _ if field.repeated => Some((b'[', b']')),
        _ => None,
    }
}

/// Adds the entries of one occurrence of a field: several for a packed list of numbers.
fn read_entries<'a>(
    message: &MessageDescriptor,
    field: usize,
    wire_type: WireType,
    raw: Raw<'a>,
    entries: &mut Vec<Entry<'a>>,
) -> Result<(), EncodeError> {
    let descriptor = &message.fields[field];
    let own_type = descriptor.kind.wire_type();
    match (descriptor.kind, raw) {
        (FieldKind::Map { key, value }, Raw::Bytes(entry)) => {
            let (key, raw) = read_map_entry(*key, *value, entry)?;
            entries.push(Entry {
                field,
                key: Some(key),
                raw: Some(raw),
            });
        }
        (_, Raw::Bytes(packed)) if descriptor.repeated && own_type != WireType::Length => {
            let mut reader = Reader::new(packed);
            while !reader.is_empty() {
                entries.push(Entry {
                    field,
                    key: None,
                    raw: Some(reader.value(own_type)?),
                });
            }
        }
        (_, raw) if wire_type == own_type => entries.push(Entry {
            field,
            key: None,
            raw: Some(raw),
        }),
        _ => return Err(wire::malformed()),
    }
    Ok(())
}

/// Reads the key and the value of an entry of a map.
fn read_map_entry(
    key: FieldKind,
    value: FieldKind,
    entry: &[u8],
) -> Result<(Cow<'_, [u8]>, Raw<'_>), EncodeError> {
    let mut raw_key = Raw::zero(key);
    let mut raw_value = Raw::zero(value);
    let mut reader = Reader::new(entry);
    while !reader.is_empty() {
        let (number, wire_type) = reader.tag()?;
        let raw = reader.value(wire_type)?;
        let (kind, target) = match number {
            1 => (key, &mut raw_key),
            2 => (value, &mut raw_value),
            _ => continue,
        };
        if wire_type != kind.wire_type() {
            return Err(wire::malformed());
        }
        *target = raw;
    }
    let key_text = match raw_key {
        Raw::Bytes(text) => Cow::Borrowed(text),
        Raw::Number(bits) => {
            let mut text = Vec::new();
            number::write(key, bits, &mut text)?;
            Cow::Owned(text)
        }
    };
    Ok((key_text, raw_value))
}

/// Keeps the last occurrence of each key of a map, and of each field that is not a list.
fn keep_last(message: &MessageDescriptor, entries: &mut Vec<Entry<'_>>) {
    entries.dedup_by(|later, earlier| {
        let is_same = later.field == earlier.field && later.key == earlier.key;
        let replaces = is_same && !message.fields[later.field].repeated;
        if replaces {
            earlier.raw = later.raw;
        }
        replaces
    });
}

/// Checks whether Go's `omitempty` omits a field. Unlike other optional fields, an optional payload
/// is not a pointer in Go.
fn is_omitted(field: &FieldDescriptor, entry: &Entry<'_>) -> bool {
    let is_zero = match entry.raw {
        Some(Raw::Number(bits)) => number::is_zero(field.kind, bits) && !field.optional,
        Some(Raw::Bytes(bytes)) => match field.kind {
            FieldKind::Payload => bytes.is_empty(),
            FieldKind::Text => bytes.is_empty() && !field.optional,
            _ => false,
        },
        None => false,
    };
    is_zero && entry.key.is_none() && !field.always && !field.repeated
}

fn write(kind: FieldKind, raw: Raw<'_>, json: &mut Vec<u8>) -> Result<(), EncodeError> {
    match raw {
        Raw::Number(bits) => number::write(kind, bits, json),
        Raw::Bytes(payload) if matches!(kind, FieldKind::Payload) => text::compact(payload, json),
        Raw::Bytes(text) => {
            text::quote(text, json);
            Ok(())
        }
    }
}

/// Writes an unset field as zero. In Centrifugo such lists and maps are empty, never `nil`.
fn write_unset(field: &FieldDescriptor, json: &mut Vec<u8>) -> Result<(), EncodeError> {
    match (brackets(field), field.kind) {
        (Some((begin, end)), _) => json.extend_from_slice(&[begin, end]),
        (None, FieldKind::Payload | FieldKind::Message(_)) => json.extend_from_slice(b"null"),
        (None, kind) => return write(kind, Raw::zero(kind), json),
    }
    Ok(())
}
