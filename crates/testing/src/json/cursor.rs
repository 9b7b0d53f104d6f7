//! A cursor over valid JSON.

use std::borrow::Cow;

use crate::json::scan::skip_space;
use crate::json::text;

/// A cursor over JSON whose syntax has been checked.
pub(crate) struct Cursor<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0 }
    }

    /// Returns the first byte of the next token; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        self.at = skip_space(self.json, self.at);
        self.json.get(self.at).copied().unwrap_or_default()
    }

    /// Skips the first byte of the next token.
    pub(super) fn enter(&mut self) {
        self.peek();
        self.at += 1;
    }

    /// Returns the next key of an object, or leaves the object at its end.
    pub(super) fn key(&mut self) -> Option<Cow<'a, str>> {
        if !self.item() {
            return None;
        }
        let key = text::unquote(self.value());
        self.enter();
        Some(key)
    }

    /// Checks whether a list or an object has another item, and leaves it otherwise.
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

    /// Skips the next value and returns its text.
    pub(super) fn value(&mut self) -> &'a [u8] {
        let first = self.peek();
        let rest = self.json.get(self.at..).unwrap_or_default();
        let length = match first {
            b'"' => string_length(rest),
            b'{' | b'[' => nested_length(rest),
            _ => literal_length(rest),
        };
        self.at += length;
        &rest[..length]
    }
}

/// Returns the length of a number or a word.
fn literal_length(json: &[u8]) -> usize {
    json.iter()
        .position(|byte| b",}]: \t\r\n".contains(byte))
        .unwrap_or(json.len())
}

/// Returns the length of a string, including its quotes.
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

/// Returns the length of an object or a list.
fn nested_length(json: &[u8]) -> usize {
    let mut at = 0;
    let mut depth = 0_usize;
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
