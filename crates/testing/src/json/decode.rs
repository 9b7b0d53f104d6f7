//! Decoding of messages: JSON to protobuf.

use std::borrow::Cow;

use crate::json::builder::{Builder, Content, Value};
use crate::json::cursor::Cursor;
use crate::json::{FieldDescriptor, FieldKind, MessageDescriptor, ParseError, number, scan, text};

/// A decoded message.
pub(crate) struct Decoded {
    pub(crate) protobuf: Vec<u8>,
    /// The indexes of `null` in lists of messages that are fields of the outermost message. Go has
    /// a nil pointer there, and the protobuf has an empty message.
    pub(crate) nulls: Vec<usize>,
}

/// Decodes a message as Go's `json.Unmarshal` does.
pub(crate) fn decode(
    message: &'static MessageDescriptor,
    json: &[u8],
) -> Result<Decoded, ParseError> {
    scan::check(json)?;
    let mut decoder = Decoder {
        cursor: Cursor::new(json),
        builder: Builder::new(message),
        open: Vec::new(),
    };
    match decoder.cursor.peek() {
        b'{' => {
            decoder.cursor.enter();
            decoder.open.push(Open::Message(0));
        }
        b'n' => {}
        _ => return Err(ParseError(format!("{} must be an object", message.name))),
    }
    while let Some(open) = decoder.open.pop() {
        decoder.step(open)?;
    }
    Ok(Decoded {
        protobuf: decoder.builder.to_protobuf(),
        nulls: decoder.builder.nulls(),
    })
}

/// Returns all values of a field, in JSON that has been decoded as the message. A repeated key has
/// several values, of which the last one counts.
pub(crate) fn values_of<'a>(
    message: &'static MessageDescriptor,
    name: &str,
    json: &'a [u8],
) -> Vec<&'a [u8]> {
    let mut cursor = Cursor::new(json);
    let mut values = Vec::new();
    if cursor.peek() != b'{' {
        return values;
    }
    cursor.enter();
    while let Some(key) = cursor.key() {
        let value = cursor.value();
        if message.field(&key).is_some_and(|field| field.name == name) {
            values.push(value);
        }
    }
    values
}

struct Decoder<'a> {
    cursor: Cursor<'a>,
    builder: Builder<'a>,
    /// The values that the cursor is inside of, the innermost last. A stack on the heap replaces
    /// recursion, which nested input could make overflow.
    open: Vec<Open>,
}

/// A value that has been read in part.
#[derive(Clone, Copy)]
enum Open {
    /// The message with this index.
    Message(usize),
    /// A list, of which `length` items have been read.
    List {
        target: Target,
        length: usize,
    },
    Map(Target),
}

/// The field that is being read.
#[derive(Clone, Copy)]
struct Target {
    /// The index of the message in the builder.
    message: usize,
    /// The index of the field in the message.
    field: usize,
    descriptor: &'static FieldDescriptor,
}

impl<'a> Decoder<'a> {
    /// Reads the next item of an open value.
    fn step(&mut self, open: Open) -> Result<(), ParseError> {
        match open {
            Open::Message(message) => self.message_item(message),
            Open::List { target, length } => self.list_item(target, length),
            Open::Map(target) => self.map_item(target),
        }
    }

    fn message_item(&mut self, message: usize) -> Result<(), ParseError> {
        let Some(key) = self.cursor.key() else {
            return Ok(());
        };
        self.open.push(Open::Message(message));
        if let Some(field) = self.builder.message(message).descriptor.field(&key) {
            self.field(message, field)
        } else {
            self.cursor.value();
            Ok(())
        }
    }

    fn list_item(&mut self, target: Target, length: usize) -> Result<(), ParseError> {
        if !self.cursor.item() {
            if let Some(Content::List(list)) = self.content_mut(target) {
                list.end(length);
            }
            return Ok(());
        }
        self.open.push(Open::List {
            target,
            length: length + 1,
        });
        self.value(target, target.descriptor.kind, length)
    }

    fn map_item(&mut self, target: Target) -> Result<(), ParseError> {
        let Some(key) = self.cursor.key() else {
            return Ok(());
        };
        self.open.push(Open::Map(target));
        let FieldKind::Map {
            key: key_kind,
            value: value_kind,
        } = target.descriptor.kind
        else {
            return Ok(());
        };
        let key = parse_key(*key_kind, key).ok_or_else(|| self.wrong_type(target))?;
        if let Some(Content::Map(entries)) = self.content_mut(target) {
            entries.push((key, None));
        }
        self.value(target, *value_kind, 0)
    }

    /// Reads the value of a field, or enters it if it is a list or a map.
    fn field(
        &mut self,
        message: usize,
        descriptor: &'static FieldDescriptor,
    ) -> Result<(), ParseError> {
        let target = Target {
            message,
            field: self.builder.message_mut(message).field_index(descriptor),
            descriptor,
        };
        let (begin, open) = match descriptor.kind {
            FieldKind::Map { .. } => (b'{', Open::Map(target)),
            _ if descriptor.repeated => (b'[', Open::List { target, length: 0 }),
            kind => return self.value(target, kind, 0),
        };
        let first = self.cursor.peek();
        if first == b'n' {
            self.cursor.value();
            if let Some(content) = self.content_mut(target) {
                content.clear();
            }
        } else if first == begin {
            self.cursor.enter();
            self.open.push(open);
        } else {
            return Err(self.wrong_type(target));
        }
        Ok(())
    }

    /// Reads one value: that of a single field, the item of a list at `index`, or the last one of a
    /// map.
    fn value(&mut self, target: Target, kind: FieldKind, index: usize) -> Result<(), ParseError> {
        let first = self.cursor.peek();
        let next_message = self.builder.next_index();
        let Some(value) = self
            .builder
            .message_mut(target.message)
            .content_mut(target.field)
            .and_then(|content| content.value_mut(index))
        else {
            return Ok(());
        };
        match (kind, first) {
            (FieldKind::Payload, _) => {
                *value = Some(Value::Bytes(Cow::Borrowed(self.cursor.value())));
            }
            (_, b'n') => {
                self.cursor.value();
                if target.descriptor.optional || matches!(kind, FieldKind::Message(_)) {
                    *value = None;
                }
            }
            (FieldKind::Message(descriptor), b'{') => {
                self.cursor.enter();
                if let Some(Value::Message(existing)) = value {
                    self.open.push(Open::Message(*existing));
                } else {
                    *value = Some(Value::Message(next_message));
                    self.builder.add(descriptor);
                    self.open.push(Open::Message(next_message));
                }
            }
            (FieldKind::Text, b'"') => {
                *value = Some(Value::Bytes(to_bytes(text::unquote(self.cursor.value()))));
            }
            _ => match number::parse(kind, self.cursor.value()) {
                Some(bits) => *value = Some(Value::Number(bits)),
                None => return Err(self.wrong_type(target)),
            },
        }
        Ok(())
    }

    fn content_mut(&mut self, target: Target) -> Option<&mut Content<'a>> {
        self.builder
            .message_mut(target.message)
            .content_mut(target.field)
    }

    fn wrong_type(&self, target: Target) -> ParseError {
        let message = self.builder.message(target.message);
        ParseError(format!(
            "`{}.{}` has a value of another type",
            message.descriptor.name, target.descriptor.name
        ))
    }
}

/// Parses the key of a map.
fn parse_key<'a>(kind: FieldKind, key: Cow<'a, str>) -> Option<Value<'a>> {
    match kind {
        FieldKind::Text => Some(Value::Bytes(to_bytes(key))),
        kind => number::parse(kind, key.as_bytes()).map(Value::Number),
    }
}

fn to_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}
