//! The field at which JSON could not be read or written.
//!
//! It is found by a scan of the bytes in front of the error. `serde_path_to_error` would be exact too, but generates a
//! second reader and a second writer of each message, a seventh of the crate's code with `grpc` and `blocking`.

#[cfg(test)]
mod tests;

use serde_json::Error;
use serde_json::error::Category;

/// The number of nested values that are tracked: serde_json refuses more, except in values that it skips.
const MAX_DEPTH: usize = 128;

/// Returns the path of the value that serde_json refused, such as `result.publications[1].offset`. It is empty if that
/// is the outermost value.
///
/// `read` reads the start of the JSON as the same type again.
pub(crate) fn path_of_error(
    json: &[u8],
    error: &Error,
    read: &dyn Fn(&[u8]) -> Result<(), Error>,
) -> String {
    let start = json[..offset(json, error)].trim_ascii_end();
    let Some((last, before)) = start.split_last() else {
        return String::new();
    };
    let is_refused = |start| read(start).is_err_and(|error| error.is_data());
    let is_in_front = match (last, error.classify()) {
        // The position is behind the byte that is wrong.
        (b'{' | b'}' | b'[' | b']' | b',', Category::Syntax) => true,
        // An empty list was refused itself.
        (b']', _) if before.trim_ascii_end().ends_with(b"[") => false,
        // A value that is refused after it was read has its position behind the next byte.
        (b'}' | b']' | b',', Category::Data) => is_refused(before),
        // The position is the same whether the list or its first item was refused.
        (b'[', Category::Data) => is_refused(start),
        _ => false,
    };
    path_of_end(if is_in_front { before } else { start })
}

/// Returns the number of bytes in front of an error.
fn offset(json: &[u8], error: &Error) -> usize {
    if error.line() == 0 {
        // It has no position, as that of invalid UTF-8, which is found before the JSON is read.
        let invalid = std::str::from_utf8(json).err();
        return invalid.map_or(0, |invalid| invalid.valid_up_to());
    }
    let lines = json.split_inclusive(|byte| *byte == b'\n');
    let lines_before: usize = lines.take(error.line() - 1).map(<[u8]>::len).sum();
    json.len().min(lines_before + error.column())
}

/// A list or an object around a place.
enum Level<'a> {
    /// The index of the item at the place.
    List(usize),
    /// The name of the value at the place, in quotes, once it was read.
    Object(Option<&'a [u8]>),
}

/// Returns the path of the value in which the start of some JSON ends.
pub(crate) fn path_of_end(start: &[u8]) -> String {
    let mut levels = Vec::new();
    let mut untracked: usize = 0;
    let mut rest = start;
    while let Some((byte, after)) = rest.split_first() {
        let is_full = levels.len() == MAX_DEPTH;
        match byte {
            b'{' | b'[' if is_full => untracked += 1,
            b'{' => levels.push(Level::Object(None)),
            b'[' => levels.push(Level::List(0)),
            b'}' | b']' if untracked > 0 => untracked -= 1,
            b'}' | b']' => drop(levels.pop()),
            b',' if untracked == 0 => match levels.last_mut() {
                Some(Level::List(index)) => *index += 1,
                Some(Level::Object(name)) => *name = None,
                None => {}
            },
            b'"' => {
                let Some(length) = text_len(rest) else { break };
                let (text, after) = rest.split_at(length);
                if let Some(Level::Object(name @ None)) = levels.last_mut() {
                    *name = Some(text);
                }
                rest = after;
                continue;
            }
            _ => {}
        }
        rest = after;
    }
    path(&levels)
}

/// Returns the length of the text in quotes with which the JSON starts, if it ends.
fn text_len(json: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some(end + 2)
}

fn path(levels: &[Level<'_>]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::List(index) => path.push_str(&format!("[{index}]")),
            Level::Object(None) => {}
            Level::Object(Some(name)) => {
                if !path.is_empty() {
                    path.push('.');
                }
                let name = serde_json::from_slice(name)
                    .unwrap_or_else(|_| String::from_utf8_lossy(name).into_owned());
                path.push_str(&name);
            }
        }
    }
    path
}
