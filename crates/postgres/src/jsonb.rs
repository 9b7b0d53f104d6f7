//! JSON that PostgreSQL's type JSONB refuses, although it is valid.

const NUL: &str = "has the character \\u0000, which JSONB cannot have: leave it out, or keep payloads as BYTEA, with \
                   binary()";
const SURROGATE: &str = "has half of a surrogate pair, such as \\ud800, which JSONB cannot have: leave it out, or keep \
                         payloads as BYTEA, with binary()";

/// Checks that JSONB can have a JSON text.
///
/// The database would refuse it too, but then the whole transaction fails.
pub(crate) fn check(json: &str) -> Result<(), &'static str> {
    let mut rest = json;
    while let Some(backslash) = rest.find('\\') {
        let escape = &rest[backslash..];
        let Some(unit) = code_unit(escape) else {
            // A backslash and the character that it escapes, which is ASCII in valid JSON.
            rest = escape.get(2..).unwrap_or_default();
            continue;
        };
        rest = &escape[UNIT..];
        match unit {
            0 => return Err(NUL),
            0xd800..=0xdbff => match code_unit(rest) {
                Some(0xdc00..=0xdfff) => rest = &rest[UNIT..],
                _ => return Err(SURROGATE),
            },
            0xdc00..=0xdfff => return Err(SURROGATE),
            _ => {}
        }
    }
    Ok(())
}

/// The length of `\u0000`.
const UNIT: usize = 6;

/// Returns the code unit of the `\u` escape at the start of a text, if there is one.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jsonb_cannot_have_is_found() {
        for json in [
            r#""a""#,
            r#""\\u0000""#,
            r#""\ud83d\ude00""#,
            r#""\"\\""#,
            r#""\u00e9é\n""#,
            "1",
        ] {
            assert_eq!(check(json), Ok(()), "{json}");
        }
        for json in [r#""\u0000""#, r#"{"a\\\u0000":1}"#] {
            assert_eq!(check(json), Err(NUL), "{json}");
        }
        for json in [
            r#""\ud83d""#,
            r#""\ud83da""#,
            r#""\ud83d\n""#,
            r#""\ude00""#,
            r#""\uD83D\uD83D""#,
            r#""\ud83d\u0000""#,
        ] {
            assert_eq!(check(json), Err(SURROGATE), "{json}");
        }
    }
}
