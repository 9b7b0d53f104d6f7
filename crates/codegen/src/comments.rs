//! Makes a schema's comments safe for rustdoc, where an indented line would become a doctest, a bracket a broken
//! link and a stray backtick code that ends somewhere else.

use prost_types::FileDescriptorProto;

/// Leaves of a file's comments what shows as text, lists and code within a line.
pub(crate) fn make_safe(file: &mut FileDescriptorProto) {
    let Some(info) = &mut file.source_code_info else {
        return;
    };
    for location in &mut info.location {
        for comment in [
            &mut location.leading_comments,
            &mut location.trailing_comments,
        ]
        .into_iter()
        .flatten()
        {
            *comment = comment
                .lines()
                .map(safe_line)
                .collect::<Vec<_>>()
                .join("\n");
        }
        location.leading_detached_comments.clear();
    }
}

fn safe_line(line: &str) -> String {
    let words: Vec<&str> = line
        .split(is_blank)
        .filter(|word| !word.is_empty())
        .collect();
    let mut line = words.join(" ");
    if is_fence(&line) {
        return String::new();
    }
    for (run, short) in [("~~~", "~"), ("``", "`")] {
        while line.contains(run) {
            line = line.replace(run, short);
        }
    }
    let balanced = line.matches('`').count().is_multiple_of(2);
    let mut safe = String::from(" ");
    for (index, part) in line.split('`').enumerate() {
        // Within code, too, prost makes links of URLs and escapes brackets.
        let code = balanced && index % 2 == 1 && !part.contains("://") && !part.contains('[');
        match (code, balanced, index) {
            (true, ..) => safe.extend(["`", part, "`"]),
            (false, true, _) | (false, false, 0) => push_text(&mut safe, part),
            (false, false, _) => {
                safe.push_str("\\`");
                push_text(&mut safe, part);
            }
        }
    }
    safe.trim_end().to_owned()
}

/// White space, and what a Rust comment must not hold: a lone carriage return, marks that turn the direction.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether the line starts or ends a block of code; ```` ```this``` ```` is code within a line.
fn is_fence(line: &str) -> bool {
    line.starts_with("~~~")
        || line
            .strip_prefix("```")
            .is_some_and(|rest| !rest.trim_start_matches('`').contains('`'))
}

/// Text as it is: what would be markup or a link is escaped.
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
