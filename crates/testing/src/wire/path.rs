//! Paths and queries, as Go reads them.

/// Returns the path without empty parts, `.` and `..`, or `None` if it has none of them.
pub(crate) fn cleaned(path: &str) -> Option<String> {
    // Fast path: almost all paths are clean.
    if path.starts_with('/') && !path.contains("//") && !path.contains("/.") {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut clean = format!("/{}", parts.join("/"));
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    (clean != path).then_some(clean)
}

/// Returns the value of the first parameter with a name.
pub(crate) fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'));
    for pair in pairs {
        let (raw_key, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decoded(raw_key, true);
        // A pair that cannot be decoded is skipped.
        if key.as_deref() == Some(name.as_bytes())
            && let Some(value) = decoded(raw_value, true)
        {
            return Some(value);
        }
    }
    None
}

/// Decodes `%XX`, and `+` if the text is from a query. Returns `None` if it is malformed.
pub(crate) fn decoded(text: &str, is_query: bool) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if is_query => b' ',
            byte => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, clean) in [
            ("//api/publish", Some("/api/publish")),
            ("/api/./publish/", Some("/api/publish/")),
            ("/api/../..", Some("/")),
            ("/api/publish", None),
            ("/api/", None),
            ("/", None),
        ] {
            assert_eq!(cleaned(path).as_deref(), clean, "{path}");
        }
    }

    #[test]
    fn parameters_are_found_and_decoded() {
        assert_eq!(
            parameter("a=1&api_key=x%20y+z&api_key=2", "api_key").as_deref(),
            Some(&b"x y z"[..])
        );
        assert_eq!(parameter("api_key=1;2", "api_key"), None);
        assert_eq!(parameter("api_key=%zz", "api_key"), None);
        assert_eq!(parameter("api_key", "api_key").as_deref(), Some(&b""[..]));
        assert_eq!(decoded("a+%2", false), None);
    }
}
