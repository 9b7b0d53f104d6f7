//! Conversion of strings and payloads between JSON and bytes.

use std::borrow::Cow;
use std::char::REPLACEMENT_CHARACTER;

use crate::json::{EncodeError, scan};

/// Checks whether two names are equal under Go's `foldName`. One of them must be ASCII.
pub(crate) fn is_equal_folded(one: &str, other: &str) -> bool {
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// Folds a character as Go's `foldName` does, as far as it can match a character of ASCII.
fn fold(character: char) -> char {
    match character {
        '\u{212a}' => 'K',
        '\u{17f}' => 'S',
        _ => character.to_ascii_uppercase(),
    }
}

/// Decodes a string with its quotes. Each invalid byte of UTF-8 and each lone surrogate becomes
/// U+FFFD.
pub(crate) fn unquote(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    if !inner.contains(&b'\\')
        && let Ok(plain) = std::str::from_utf8(inner)
    {
        return Cow::Borrowed(plain);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        push_lossy(&mut text, &rest[..at]);
        let (character, length) = unescape(&rest[at..]);
        text.push(character);
        rest = rest.get(at + length..).unwrap_or_default();
    }
    push_lossy(&mut text, rest);
    Cow::Owned(text)
}

fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| REPLACEMENT_CHARACTER));
    }
}

/// Returns the character of the escape at the start, and the length of the escape.
fn unescape(escape: &[u8]) -> (char, usize) {
    let character = match escape.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_unit(escape),
        Some(other) => char::from(*other),
        None => REPLACEMENT_CHARACTER,
    };
    (character, 2)
}

/// Returns the character of the `\uXXXX` at the start, possibly a surrogate pair, and its length.
fn unescape_unit(escape: &[u8]) -> (char, usize) {
    let Some(high) = unit(escape) else {
        return (REPLACEMENT_CHARACTER, 2);
    };
    if let Some(character) = char::from_u32(high) {
        return (character, 6);
    }
    match escape.get(6..).and_then(unit) {
        Some(low @ 0xdc00..=0xdfff) if high < 0xdc00 => {
            let pair = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(pair).unwrap_or(REPLACEMENT_CHARACTER), 12)
        }
        _ => (REPLACEMENT_CHARACTER, 6),
    }
}

/// Parses the number of the `\uXXXX` at the start.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Writes a string as Go does, escaped for HTML and JavaScript.
pub(crate) fn quote(text: &[u8], json: &mut Vec<u8>) {
    json.push(b'"');
    for chunk in text.utf8_chunks() {
        quote_plain(chunk.valid().as_bytes(), json);
        for _ in chunk.invalid() {
            json.extend_from_slice(b"\\ufffd");
        }
    }
    json.push(b'"');
}

fn quote_plain(mut text: &[u8], json: &mut Vec<u8>) {
    while let Some(at) = text
        .iter()
        .position(|byte| *byte < 0x20 || is_special(byte))
    {
        json.extend_from_slice(&text[..at]);
        let length = match text[at] {
            byte @ (b'"' | b'\\') => escape(b"\\", &[byte], json),
            0x8 => escape(b"\\b", b"", json),
            0xc => escape(b"\\f", b"", json),
            b'\n' => escape(b"\\n", b"", json),
            b'\r' => escape(b"\\r", b"", json),
            b'\t' => escape(b"\\t", b"", json),
            byte @ ..0x20 => escape(b"\\u00", &hex(byte), json),
            _ => escape_for_html(&text[at..], json),
        };
        text = &text[at + length..];
    }
    json.extend_from_slice(text);
}

/// Checks whether a byte may need an escape in a string; 0xe2 begins U+2028 and U+2029.
fn is_special(byte: &u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)
}

/// Writes an escape in two parts, and returns the length of the escaped text: one byte.
fn escape(start: &[u8], end: &[u8], json: &mut Vec<u8>) -> usize {
    json.extend_from_slice(start);
    json.extend_from_slice(end);
    1
}

/// Writes the character or byte at the start, escaped if Go escapes it in all JSON. Returns its
/// length.
fn escape_for_html(text: &[u8], json: &mut Vec<u8>) -> usize {
    match text {
        [byte @ (b'<' | b'>' | b'&'), ..] => escape(b"\\u00", &hex(*byte), json),
        [0xe2, 0x80, last @ (0xa8 | 0xa9), ..] => {
            escape(b"\\u202", &hex(*last)[1..], json);
            3
        }
        _ => escape(&text[..1], b"", json),
    }
}

fn hex(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
    [digit(byte >> 4), digit(byte & 0xf)]
}

/// Checks a payload and writes it without white space between tokens, escaped for HTML and
/// JavaScript.
pub(crate) fn compact(payload: &[u8], json: &mut Vec<u8>) -> Result<(), EncodeError> {
    scan::check(payload).map_err(|error| EncodeError(format!("a payload is not JSON: {error}")))?;
    let mut rest = payload;
    while let Some(at) = rest.iter().position(is_space_or_quote) {
        json.extend_from_slice(&rest[..at]);
        rest = if rest[at] == b'"' {
            copy_string(&rest[at..], json)
        } else {
            &rest[at + 1..]
        };
    }
    json.extend_from_slice(rest);
    Ok(())
}

fn is_space_or_quote(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"')
}

/// Copies the string at the start, escaped for HTML and JavaScript. Returns the rest after it.
fn copy_string<'a>(text: &'a [u8], json: &mut Vec<u8>) -> &'a [u8] {
    json.push(b'"');
    let mut rest = text.get(1..).unwrap_or_default();
    while let Some(at) = rest.iter().position(is_special) {
        json.extend_from_slice(&rest[..at]);
        let special = &rest[at..];
        let length = match special {
            [b'"', ..] => {
                json.push(b'"');
                return &special[1..];
            }
            [b'\\', escaped, ..] => escape(b"\\", &[*escaped], json) + 1,
            _ => escape_for_html(special, json),
        };
        rest = &special[length..];
    }
    json.extend_from_slice(rest);
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_go_reads_them() {
        for (quoted, text) in [
            (&br#""""#[..], ""),
            (br#""plain""#, "plain"),
            (br#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (br#""\u0041\u00e9\u0000""#, "A\u{e9}\0"),
            (br#""\ud83d\ude00""#, "\u{1f600}"),
            (br#""\ud83d""#, "\u{fffd}"),
            (br#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (br#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (br#""\ud83dA""#, "\u{fffd}A"),
            (b"\"\xff\"", "\u{fffd}"),
            (b"\"\xe2\x80\"", "\u{fffd}\u{fffd}"),
            (b"\"\xed\xa0\x80\\n\"", "\u{fffd}\u{fffd}\u{fffd}\n"),
        ] {
            assert_eq!(unquote(quoted), text, "{}", quoted.escape_ascii());
        }
    }

    #[test]
    fn strings_are_written_as_go_writes_them() {
        for (text, json) in [
            (&b""[..], r#""""#),
            (
                "caf\u{e9} \u{2014} \u{1f600}".as_bytes(),
                "\"caf\u{e9} \u{2014} \u{1f600}\"",
            ),
            (b"\"\\/", r#""\"\\/""#),
            (
                b"\x08\x0c\n\r\t\x00\x1f\x7f",
                "\"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"",
            ),
            (b"<a href='&'>", r#""\u003ca href='\u0026'\u003e""#),
            (
                "\u{2027}\u{2028}\u{2029}\u{202a}".as_bytes(),
                "\"\u{2027}\\u2028\\u2029\u{202a}\"",
            ),
            (b"a\xffb\xe2\x80", r#""a\ufffdb\ufffd\ufffd""#),
        ] {
            let mut written = Vec::new();
            quote(text, &mut written);
            assert_eq!(String::from_utf8_lossy(&written), json);
        }
    }

    #[test]
    fn payloads_are_written_without_white_space() {
        for (payload, json) in [
            (&b" null\n"[..], &b"null"[..]),
            (
                b"{ \"a b\" : [ 1.0 , 1e400 , -0 ] }",
                b"{\"a b\":[1.0,1e400,-0]}",
            ),
            (
                br#"{"a":1,"a":"\ud83d\/\""}"#,
                br#"{"a":1,"a":"\ud83d\/\""}"#,
            ),
            (b"\"<&>\xff\"", b"\"\\u003c\\u0026\\u003e\xff\""),
            (
                "\"\u{2028} \u{2029} \u{2030}\"".as_bytes(),
                "\"\\u2028 \\u2029 \u{2030}\"".as_bytes(),
            ),
        ] {
            let mut written = Vec::new();
            assert!(compact(payload, &mut written).is_ok());
            assert_eq!(
                written.escape_ascii().to_string(),
                json.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn payloads_that_are_not_json_are_refused() {
        for payload in ["", " ", "{", "nul", "1 2", "\"\n\"", "'a'"] {
            assert!(
                compact(payload.as_bytes(), &mut Vec::new()).is_err(),
                "{payload}"
            );
        }
    }
}
