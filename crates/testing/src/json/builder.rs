//! Messages under construction, and their encoding in protobuf.

use std::borrow::Cow;

use crate::json::wire::{self, WireType};
use crate::json::{FieldDescriptor, FieldKind, MessageDescriptor};

/// The messages that are built while JSON is read. The first one is the outermost message.
///
/// A message contains only messages with a greater index. They are in one list, so that neither
/// dropping nor encoding them recurses, whatever their nesting depth.
pub(crate) struct Builder<'a> {
    messages: Vec<Message<'a>>,
}

/// A message under construction.
pub(crate) struct Message<'a> {
    pub(super) descriptor: &'static MessageDescriptor,
    /// The fields that occurred in the JSON.
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    descriptor: &'static FieldDescriptor,
    content: Content<'a>,
}

/// The content of a field.
pub(crate) enum Content<'a> {
    Single(Option<Value<'a>>),
    List(List<'a>),
    Map(Vec<(Value<'a>, Option<Value<'a>>)>),
}

/// A list that behaves like a slice in Go.
///
/// If a field occurs twice, Go reads the second list into the items of the first one, including those
/// behind the end of the second list.
#[derive(Default)]
pub(crate) struct List<'a> {
    items: Vec<Option<Value<'a>>>,
    length: usize,
}

/// A value of a field. `None` in place of a value is zero, or Go's `nil`.
pub(crate) enum Value<'a> {
    /// A number or a bool, in the bits of protobuf.
    Number(u64),
    Bytes(Cow<'a, [u8]>),
    /// The index of a message.
    Message(usize),
}

/// A message, or an entry of a map with a message, that is still to be encoded.
struct Pending<'b, 'a> {
    number: u32,
    /// The kind of the key and the key, for an entry of a map.
    key: Option<(FieldKind, &'b Value<'a>)>,
    /// The index of the message; `None` for an empty one.
    message: Option<usize>,
}

impl<'a> Message<'a> {
    fn new(descriptor: &'static MessageDescriptor) -> Self {
        Self {
            descriptor,
            fields: Vec::new(),
        }
    }

    /// Returns the index of a field, which is added if it has not occurred before.
    pub(super) fn field_index(&mut self, descriptor: &'static FieldDescriptor) -> usize {
        let existing = self
            .fields
            .iter()
            .position(|field| field.descriptor.number == descriptor.number);
        if let Some(index) = existing {
            return index;
        }
        let content = match descriptor.kind {
            FieldKind::Map { .. } => Content::Map(Vec::new()),
            _ if descriptor.repeated => Content::List(List::default()),
            _ => Content::Single(None),
        };
        self.fields.push(Field {
            descriptor,
            content,
        });
        self.fields.len() - 1
    }

    pub(super) fn content_mut(&mut self, field_index: usize) -> Option<&mut Content<'a>> {
        let field = self.fields.get_mut(field_index)?;
        Some(&mut field.content)
    }
}

impl<'a> Content<'a> {
    /// Returns the value to set: the single one, the item of the list at `index`, or the last value
    /// of the map. The item of the list may have a value from an earlier list.
    pub(super) fn value_mut(&mut self, index: usize) -> Option<&mut Option<Value<'a>>> {
        match self {
            Content::Single(value) => Some(value),
            Content::List(list) => {
                if index == list.items.len() {
                    list.items.push(None);
                }
                list.items.get_mut(index)
            }
            Content::Map(entries) => {
                let (_, value) = entries.last_mut()?;
                Some(value)
            }
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Content::Single(value) => *value = None,
            Content::List(list) => list.end(0),
            Content::Map(entries) => entries.clear(),
        }
    }
}

impl List<'_> {
    /// Ends the list. Items behind the end are kept, unless the list is empty.
    pub(super) fn end(&mut self, length: usize) {
        self.length = length;
        if length == 0 {
            self.items.clear();
        }
    }
}

impl<'a> Builder<'a> {
    /// Creates a builder with an empty outermost message.
    pub(super) fn new(descriptor: &'static MessageDescriptor) -> Self {
        Self {
            messages: vec![Message::new(descriptor)],
        }
    }

    /// Returns the index that the next added message will have.
    pub(super) fn next_index(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn add(&mut self, descriptor: &'static MessageDescriptor) {
        self.messages.push(Message::new(descriptor));
    }

    pub(super) fn message(&self, index: usize) -> &Message<'a> {
        &self.messages[index]
    }

    pub(super) fn message_mut(&mut self, index: usize) -> &mut Message<'a> {
        &mut self.messages[index]
    }

    /// Returns the indexes of the items without a value in lists of messages that are fields of the
    /// outermost message.
    pub(super) fn nulls(&self) -> Vec<usize> {
        let mut nulls = Vec::new();
        for field in &self.messages[0].fields {
            if let (Content::List(list), FieldKind::Message(_)) =
                (&field.content, field.descriptor.kind)
            {
                let items = list.items[..list.length].iter().enumerate();
                nulls.extend(
                    items
                        .filter(|(_, item)| item.is_none())
                        .map(|(index, _)| index),
                );
            }
        }
        nulls
    }

    /// Encodes the outermost message. Within each message, the fields that are messages come last.
    pub(super) fn to_protobuf(&self) -> Vec<u8> {
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
        // The last one is encoded first.
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

/// The number of the key in an entry of a map.
const ENTRY_KEY: u32 = 1;

/// The number of the value in an entry of a map.
const ENTRY_VALUE: u32 = 2;

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
