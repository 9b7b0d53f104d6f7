//! Messages as they come about while JSON is read, and their protobuf encoding.

use std::borrow::Cow;

use super::wire::{self, Width};
use super::{FieldDescriptor, FieldKind, MessageDescriptor};

/// Messages, each of which contains only later ones: in one list, so that neither dropping nor writing them
/// recurses, however deep they are nested.
pub(crate) struct Drafts<'a>(pub(super) Vec<Draft<'a>>);

pub(crate) struct Draft<'a> {
    pub(crate) message: &'static MessageDescriptor,
    /// What was set.
    slots: Vec<Slot<'a>>,
}

struct Slot<'a> {
    field: &'static FieldDescriptor,
    content: Content<'a>,
}

pub(crate) enum Content<'a> {
    One(Option<Value<'a>>),
    List(List<'a>),
    Map(Vec<(Value<'a>, Option<Value<'a>>)>),
}

/// A slice in Go, which reads a list into what it holds from an earlier one, even behind its end.
#[derive(Default)]
pub(crate) struct List<'a> {
    items: Vec<Option<Value<'a>>>,
    length: usize,
}

/// A value of a field; `None` in place of one is zero, or Go's `nil`.
pub(crate) enum Value<'a> {
    /// A number or a bool, in protobuf's bits.
    Number(u64),
    Bytes(Cow<'a, [u8]>),
    Message(usize),
}

/// A message that is still to be written.
struct Pending<'d, 'a> {
    number: u32,
    /// In a map, the kind of its keys, and the key.
    key: Option<(FieldKind, &'d Value<'a>)>,
    draft: Option<usize>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(message: &'static MessageDescriptor) -> Self {
        Self {
            message,
            slots: Vec::new(),
        }
    }

    /// The place of the field's content, made if there is none.
    pub(super) fn place(&mut self, field: &'static FieldDescriptor) -> usize {
        let place = self
            .slots
            .iter()
            .position(|slot| slot.field.number == field.number);
        place.unwrap_or_else(|| {
            let content = match field.kind {
                FieldKind::Map { .. } => Content::Map(Vec::new()),
                _ if field.repeated => Content::List(List::default()),
                _ => Content::One(None),
            };
            self.slots.push(Slot { field, content });
            self.slots.len() - 1
        })
    }

    pub(super) fn content(&mut self, place: usize) -> Option<&mut Content<'a>> {
        self.slots.get_mut(place).map(|slot| &mut slot.content)
    }
}

impl<'a> Content<'a> {
    /// Where a value goes: the only one, the list's at `index`, which may hold an earlier one, or the map's last.
    pub(super) fn cell(&mut self, index: usize) -> Option<&mut Option<Value<'a>>> {
        match self {
            Content::One(value) => Some(value),
            Content::List(list) => {
                if index == list.items.len() {
                    list.items.push(None);
                }
                list.items.get_mut(index)
            }
            Content::Map(entries) => entries.last_mut().map(|(_, value)| value),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Content::One(value) => *value = None,
            Content::List(list) => list.end(0),
            Content::Map(entries) => entries.clear(),
        }
    }
}

impl List<'_> {
    /// Ends the list, which forgets what it held only when it is empty.
    pub(super) fn end(&mut self, length: usize) {
        self.length = length;
        if length == 0 {
            self.items.clear();
        }
    }
}

impl<'a> Drafts<'a> {
    /// Where in lists of messages, which are directly in the first message, there is none.
    pub(super) fn nulls(&self) -> Vec<usize> {
        let slots = self.0.first().into_iter().flat_map(|draft| &draft.slots);
        let lists = slots.filter_map(|slot| match (&slot.content, slot.field.kind) {
            (Content::List(list), FieldKind::Message(_)) => Some(&list.items[..list.length]),
            _ => None,
        });
        lists
            .flat_map(|items| items.iter().enumerate().filter(|(_, item)| item.is_none()))
            .map(|(index, _)| index)
            .collect()
    }

    /// The first message as protobuf. Within each message, other messages come last.
    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        let lengths = self.lengths();
        let mut protobuf = Vec::with_capacity(lengths.first().copied().unwrap_or_default());
        let mut pending = Vec::new();
        self.write(0, &mut protobuf, &mut pending);
        while let Some(Pending { number, key, draft }) = pending.pop() {
            let length = draft.map_or(0, |draft| lengths[draft]);
            let number = put_entry_key(
                number,
                key,
                |number| block_length(number, length),
                &mut protobuf,
            );
            wire::put_key(number, Width::Length, &mut protobuf);
            wire::put_varint(length as u64, &mut protobuf);
            if let Some(draft) = draft {
                self.write(draft, &mut protobuf, &mut pending);
            }
        }
        protobuf
    }

    /// Writes a message but for those in it, which become pending.
    fn write<'d>(
        &'d self,
        draft: usize,
        protobuf: &mut Vec<u8>,
        pending: &mut Vec<Pending<'d, 'a>>,
    ) {
        let first = pending.len();
        for slot in &self.0[draft].slots {
            let (number, (key_kind, kind)) = (slot.field.number, slot.kinds());
            for (key, value) in slot.values() {
                let key = key_kind.zip(key);
                if let FieldKind::Message(_) = kind {
                    pending.push(Pending {
                        number,
                        key,
                        draft: value.and_then(message_of),
                    });
                    continue;
                }
                let number = put_entry_key(
                    number,
                    key,
                    |number| length(number, kind, value, &[]),
                    protobuf,
                );
                put(number, kind, value, protobuf);
            }
        }
        pending[first..].reverse();
    }

    /// The lengths of all messages.
    fn lengths(&self) -> Vec<usize> {
        let mut lengths = vec![0; self.0.len()];
        for (index, draft) in self.0.iter().enumerate().rev() {
            lengths[index] = draft.slots.iter().map(|slot| slot.length(&lengths)).sum();
        }
        lengths
    }
}

impl<'a> Slot<'a> {
    /// What keys, of a map, and values are.
    fn kinds(&self) -> (Option<FieldKind>, FieldKind) {
        match self.field.kind {
            FieldKind::Map { key, value } => (Some(*key), *value),
            kind => (None, kind),
        }
    }

    /// Values, those of a map with their keys.
    fn values(&self) -> impl Iterator<Item = (Option<&Value<'a>>, Option<&Value<'a>>)> {
        let (items, entries): (&[_], &[_]) = match &self.content {
            Content::One(None) => (&[], &[]),
            Content::One(value) => (std::slice::from_ref(value), &[]),
            Content::List(list) => (&list.items[..list.length], &[]),
            Content::Map(entries) => (&[], entries),
        };
        let items = items.iter().map(|item: &Option<_>| (None, item.as_ref()));
        items.chain(
            entries
                .iter()
                .map(|(key, value): &(_, Option<_>)| (Some(key), value.as_ref())),
        )
    }

    fn length(&self, lengths: &[usize]) -> usize {
        let (number, (key_kind, kind)) = (self.field.number, self.kinds());
        let values = self.values().map(|(key, value)| match key_kind.zip(key) {
            None => length(number, kind, value, lengths),
            Some((key_kind, key)) => {
                let entry = length(1, key_kind, Some(key), &[]) + length(2, kind, value, lengths);
                block_length(number, entry)
            }
        });
        values.sum()
    }
}

fn message_of(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Message(draft) => Some(*draft),
        _ => None,
    }
}

/// In a map, writes what precedes an entry's value; answers the number of the field that the value then is.
fn put_entry_key(
    number: u32,
    key: Option<(FieldKind, &Value<'_>)>,
    length_of_value: impl Fn(u32) -> usize,
    protobuf: &mut Vec<u8>,
) -> u32 {
    let Some((kind, key)) = key else {
        return number;
    };
    wire::put_key(number, Width::Length, protobuf);
    wire::put_varint(
        (length(1, kind, Some(key), &[]) + length_of_value(2)) as u64,
        protobuf,
    );
    put(1, kind, Some(key), protobuf);
    2
}

/// Writes a field with one value.
fn put(number: u32, kind: FieldKind, value: Option<&Value<'_>>, protobuf: &mut Vec<u8>) {
    wire::put_key(number, kind.width(), protobuf);
    match value {
        Some(Value::Number(bits)) => wire::put_number(kind, *bits, protobuf),
        Some(Value::Bytes(bytes)) => {
            wire::put_varint(bytes.len() as u64, protobuf);
            protobuf.extend_from_slice(bytes);
        }
        // The length of what is empty is written as a zero is.
        Some(Value::Message(_)) | None => wire::put_number(kind, 0, protobuf),
    }
}

/// The length of a field with one value.
fn length(number: u32, kind: FieldKind, value: Option<&Value<'_>>, lengths: &[usize]) -> usize {
    match value {
        Some(Value::Number(bits)) => wire::key_length(number) + wire::number_length(kind, *bits),
        Some(Value::Bytes(bytes)) => block_length(number, bytes.len()),
        Some(Value::Message(draft)) => block_length(number, lengths[*draft]),
        None => wire::key_length(number) + wire::number_length(kind, 0),
    }
}

fn block_length(number: u32, length: usize) -> usize {
    wire::key_length(number) + wire::varint_length(length as u64) + length
}
