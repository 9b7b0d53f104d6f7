//! Names of tables and functions, which are SQL without quotes.

use crate::error::Error;

/// The part of a name that PostgreSQL keeps: 63 bytes, without the longest suffix that this crate adds, such as `_partition`.
const LONGEST: usize = 63 - "_binary_stream_remove_history".len();

const RULE: &str = "must be a name in lower case, such as `centrifugo_outbox`: letters a to z, digits and `_`, not first a \
                    digit, and at most 34 of them. Centrifugo writes it into statements without quotes";

/// Returns whether a name means the same with and without quotes.
pub(crate) const fn is_name(name: &str) -> bool {
    is_part(name.as_bytes(), 0, name.len())
}

/// Returns whether a name is one that may follow a schema, as in `app.centrifugo_outbox`.
pub(crate) const fn is_table(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut dot = 0;
    while dot < bytes.len() && bytes[dot] != b'.' {
        dot += 1;
    }
    if dot == bytes.len() {
        return is_name(name);
    }
    is_part(bytes, 0, dot) && is_part(bytes, dot + 1, bytes.len())
}

const fn is_part(bytes: &[u8], start: usize, end: usize) -> bool {
    if start >= end || end - start > LONGEST || bytes[start].is_ascii_digit() {
        return false;
    }
    let mut index = start;
    while index < end {
        let byte = bytes[index];
        if !byte.is_ascii_lowercase() && !byte.is_ascii_digit() && byte != b'_' {
            return false;
        }
        index += 1;
    }
    true
}

pub(crate) fn invalid(name: &str) -> Error {
    Error::Name {
        name: name.to_owned(),
        problem: RULE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_need_quotes_are_refused() {
        for name in ["centrifugo_outbox", "_", "a1", "a".repeat(LONGEST).as_str()] {
            assert!(is_name(name) && is_table(name), "{name}");
        }
        for name in [
            "", "Outbox", "1a", "a-b", "a b", "\"a\"", "a;", "ä", "a.b", "a'", "a\0",
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert!(!is_name(&"a".repeat(LONGEST + 1)));
    }

    #[test]
    fn table_may_have_a_schema() {
        assert!(is_table("app.outbox"));
        for name in [".outbox", "app.", "a.b.c", "App.outbox", "app.1", "."] {
            assert!(!is_table(name), "{name}");
        }
    }

    #[test]
    fn rule_tells_the_length() {
        assert!(RULE.contains(&format!("at most {LONGEST} of them")));
    }
}
