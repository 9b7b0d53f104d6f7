//! The words of errors.

use std::time::Duration;

use crate::ApiError;

/// Centrifugo 6.5 and later cut the connection of a call that takes longer.
const SERVER_CUTS_AFTER: Duration = Duration::from_secs(10);

pub(super) fn network_message(url: &str, unsent: bool, elapsed: Duration) -> String {
    let cut = match elapsed >= SERVER_CUTS_AFTER {
        true => " (Centrifugo 6.5 and later cut replies that take longer than 10 s over HTTP)",
        false => "",
    };
    match unsent {
        true => format!("cannot connect to {url}; nothing was sent"),
        false => {
            format!(
                "the connection to {url} was lost before the reply was complete; the call may have run{cut}"
            )
        }
    }
}

pub(super) fn may_have_run(unsent: bool) -> &'static str {
    match unsent {
        true => "nothing was sent",
        false => "the call may have run",
    }
}

/// The first failed parts, with their errors.
pub(super) fn list(failed: &[(String, ApiError)]) -> String {
    const SHOWN: usize = 5;
    let mut parts: Vec<String> = failed
        .iter()
        .take(SHOWN)
        .map(|(name, error)| format!("`{name}`: {error}"))
        .collect();
    if failed.len() > SHOWN {
        parts.push(format!("and {} more", failed.len() - SHOWN));
    }
    parts.join("; ")
}

pub(super) fn body_part(body: &str) -> String {
    match body.trim() {
        "" => String::new(),
        body => format!(": {body}"),
    }
}

pub(super) fn hint_part(hint: &str) -> String {
    match hint {
        "" => String::new(),
        hint => format!(" ({hint})"),
    }
}

/// Replaces a secret, also where an excerpt ends within it.
#[cfg(feature = "_transport")]
pub(super) fn hide(text: &mut String, secret: &str) {
    if text.contains(secret) {
        *text = text.replace(secret, "[secret]");
    }
    for end in (4..secret.len()).rev() {
        let cut = format!("{}…", &secret[..end]);
        if text.contains(&cut) {
            *text = text.replace(&cut, "…");
        }
    }
}

/// How much is shown of what others wrote, in bytes.
const LIMIT: usize = 200;

/// serde's error as a cause. It repeats what it did not expect, however long that is.
pub(crate) fn cause(error: serde_json::Error) -> Box<dyn std::error::Error + Send + Sync> {
    let text = error.to_string();
    match text.len() > 2 * LIMIT {
        true => excerpt(text.as_bytes()).into(),
        false => error.into(),
    }
}

/// The start of a body or a payload, for a message.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LIMIT)]);
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match bytes.len() > LIMIT {
        true => text + "…",
        false => text,
    }
}
