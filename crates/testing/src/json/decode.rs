//! JSON to protobuf.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::builder::{Content, Draft, Drafts, Value};
use super::{FieldDescriptor, FieldKind, ParseError, MessageDescriptor, number, scan, text};

/// What JSON says of a message.
pub(crate) struct Decoded {
    pub(crate) protobuf: Vec<u8>,
    /// Where a list of messages, which is directly in the message, has `null`: there Go has a pointer to nothing,
    /// and the protobuf an empty message.
    pub(crate) nulls: Vec<usize>,
}

/// Reads a message as Go's `json.Unmarshal` does.
pub(crate) fn decode(message: &'static MessageDescriptor, json: &[u8]) -> Result<Decoded, ParseError> {
    scan::check(json)?;
    let mut decoder = Decoder {
        cursor: Cursor::new(json),
        drafts: Drafts(vec![Draft::new(message)]),
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
        protobuf: decoder.drafts.to_protobuf(),
        nulls: decoder.drafts.nulls(),
    })
}

/// All values that JSON, which has been read as the message, has for a field: of several the last one counts.
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
    drafts: Drafts<'a>,
    /// What the cursor is in, in place of a recursion, which nested input could make overflow.
    open: Vec<Open>,
}

enum Open {
    Message(usize),
    List {
        draft: usize,
        field: &'static FieldDescriptor,
        place: usize,
        length: usize,
    },
    Map {
        draft: usize,
        field: &'static FieldDescriptor,
        place: usize,
    },
}

impl<'a> Decoder<'a> {
    /// Reads the next item of what is open.
    fn step(&mut self, open: Open) -> Result<(), ParseError> {
        match open {
            Open::Message(draft) => {
                let Some(key) = self.cursor.key() else {
                    return Ok(());
                };
                self.open.push(open);
                match self.drafts.0[draft].message.field(&key) {
                    Some(field) => self.field(draft, field),
                    None => {
                        self.cursor.value();
                        Ok(())
                    }
                }
            }
            Open::List {
                draft,
                field,
                place,
                length,
            } => {
                if !self.cursor.item() {
                    if let Some(Content::List(list)) = self.content(draft, place) {
                        list.end(length);
                    }
                    return Ok(());
                }
                self.open.push(Open::List {
                    draft,
                    field,
                    place,
                    length: length + 1,
                });
                self.value(draft, field, place, field.kind, length)
            }
            Open::Map {
                draft,
                field,
                place,
            } => {
                let Some(key) = self.cursor.key() else {
                    return Ok(());
                };
                self.open.push(open);
                let FieldKind::Map {
                    key: key_kind,
                    value,
                } = field.kind
                else {
                    return Ok(());
                };
                let key = read_key(*key_kind, key)
                    .ok_or_else(|| wrong(self.drafts.0[draft].message, field))?;
                if let Some(Content::Map(entries)) = self.content(draft, place) {
                    entries.push((key, None));
                }
                self.value(draft, field, place, *value, 0)
            }
        }
    }

    fn field(&mut self, draft: usize, field: &'static FieldDescriptor) -> Result<(), ParseError> {
        let place = self.drafts.0[draft].place(field);
        let first = self.cursor.peek();
        let (begins, open) = match field.kind {
            FieldKind::Map { .. } => (
                b'{',
                Open::Map {
                    draft,
                    field,
                    place,
                },
            ),
            _ if field.repeated => (
                b'[',
                Open::List {
                    draft,
                    field,
                    place,
                    length: 0,
                },
            ),
            kind => return self.value(draft, field, place, kind, 0),
        };
        if first == b'n' {
            self.cursor.value();
            if let Some(content) = self.content(draft, place) {
                content.clear();
            }
        } else if first == begins {
            self.cursor.enter();
            self.open.push(open);
        } else {
            return Err(wrong(self.drafts.0[draft].message, field));
        }
        Ok(())
    }

    /// Reads one value: the field's own, the item of its list at `index`, or the last one of its map.
    fn value(
        &mut self,
        draft: usize,
        field: &'static FieldDescriptor,
        place: usize,
        kind: FieldKind,
        index: usize,
    ) -> Result<(), ParseError> {
        let first = self.cursor.peek();
        let next = self.drafts.0.len();
        let Some(cell) = self.drafts.0[draft]
            .content(place)
            .and_then(|content| content.cell(index))
        else {
            return Ok(());
        };
        match (kind, first) {
            (FieldKind::Payload, _) => *cell = Some(Value::Bytes(Cow::Borrowed(self.cursor.value()))),
            (_, b'n') => {
                self.cursor.value();
                if field.optional || matches!(kind, FieldKind::Message(_)) {
                    *cell = None;
                }
            }
            (FieldKind::Message(message), b'{') => {
                self.cursor.enter();
                let inner = match cell {
                    Some(Value::Message(inner)) => *inner,
                    _ => {
                        *cell = Some(Value::Message(next));
                        self.drafts.0.push(Draft::new(message));
                        next
                    }
                };
                self.open.push(Open::Message(inner));
            }
            (FieldKind::Text, b'"') => {
                *cell = Some(Value::Bytes(to_bytes(text::unquote(self.cursor.value()))))
            }
            _ => match number::parse(kind, self.cursor.value()) {
                Some(bits) => *cell = Some(Value::Number(bits)),
                None => return Err(wrong(self.drafts.0[draft].message, field)),
            },
        }
        Ok(())
    }

    fn content(&mut self, draft: usize, place: usize) -> Option<&mut Content<'a>> {
        self.drafts.0[draft].content(place)
    }
}

fn read_key<'a>(kind: FieldKind, key: Cow<'a, str>) -> Option<Value<'a>> {
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

fn wrong(message: &MessageDescriptor, field: &FieldDescriptor) -> ParseError {
    ParseError(format!(
        "`{}.{}` has a value of another type",
        message.name, field.name
    ))
}
