//! The schema's comments: headings, and documentation that is safe for rustdoc.
//!
//! In rustdoc, an indented line would become a doctest, a bracket a broken link, and a stray
//! backtick code that ends somewhere else.

use std::collections::HashMap;

use prost_types::source_code_info::Location;
use prost_types::{FileDescriptorProto, ServiceDescriptorProto};

/// The number of the field `service` of a file's descriptor, and of the field `method` of a
/// service's descriptor.
const SERVICE: i32 = 6;
const METHOD: i32 = 2;

/// Reads the headings in the services of a file: the names of the rpcs that a heading stands above,
/// with the heading.
///
/// A heading is a comment of one line with a blank line above and below it.
pub(crate) fn headings(file: &FileDescriptorProto) -> HashMap<String, String> {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    locations
        .filter_map(|location| Some((rpc_at(file, location)?.to_owned(), heading(location)?)))
        .collect()
}

/// Returns the name of the rpc at a location.
fn rpc_at<'a>(file: &'a FileDescriptorProto, location: &Location) -> Option<&'a str> {
    let [SERVICE, service, METHOD, method] = location.path[..] else {
        return None;
    };
    let service: &ServiceDescriptorProto = file.service.get(usize::try_from(service).ok()?)?;
    let method = service.method.get(usize::try_from(method).ok()?)?;
    Some(method.name())
}

/// Returns the heading in the comment that stands alone above a location.
fn heading(location: &Location) -> Option<String> {
    let comment = location.leading_detached_comments.last()?;
    let mut lines = comment.lines().map(safe_line);
    let heading = lines.next()?.trim().to_owned();
    let is_one_line = lines.next().is_none() && !heading.is_empty();
    is_one_line.then_some(heading)
}

/// Keeps text, lists and inline code of a file's comments, and drops what rustdoc would interpret.
pub(crate) fn make_safe(file: &mut FileDescriptorProto) {
    let Some(info) = &mut file.source_code_info else {
        return;
    };
    for location in &mut info.location {
        make_text_safe(&mut location.leading_comments);
        make_text_safe(&mut location.trailing_comments);
        location.leading_detached_comments.clear();
    }
}

fn make_text_safe(comment: &mut Option<String>) {
    if let Some(comment) = comment {
        let lines: Vec<String> = comment.lines().map(safe_line).collect();
        *comment = lines.join("\n");
    }
}

/// Returns a line that rustdoc shows as it was written.
fn safe_line(line: &str) -> String {
    let words: Vec<&str> = line
        .split(is_blank)
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    if is_fence(&line) {
        return String::new();
    }
    let line = with_short_runs(&line);
    let is_balanced = line.matches('`').count().is_multiple_of(2);
    let mut safe = String::from(" ");
    for (index, part) in line.split('`').enumerate() {
        let is_in_backticks = index % 2 == 1;
        if !is_balanced {
            if index > 0 {
                safe.push_str("\\`");
            }
            push_text(&mut safe, part);
        } else if is_in_backticks && is_code(part) {
            safe.extend(["`", part, "`"]);
        } else {
            push_text(&mut safe, part);
        }
    }
    safe.trim_end().to_owned()
}

/// Shortens runs of tildes and backticks, which would begin a block of code.
fn with_short_runs(line: &str) -> String {
    let mut line = line.to_owned();
    while line.contains("~~~") {
        line = line.replace("~~~", "~");
    }
    while line.contains("``") {
        line = line.replace("``", "`");
    }
    line
}

/// Returns whether the text between two backticks can stay code: prost makes links of URLs and
/// escapes brackets, in code too.
fn is_code(part: &str) -> bool {
    !part.contains("://") && !part.contains('[')
}

/// Returns whether a character is white space, or one that a Rust comment must not contain: a lone
/// carriage return, or a mark that turns the direction of text.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether the line starts or ends a block of code; ```` ```this``` ```` is code within a
/// line.
fn is_fence(line: &str) -> bool {
    line.starts_with("~~~")
        || line
            .strip_prefix("```")
            .is_some_and(|rest| !rest.trim_start_matches('`').contains('`'))
}

/// Appends text, and escapes what would be markup or a link.
fn push_text(safe: &mut String, text: &str) {
    let mut escaped = String::new();
    for character in text.chars() {
        if matches!(character, '\\' | '<' | '>' | '[' | ']') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    safe.push_str(&escaped.replace("://", ":\\//"));
}
