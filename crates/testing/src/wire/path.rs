//! Paths and queries as Go reads them.

/// What a path becomes without empty parts, `.` and `..`; `None` when it is like that.
pub(crate) fn cleaned(path: &str) -> Option<String> {
    // Nearly all are, which costs nothing to see.
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

/// The value of a query's first parameter of that name.
pub(crate) fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'));
    let mut decoded = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(key, true)?, decoded(value, true)?))
    });
    decoded
        .find(|(key, _)| key == name.as_bytes())
        .map(|(_, value)| value)
}

/// Text without its `%..`, and without `+` in a form; `None` when it is malformed.
pub(crate) fn decoded(text: &str, form: bool) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits)
                    .ok()
                    .filter(|digits| !digits.starts_with('+'))?;
                u8::from_str_radix(digits, 16).ok()?
            }
            b'+' if form => b' ',
            byte => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::{cleaned, decoded, parameter};

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
