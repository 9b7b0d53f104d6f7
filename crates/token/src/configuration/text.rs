//! Texts that are checked or written.

use zeroize::Zeroizing;

use crate::error::Error;
use crate::key::hmac;

/// Returns an HMAC secret as a text.
pub(super) fn secret_text(secret: &[u8]) -> Result<Zeroizing<String>, Error> {
    let text = std::str::from_utf8(secret).map_err(|_| {
        Error::key("the HMAC secret is not a text, which Centrifugo's configuration needs")
    })?;
    hmac::checked(secret)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Checks the URL of a JWKS, which may have variables such as `{{tenant}}`.
pub(super) fn check_url(url: &str) -> Result<(), Error> {
    let rest = url
        .split_once("://")
        .filter(|(scheme, _)| {
            ["http", "https"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known))
        })
        .map(|(_, rest)| rest)
        .ok_or_else(|| Error::key("the URL of the JWKS must begin with http:// or https://"))?;
    if url.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err(Error::key(
            "the URL of the JWKS has white space or a control character: a line end read from a file?",
        ));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        return Err(Error::key(
            "the URL of the JWKS has no host: give one such as https://example.com/jwks",
        ));
    }
    Ok(())
}

/// Returns a text in double quotes: JSON, with the characters escaped that YAML folds or does not allow.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted
}

/// Returns a PEM text as a block of lines.
pub(super) fn block(pem: &str) -> String {
    let lines = pem.lines().map(|line| format!("\n      {line}"));
    format!("|{}", lines.collect::<String>())
}
