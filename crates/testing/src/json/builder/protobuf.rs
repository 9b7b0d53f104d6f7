//! The encoding of constructed messages in protobuf.

use crate::json::FieldKind;
use crate::json::builder::{Builder, Content, Field, Value};
use crate::json::wire::{self, WireType};

/// The number of the key in an entry of a map.
const ENTRY_KEY: u32 = 1;

/// The number of the value in an entry of a map.
const ENTRY_VALUE: u32 = 2;

/// A message, or an entry of a map with a message, that is still to be encoded.
struct Pending<'b, 'a> {
    number: u32,
    /// The kind of the key and the key, for an entry of a map.
    key: Option<(FieldKind, &'b Value<'a>)>,
    /// The index of the message; `None` for an empty one.
    message: Option<usize>,
}

impl<'a> Builder<'a> {
    /// Encodes the outermost message. Within each message, the fields that are messages come last.
    pub(in crate::json) fn to_protobuf(&self) -> Vec<u8> {
        let lengths = self.lengths();
        let mut protobuf = Vec::with_capacity(lengths[0]);
        let mut pending = Vec::new();
        self.encode(0, &mut protobuf, &mut pending);
        while let Some(Pending {
            number,
            key,
            message,
        }) = pending.pop()
        {
            let length = message.map_or(0, |index| lengths[index]);
            let number = match key {
                None => number,
                Some(key) => {
                    let value_length = block_length(ENTRY_VALUE, length);
                    put_entry_key(number, key, value_length, &mut protobuf);
                    ENTRY_VALUE
                }
            };
            wire::put_tag(number, WireType::Length, &mut protobuf);
            wire::put_varint(length as u64, &mut protobuf);
            if let Some(index) = message {
                self.encode(index, &mut protobuf, &mut pending);
            }
        }
        protobuf
    }

    /// Encodes the fields of a message that are not messages. The others become pending.
    fn encode<'b>(
        &'b self,
        index: usize,
        protobuf: &mut Vec<u8>,
        pending: &mut Vec<Pending<'b, 'a>>,
    ) {
        let first_pending = pending.len();
        for field in &self.messages[index].fields {
            let number = field.descriptor.number;
            let (key_kind, value_kind) = field.kinds();
            for (key, value) in field.values() {
                let key = key_kind.zip(key);
                if let FieldKind::Message(_) = value_kind {
                    pending.push(Pending {
                        number,
                        key,
                        message: value.and_then(message_index),
                    });
                    continue;
                }
                let number = match key {
                    None => number,
                    Some(key) => {
                        let value_length = field_length(ENTRY_VALUE, value_kind, value, &[]);
                        put_entry_key(number, key, value_length, protobuf);
                        ENTRY_VALUE
                    }
                };
                put_field(number, value_kind, value, protobuf);
            }
        }
        // Pending messages are encoded from the last to the first.
        pending[first_pending..].reverse();
    }

    /// Returns the encoded lengths of all messages.
    fn lengths(&self) -> Vec<usize> {
        let mut lengths = vec![0; self.messages.len()];
        for (index, message) in self.messages.iter().enumerate().rev() {
            lengths[index] = message
                .fields
                .iter()
                .map(|field| field.length(&lengths))
                .sum();
        }
        lengths
    }
}

impl<'a> Field<'a> {
    /// Returns the kind of the keys, for a map, and the kind of the values.
    fn kinds(&self) -> (Option<FieldKind>, FieldKind) {
        match self.descriptor.kind {
            FieldKind::Map { key, value } => (Some(*key), *value),
            kind => (None, kind),
        }
    }

    /// Returns the values, with their keys for a map.
    fn values(&self) -> Vec<(Option<&Value<'a>>, Option<&Value<'a>>)> {
        match &self.content {
            Content::Single(None) => Vec::new(),
            Content::Single(Some(value)) => vec![(None, Some(value))],
            Content::List(list) => {
                let items = list.items[..list.length].iter();
                items.map(|item| (None, item.as_ref())).collect()
            }
            Content::Map(entries) => entries
                .iter()
                .map(|(key, value)| (Some(key), value.as_ref()))
                .collect(),
        }
    }

    fn length(&self, lengths: &[usize]) -> usize {
        let number = self.descriptor.number;
        let (key_kind, value_kind) = self.kinds();
        let mut sum = 0;
        for (key, value) in self.values() {
            sum += match key_kind.zip(key) {
                None => field_length(number, value_kind, value, lengths),
                Some((key_kind, key)) => {
                    let key_length = field_length(ENTRY_KEY, key_kind, Some(key), &[]);
                    let value_length = field_length(ENTRY_VALUE, value_kind, value, lengths);
                    block_length(number, key_length + value_length)
                }
            };
        }
        sum
    }
}

fn message_index(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Message(index) => Some(*index),
        _ => None,
    }
}

/// Encodes the beginning of an entry of a map: everything up to its value, which has the number
/// [`ENTRY_VALUE`].
fn put_entry_key(
    number: u32,
    (kind, key): (FieldKind, &Value<'_>),
    value_length: usize,
    protobuf: &mut Vec<u8>,
) {
    let length = field_length(ENTRY_KEY, kind, Some(key), &[]) + value_length;
    wire::put_tag(number, WireType::Length, protobuf);
    wire::put_varint(length as u64, protobuf);
    put_field(ENTRY_KEY, kind, Some(key), protobuf);
}

/// Encodes a field with one value.
fn put_field(number: u32, kind: FieldKind, value: Option<&Value<'_>>, protobuf: &mut Vec<u8>) {
    wire::put_tag(number, kind.wire_type(), protobuf);
    match value {
        Some(Value::Number(bits)) => wire::put_number(kind, *bits, protobuf),
        Some(Value::Bytes(bytes)) => {
            wire::put_varint(bytes.len() as u64, protobuf);
            protobuf.extend_from_slice(bytes);
        }
        // An empty value is encoded like zero: by its length.
        Some(Value::Message(_)) | None => wire::put_number(kind, 0, protobuf),
    }
}

/// Returns the encoded length of a field with one value.
fn field_length(
    number: u32,
    kind: FieldKind,
    value: Option<&Value<'_>>,
    lengths: &[usize],
) -> usize {
    match value {
        Some(Value::Number(bits)) => wire::tag_length(number) + wire::number_length(kind, *bits),
        Some(Value::Bytes(bytes)) => block_length(number, bytes.len()),
        Some(Value::Message(index)) => block_length(number, lengths[*index]),
        None => wire::tag_length(number) + wire::number_length(kind, 0),
    }
}

/// Returns the encoded length of a field whose value has this length.
fn block_length(number: u32, length: usize) -> usize {
    wire::tag_length(number) + wire::varint_length(length as u64) + length
}
