//! The syntax of JSON, as Go's scanner has it.

use super::ParseError;

/// How many objects and lists may be open at once.
const MAX_DEPTH: usize = 10_000;

/// Checks that `json` is one value and nothing else.
pub(crate) fn check(json: &[u8]) -> Result<(), ParseError> {
    let end = skip_space(json, end_of_value(json, 0)?);
    match json.get(end) {
        None => Ok(()),
        Some(_) => Err(broken(json, end, "after the value")),
    }
}

/// JSON values one after another, as Go's `json.Decoder` reads them: nothing need be between them.
pub(crate) struct Values<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Values<'a> {
    pub(crate) fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0 }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Result<&'a [u8], ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = skip_space(self.json, self.at);
        if start >= self.json.len() {
            return None;
        }
        let end = end_of_value(self.json, start);
        self.at = *end.as_ref().unwrap_or(&self.json.len());
        Some(end.map(|end| &self.json[start..end]))
    }
}

/// Checks the value that begins at `from`, perhaps after white space, and answers where it ends.
fn end_of_value(json: &[u8], from: usize) -> Result<usize, ParseError> {
    let mut open: Vec<Open> = Vec::new();
    let mut at = skip_space(json, from);
    loop {
        let begun = match json.get(at) {
            Some(b'{') => Some(Open::Object),
            Some(b'[') => Some(Open::List),
            _ => None,
        };
        match begun {
            None => at = end_of_literal(json, at)?,
            Some(_) if open.len() == MAX_DEPTH => {
                return Err(ParseError("it is nested too deep".into()));
            }
            Some(kind) => {
                open.push(kind);
                let first = skip_space(json, at + 1);
                match (kind, json.get(first)) {
                    (Open::Object, Some(b'}')) | (Open::List, Some(b']')) => {
                        open.pop();
                        at = first + 1;
                    }
                    (Open::Object, _) => {
                        at = end_of_key(json, first)?;
                        continue;
                    }
                    (Open::List, _) => {
                        at = first;
                        continue;
                    }
                }
            }
        }
        match end_of_closed(json, at, &mut open)? {
            Next::Value(next) => at = next,
            Next::End(end) => return Ok(end),
        }
    }
}

#[derive(Clone, Copy)]
enum Open {
    Object,
    List,
}

/// What follows a value.
enum Next {
    /// The next value begins there.
    Value(usize),
    /// It was the outermost one.
    End(usize),
}

/// Closes what ends behind a value.
fn end_of_closed(json: &[u8], mut at: usize, open: &mut Vec<Open>) -> Result<Next, ParseError> {
    while let Some(kind) = open.last() {
        let place = skip_space(json, at);
        match (kind, json.get(place)) {
            (Open::Object, Some(b',')) => {
                return end_of_key(json, skip_space(json, place + 1)).map(Next::Value);
            }
            (Open::List, Some(b',')) => return Ok(Next::Value(skip_space(json, place + 1))),
            (Open::Object, Some(b'}')) | (Open::List, Some(b']')) => {
                open.pop();
                at = place + 1;
            }
            (Open::Object, _) => return Err(broken(json, place, "after a field")),
            (Open::List, _) => return Err(broken(json, place, "after an item of a list")),
        }
    }
    Ok(Next::End(at))
}

/// Answers where the value of the key begins.
fn end_of_key(json: &[u8], at: usize) -> Result<usize, ParseError> {
    if json.get(at) != Some(&b'"') {
        return Err(broken(json, at, "where a key begins"));
    }
    let colon = skip_space(json, end_of_string(json, at)?);
    match json.get(colon) {
        Some(b':') => Ok(skip_space(json, colon + 1)),
        _ => Err(broken(json, colon, "after a key")),
    }
}

fn end_of_literal(json: &[u8], at: usize) -> Result<usize, ParseError> {
    let word = match json.get(at) {
        Some(b'"') => return end_of_string(json, at),
        Some(b'-' | b'0'..=b'9') => return end_of_number(json, at),
        Some(b't') => "true",
        Some(b'f') => "false",
        Some(b'n') => "null",
        _ => return Err(broken(json, at, "where a value begins")),
    };
    match json[at..].starts_with(word.as_bytes()) {
        true => Ok(at + word.len()),
        false => Err(ParseError(format!("a word is not `{word}`"))),
    }
}

fn end_of_number(json: &[u8], start: usize) -> Result<usize, ParseError> {
    let digits = |from: usize| {
        let count = json[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        match count {
            0 => Err(broken(json, from, "in a number")),
            _ => Ok(from + count),
        }
    };
    let mut at = start + usize::from(json[start] == b'-');
    at = match json.get(at) {
        Some(b'0') => at + 1,
        _ => digits(at)?,
    };
    if json.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if let Some(b'e' | b'E') = json.get(at) {
        at += 1;
        at = digits(at + usize::from(matches!(json.get(at), Some(b'+' | b'-'))))?;
    }
    Ok(at)
}

/// Bytes that are no UTF-8 pass, as they do in Go.
fn end_of_string(json: &[u8], start: usize) -> Result<usize, ParseError> {
    let mut at = start + 1;
    loop {
        match json.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = end_of_escape(json, at + 1)?,
            Some(0x20..) => at += 1,
            _ => return Err(broken(json, at, "in a string")),
        }
    }
}

fn end_of_escape(json: &[u8], at: usize) -> Result<usize, ParseError> {
    match json.get(at) {
        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => Ok(at + 1),
        Some(b'u') => match json.get(at + 1..at + 5) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 5),
            _ => Err(ParseError("an escape in a string is broken".into())),
        },
        _ => Err(broken(json, at, "in an escape")),
    }
}

/// Answers where white space from `at` on ends.
pub(crate) fn skip_space(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r' | b'\n') = json.get(at) {
        at += 1;
    }
    at
}

fn broken(json: &[u8], at: usize, place: &str) -> ParseError {
    ParseError(match json.get(at) {
        Some(byte) => format!("`{}` {place}, at byte {at}", byte.escape_ascii()),
        None => "it ends too early".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_what_go_takes_for_it() {
        for json in [
            "null",
            " true ",
            "\t[\r\n]\n",
            "{}",
            "-0",
            "0.5e+10",
            "1E-2",
            "[1,[],{}]",
            r#"{"a":{"b":[""]},"a":1}"#,
            r#""\u00e9\"\\\/\b\f\n\r\t""#,
            "\"\u{7f}\"",
        ] {
            assert!(check(json.as_bytes()).is_ok(), "{json}");
        }
        assert!(check(b"\"\xff\"").is_ok(), "bytes that are no UTF-8");
        for json in [
            "",
            " ",
            "nul",
            "True",
            "1 2",
            "{}}",
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1e",
            "1e+",
            "0x1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{a:1}"#,
            r#"{"a":1 "b":2}"#,
            "[}",
            "{]",
            "[",
            "{",
            "\"",
            "\"\n\"",
            r#""\x""#,
            r#""\u12g4""#,
            r#""\u123""#,
            "'a'",
            "\u{feff}{}",
            "\u{a0}1",
            "// 1",
        ] {
            assert!(check(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn nesting_is_limited_as_in_go() {
        for (begin, end) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = |depth| {
                [
                    begin.repeat(depth - 1),
                    "{}".to_owned(),
                    end.repeat(depth - 1),
                ]
                .concat()
            };
            assert!(check(nested(MAX_DEPTH).as_bytes()).is_ok());
            assert!(check(nested(MAX_DEPTH + 1).as_bytes()).is_err());
            assert!(check(begin.repeat(1_000_000).as_bytes()).is_err());
        }
    }

    #[test]
    fn values_need_nothing_between_them() {
        let values = |json: &'static str| -> (Vec<&str>, bool) {
            let read: Vec<_> = Values::new(json.as_bytes()).collect();
            let is_whole = read.iter().all(Result::is_ok);
            (
                read.into_iter()
                    .flatten()
                    .map(|value| std::str::from_utf8(value).unwrap())
                    .collect(),
                is_whole,
            )
        };
        for (json, expected, is_whole) in [
            ("", &[][..], true),
            (" \n", &[], true),
            ("{} {\"a\":1}\n[2]\n", &["{}", "{\"a\":1}", "[2]"], true),
            (
                "{}[]1\"x\"truenull-2",
                &["{}", "[]", "1", "\"x\"", "true", "null", "-2"],
                true,
            ),
            ("01", &["0", "1"], true),
            ("{} {", &["{}"], false),
            ("{},{}", &["{}"], false),
            ("1 x 2", &["1"], false),
        ] {
            assert_eq!(values(json), (expected.to_vec(), is_whole), "{json}");
        }
    }
}
