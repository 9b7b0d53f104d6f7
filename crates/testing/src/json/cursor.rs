//! The second way through JSON, whose syntax has been checked.

use std::borrow::Cow;

use super::scan::skip_space;
use super::text;

/// Steps through JSON whose syntax has been checked.
pub(crate) struct Cursor<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0 }
    }

    /// The first byte of what comes next.
    pub(super) fn peek(&mut self) -> u8 {
        self.at = skip_space(self.json, self.at);
        self.json.get(self.at).copied().unwrap_or_default()
    }

    /// Passes the first byte of what comes next.
    pub(super) fn enter(&mut self) {
        self.peek();
        self.at += 1;
    }

    /// The next key of an object, or the object's end.
    pub(super) fn key(&mut self) -> Option<Cow<'a, str>> {
        if !self.item() {
            return None;
        }
        let key = text::unquote(self.value());
        self.enter();
        Some(key)
    }

    /// Whether a list, or an object, has another item.
    pub(super) fn item(&mut self) -> bool {
        if self.peek() == b',' {
            self.enter();
        }
        match self.peek() {
            b']' | b'}' | 0 => {
                self.enter();
                false
            }
            _ => true,
        }
    }

    /// The text of the next value, which it passes.
    pub(super) fn value(&mut self) -> &'a [u8] {
        let first = self.peek();
        let rest = self.json.get(self.at..).unwrap_or_default();
        let length = match first {
            b'"' => string_length(rest),
            b'{' | b'[' => nested_length(rest),
            _ => rest
                .iter()
                .position(|byte| {
                    matches!(
                        byte,
                        b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\r' | b'\n'
                    )
                })
                .unwrap_or(rest.len()),
        };
        self.at += length;
        &rest[..length]
    }
}

fn string_length(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn nested_length(json: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at += string_length(&json[at..]),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    json.len()
}
