//! The syntax of JSON, as Go's scanner checks it.

#[cfg(test)]
mod tests;

use crate::json::ParseError;

/// The nesting limit of objects and lists.
const MAX_DEPTH: usize = 10_000;

/// Checks that `json` is a single value.
pub(crate) fn check(json: &[u8]) -> Result<(), ParseError> {
    let end = skip_space(json, end_of_value(json, 0)?);
    if end == json.len() {
        Ok(())
    } else {
        Err(unexpected(json, end, "after the value"))
    }
}

/// The values of a sequence of JSON values, as Go's `json.Decoder` reads them: no separator is
/// needed.
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
        match end_of_value(self.json, start) {
            Ok(end) => {
                self.at = end;
                Some(Ok(&self.json[start..end]))
            }
            Err(error) => {
                self.at = self.json.len();
                Some(Err(error))
            }
        }
    }
}

/// An object or a list that the scanner is inside of.
#[derive(Clone, Copy)]
enum Container {
    Object,
    List,
}

/// The next step of the scanner.
enum Next {
    /// A value begins at this index.
    Value(usize),
    /// A value ends at this index.
    End(usize),
}

/// Checks the value that begins at `from`, after optional white space. Returns the index of its
/// end.
fn end_of_value(json: &[u8], from: usize) -> Result<usize, ParseError> {
    // A stack on the heap replaces recursion.
    let mut open: Vec<Container> = Vec::new();
    let mut at = skip_space(json, from);
    loop {
        let begun = match json.get(at) {
            Some(b'{') => enter(json, at, Container::Object, &mut open)?,
            Some(b'[') => enter(json, at, Container::List, &mut open)?,
            _ => Next::End(end_of_literal(json, at)?),
        };
        let next = match begun {
            Next::Value(first) => Next::Value(first),
            Next::End(end) => leave(json, end, &mut open)?,
        };
        match next {
            Next::Value(start) => at = start,
            Next::End(end) => return Ok(end),
        }
    }
}

/// Enters a container. Returns its first value, or its end if it is empty.
fn enter(
    json: &[u8],
    at: usize,
    container: Container,
    open: &mut Vec<Container>,
) -> Result<Next, ParseError> {
    if open.len() == MAX_DEPTH {
        return Err(ParseError("it is nested too deep".into()));
    }
    let first = skip_space(json, at + 1);
    match (container, json.get(first)) {
        (Container::Object, Some(b'}')) | (Container::List, Some(b']')) => {
            return Ok(Next::End(first + 1));
        }
        _ => open.push(container),
    }
    match container {
        Container::Object => end_of_key(json, first).map(Next::Value),
        Container::List => Ok(Next::Value(first)),
    }
}

/// Leaves all containers that end after a value. Returns the next value, or the end of the
/// outermost one.
fn leave(json: &[u8], mut at: usize, open: &mut Vec<Container>) -> Result<Next, ParseError> {
    while let Some(container) = open.last() {
        let token = skip_space(json, at);
        match (container, json.get(token)) {
            (Container::Object, Some(b',')) => {
                return end_of_key(json, skip_space(json, token + 1)).map(Next::Value);
            }
            (Container::List, Some(b',')) => {
                return Ok(Next::Value(skip_space(json, token + 1)));
            }
            (Container::Object, Some(b'}')) | (Container::List, Some(b']')) => {
                open.pop();
                at = token + 1;
            }
            (Container::Object, _) => return Err(unexpected(json, token, "after a field")),
            (Container::List, _) => return Err(unexpected(json, token, "after an item of a list")),
        }
    }
    Ok(Next::End(at))
}

/// Checks a key with its colon. Returns the index at which its value begins.
fn end_of_key(json: &[u8], at: usize) -> Result<usize, ParseError> {
    if json.get(at) != Some(&b'"') {
        return Err(unexpected(json, at, "where a key begins"));
    }
    let colon = skip_space(json, end_of_string(json, at)?);
    if json.get(colon) != Some(&b':') {
        return Err(unexpected(json, colon, "after a key"));
    }
    Ok(skip_space(json, colon + 1))
}

fn end_of_literal(json: &[u8], at: usize) -> Result<usize, ParseError> {
    let word = match json.get(at) {
        Some(b'"') => return end_of_string(json, at),
        Some(b'-' | b'0'..=b'9') => return end_of_number(json, at),
        Some(b't') => "true",
        Some(b'f') => "false",
        Some(b'n') => "null",
        _ => return Err(unexpected(json, at, "where a value begins")),
    };
    if json[at..].starts_with(word.as_bytes()) {
        Ok(at + word.len())
    } else {
        Err(ParseError(format!("a word is not `{word}`")))
    }
}

fn end_of_number(json: &[u8], start: usize) -> Result<usize, ParseError> {
    let mut at = start + usize::from(json[start] == b'-');
    at = if json.get(at) == Some(&b'0') {
        at + 1
    } else {
        end_of_digits(json, at)?
    };
    if json.get(at) == Some(&b'.') {
        at = end_of_digits(json, at + 1)?;
    }
    if let Some(b'e' | b'E') = json.get(at) {
        let has_sign = matches!(json.get(at + 1), Some(b'+' | b'-'));
        at = end_of_digits(json, at + 1 + usize::from(has_sign))?;
    }
    Ok(at)
}

/// Checks that there is at least one digit.
fn end_of_digits(json: &[u8], from: usize) -> Result<usize, ParseError> {
    let digits = json[from..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 {
        return Err(unexpected(json, from, "in a number"));
    }
    Ok(from + digits)
}

/// Checks a string. As in Go, it need not be valid UTF-8.
fn end_of_string(json: &[u8], start: usize) -> Result<usize, ParseError> {
    let mut at = start + 1;
    loop {
        match json.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = end_of_escape(json, at + 1)?,
            Some(0x20..) => at += 1,
            _ => return Err(unexpected(json, at, "in a string")),
        }
    }
}

fn end_of_escape(json: &[u8], at: usize) -> Result<usize, ParseError> {
    match json.get(at) {
        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => Ok(at + 1),
        Some(b'u') => match json.get(at + 1..at + 5) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 5),
            _ => Err(ParseError("an escape in a string is malformed".into())),
        },
        _ => Err(unexpected(json, at, "in an escape")),
    }
}

/// Returns the index after the white space at `at`.
pub(crate) fn skip_space(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r' | b'\n') = json.get(at) {
        at += 1;
    }
    at
}

fn unexpected(json: &[u8], at: usize, context: &str) -> ParseError {
    ParseError(match json.get(at) {
        Some(byte) => format!(
            "unexpected `{}` {context}, at byte {at}",
            byte.escape_ascii()
        ),
        None => "it ends too early".into(),
    })
}
