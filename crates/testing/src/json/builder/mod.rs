//! Messages under construction.

mod protobuf;

use std::borrow::Cow;

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
/// If a field occurs twice, Go reads the second list into the items of the first one, including
/// those behind the end of the second list.
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
}
