//! Texts and payloads between JSON and their bytes.

use std::borrow::Cow;
use std::char::REPLACEMENT_CHARACTER;

use super::{EncodeError, scan};

/// What Go's `foldName` makes of a character, as far as the names of a schema, which are ASCII, can match it.
pub(crate) fn fold(character: char) -> char {
    match character {
        '\u{212a}' => 'K',
        '\u{17f}' => 'S',
        _ => character.to_ascii_uppercase(),
    }
}

/// What a string in JSON, quotes included, says: each byte that is no UTF-8 and each lone surrogate is U+FFFD.
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

/// The character of the escape at the start, and the escape's length.
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

fn unescape_unit(escape: &[u8]) -> (char, usize) {
    let Some(high) = unit(escape) else {
        return (REPLACEMENT_CHARACTER, 2);
    };
    if let Some(character) = char::from_u32(high) {
        return (character, 6);
    }
    let low = escape.get(6..).and_then(unit);
    match low {
        Some(low @ 0xdc00..=0xdfff) if high < 0xdc00 => {
            let pair = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(pair).unwrap_or(REPLACEMENT_CHARACTER), 12)
        }
        _ => (REPLACEMENT_CHARACTER, 6),
    }
}

/// The number in a `\uXXXX` at the start.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Writes a string as Go does: fit for HTML and JavaScript.
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
    let is_special = |byte: &u8| matches!(byte, ..0x20 | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2);
    while let Some(at) = text.iter().position(is_special) {
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

fn escape(start: &[u8], end: &[u8], json: &mut Vec<u8>) -> usize {
    json.extend_from_slice(start);
    json.extend_from_slice(end);
    1
}

/// Writes what is at the start, which may be one of Go's characters to escape in all JSON, and answers its length.
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

/// Writes a payload, checked, without the white space between its parts, and fit for HTML and JavaScript.
pub(crate) fn compact(payload: &[u8], json: &mut Vec<u8>) -> Result<(), EncodeError> {
    scan::check(payload).map_err(|error| EncodeError(format!("a payload is not JSON: {error}")))?;
    let mut rest = payload;
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"'))
    {
        json.extend_from_slice(&rest[..at]);
        rest = match rest[at] {
            b'"' => copy_string(&rest[at..], json),
            _ => &rest[at + 1..],
        };
    }
    json.extend_from_slice(rest);
    Ok(())
}

/// Answers what follows the string.
fn copy_string<'a>(text: &'a [u8], json: &mut Vec<u8>) -> &'a [u8] {
    json.push(b'"');
    let mut rest = text.get(1..).unwrap_or_default();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2);
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
    fn payloads_lose_white_space_and_keep_the_rest() {
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
    fn payloads_that_are_no_json_are_not_written() {
        for payload in ["", " ", "{", "nul", "1 2", "\"\n\"", "'a'"] {
            assert!(
                compact(payload.as_bytes(), &mut Vec::new()).is_err(),
                "{payload}"
            );
        }
    }
}
