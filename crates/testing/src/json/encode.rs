//! Protobuf to JSON.

use std::borrow::Cow;

use super::wire::{self, Raw, Reader, Width};
use super::{FieldDescriptor, FieldKind, MessageDescriptor, EncodeError, number, text};

/// Writes a message as Go's `json.Marshal` does.
pub(crate) fn encode(message: &'static MessageDescriptor, protobuf: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let mut json = Vec::with_capacity(protobuf.len() * 2 + 16);
    // What is being written, in place of a recursion, which nested input could make overflow.
    let mut open = vec![Open::new(message, protobuf, &mut json)?];
    while let Some(current) = open.last_mut() {
        current.end_list(&mut json);
        let Some(value) = current.next_value(&mut json) else {
            json.push(b'}');
            open.pop();
            continue;
        };
        match value {
            Value::Message(message, protobuf) => {
                open.push(Open::new(message, protobuf, &mut json)?)
            }
            Value::Plain(kind, raw) => write(kind, raw, &mut json)?,
            Value::Unset(field) => write_unset(field, &mut json)?,
        }
    }
    Ok(json)
}

/// A message of which a part is written.
struct Open<'a> {
    message: &'static MessageDescriptor,
    /// In the order in which they are written, which is that of the fields.
    entries: Vec<Entry<'a>>,
    written: usize,
}

/// A value of a field, or an item of its list or map.
struct Entry<'a> {
    /// The place of the field in the message.
    place: usize,
    /// The key in a map.
    key: Option<Cow<'a, [u8]>>,
    /// None where the field is not set but written.
    raw: Option<Raw<'a>>,
}

enum Value<'a> {
    Message(&'static MessageDescriptor, &'a [u8]),
    Plain(FieldKind, Raw<'a>),
    Unset(&'static FieldDescriptor),
}

impl<'a> Open<'a> {
    fn new(
        message: &'static MessageDescriptor,
        protobuf: &'a [u8],
        json: &mut Vec<u8>,
    ) -> Result<Self, EncodeError> {
        json.push(b'{');
        let mut entries = Vec::new();
        let mut reader = Reader(protobuf);
        while !reader.is_empty() {
            let (number, width) = reader.key()?;
            let raw = reader.value(width)?;
            if let Some(place) = message
                .fields
                .iter()
                .position(|field| field.number == number)
            {
                read_entries(&message.fields[place], place, width, raw, &mut entries)?;
            }
        }
        for (place, field) in message.fields.iter().enumerate() {
            if field.always {
                let is_set = entries.iter().any(|entry| entry.place == place);
                entries.extend((!is_set).then_some(Entry {
                    place,
                    key: None,
                    raw: None,
                }));
            }
        }
        entries.sort_by(|one, other| (one.place, &one.key).cmp(&(other.place, &other.key)));
        keep_last(message, &mut entries);
        entries.retain(|entry| !is_left_out(&message.fields[entry.place], entry));
        Ok(Self {
            message,
            entries,
            written: 0,
        })
    }

    /// The next value, before which it writes what belongs there.
    fn next_value(&mut self, json: &mut Vec<u8>) -> Option<Value<'a>> {
        let entry = self.entries.get(self.written)?;
        let field = &self.message.fields[entry.place];
        let is_first = self
            .before()
            .is_none_or(|before| before.place != entry.place);
        if self.written > 0 {
            json.push(b',');
        }
        if is_first {
            json.push(b'"');
            json.extend_from_slice(field.name.as_bytes());
            json.extend_from_slice(b"\":");
        }
        let Some(raw) = entry.raw else {
            self.written += 1;
            return Some(Value::Unset(field));
        };
        let kind = match field.kind {
            FieldKind::Map { value, .. } => *value,
            kind => kind,
        };
        if let (true, Some((begin, _))) = (is_first, brackets(field)) {
            json.push(begin);
        }
        if let Some(key) = &entry.key {
            text::quote(key, json);
            json.push(b':');
        }
        self.written += 1;
        Some(match (kind, raw) {
            (FieldKind::Message(message), Raw::Bytes(protobuf)) => Value::Message(message, protobuf),
            (kind, raw) => Value::Plain(kind, raw),
        })
    }

    fn before(&self) -> Option<&Entry<'a>> {
        self.written
            .checked_sub(1)
            .and_then(|last| self.entries.get(last))
    }

    /// Ends the list or the map whose last item was written.
    fn end_list(&self, json: &mut Vec<u8>) {
        let Some(before) = self.before().filter(|before| before.raw.is_some()) else {
            return;
        };
        let goes_on = self
            .entries
            .get(self.written)
            .is_some_and(|next| next.place == before.place);
        if let (false, Some((_, end))) = (goes_on, brackets(&self.message.fields[before.place])) {
            json.push(end);
        }
    }
}

/// What a list or a map is written in.
fn brackets(field: &FieldDescriptor) -> Option<(u8, u8)> {
    match field.kind {
        FieldKind::Map { .. } => Some((b'{', b'}')),
        _ if field.repeated => Some((b'[', b']')),
        _ => None,
    }
}

/// Adds what one occurrence of a field in protobuf holds: of a list of numbers perhaps many.
fn read_entries<'a>(
    field: &FieldDescriptor,
    place: usize,
    width: Width,
    raw: Raw<'a>,
    entries: &mut Vec<Entry<'a>>,
) -> Result<(), EncodeError> {
    let own = field.kind.width();
    match (field.kind, raw) {
        (FieldKind::Map { key, value }, Raw::Bytes(entry)) => {
            let (key, raw) = read_map_entry(*key, *value, entry)?;
            entries.push(Entry {
                place,
                key: Some(key),
                raw: Some(raw),
            });
        }
        (_, Raw::Bytes(packed)) if field.repeated && own != Width::Length => {
            let mut reader = Reader(packed);
            while !reader.is_empty() {
                entries.push(Entry {
                    place,
                    key: None,
                    raw: Some(reader.value(own)?),
                });
            }
        }
        (_, raw) if width == own => entries.push(Entry {
            place,
            key: None,
            raw: Some(raw),
        }),
        _ => return Err(wire::broken()),
    }
    Ok(())
}

fn read_map_entry(
    key: FieldKind,
    value: FieldKind,
    entry: &[u8],
) -> Result<(Cow<'_, [u8]>, Raw<'_>), EncodeError> {
    let mut parts = [(key, Raw::zero(key)), (value, Raw::zero(value))];
    let mut reader = Reader(entry);
    while !reader.is_empty() {
        let (number, width) = reader.key()?;
        let raw = reader.value(width)?;
        let part = usize::try_from(number)
            .ok()
            .and_then(|number| parts.get_mut(number.wrapping_sub(1)));
        if let Some((kind, part)) = part {
            if width != kind.width() {
                return Err(wire::broken());
            }
            *part = raw;
        }
    }
    let [(_, raw_key), (_, raw)] = parts;
    let key = match raw_key {
        Raw::Bytes(text) => Cow::Borrowed(text),
        Raw::Number(bits) => {
            let mut text = Vec::new();
            number::write(key, bits, &mut text)?;
            Cow::Owned(text)
        }
    };
    Ok((key, raw))
}

/// Of a field that is not a list, and of a key of a map, only the last occurrence counts.
fn keep_last(message: &MessageDescriptor, entries: &mut Vec<Entry<'_>>) {
    entries.dedup_by(|later, earlier| {
        let is_same = later.place == earlier.place && later.key == earlier.key;
        let replaces = is_same && !message.fields[later.place].repeated;
        if replaces {
            earlier.raw = later.raw;
        }
        replaces
    });
}

/// Whether it is what Go's `omitempty` leaves out. An optional payload, unlike other optional fields, is no
/// pointer in Go.
fn is_left_out(field: &FieldDescriptor, entry: &Entry<'_>) -> bool {
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

/// Writes a field that is written even if it is not set. Centrifugo never leaves such lists and maps `nil`.
fn write_unset(field: &FieldDescriptor, json: &mut Vec<u8>) -> Result<(), EncodeError> {
    match (brackets(field), field.kind) {
        (Some((begin, end)), _) => json.extend_from_slice(&[begin, end]),
        (None, FieldKind::Payload | FieldKind::Message(_)) => json.extend_from_slice(b"null"),
        (None, kind) => return write(kind, Raw::zero(kind), json),
    }
    Ok(())
}
