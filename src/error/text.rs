//! The texts of errors.

use std::sync::Arc;
use std::time::Duration;

use super::{ApiError, Attempts, Cause, Effect, NOT_TAKEN, SERVICE_FAILED, Status};
use crate::api::messages::RELEASES;

/// Returns what happened to the connection of the last attempt, and what the call did on the server.
pub(super) fn network_message(
    url: &str,
    reason: &str,
    last: Effect,
    attempts: &Attempts,
) -> String {
    let effect = attempts.and(last);
    if reason == NOT_TAKEN && effect.is_unsent() {
        return format!("{url}: {reason}; the call did not run");
    }
    let effect = effect_text(effect);
    if reason == SERVICE_FAILED && last.is_unsent() {
        return format!("{url}: {reason}; {effect}");
    }
    let reason = if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    };
    if last.is_unsent() {
        return format!("cannot connect to {url}{reason}; {effect}");
    }
    format!("the connection to {url} was lost before the reply was complete{reason}; {effect}")
}

/// Returns what was not complete in time, and what the call did on the server.
pub(super) fn timeout_message(
    method: &str,
    after: Duration,
    proxy: &Option<Box<str>>,
    effect: Effect,
) -> String {
    let after = rounded(after);
    if method == "close" {
        return format!("after {after} calls are still in flight, or were not sent");
    }
    let proxy = proxy_part(proxy);
    let effect = effect_text(effect);
    format!("no complete reply within {after}{proxy}; {effect}")
}

/// Returns what happened to a call of a closed client, and what it did on the server.
pub(super) fn closed_message(attempts: &Attempts) -> String {
    let effect = effect_text(attempts.and(Effect::Unsent));
    format!("the client was closed; {effect}")
}

/// Returns what a call did on the server, as text.
pub(super) fn effect_text(effect: Effect) -> &'static str {
    match effect {
        Effect::Unsent => "nothing was sent",
        Effect::MayHaveRun => "the call may have run",
        Effect::Ran => "a part of the call has run",
    }
}

/// Returns a duration as text, rounded to milliseconds, or to microseconds below 10 ms.
pub(crate) fn rounded(duration: Duration) -> String {
    const MICROSECOND: u128 = 1_000;
    const MILLISECOND: u128 = 1_000 * MICROSECOND;
    let nanos = duration.as_nanos();
    let unit = if nanos < 10 * MILLISECOND {
        MICROSECOND
    } else {
        MILLISECOND
    };
    let rounded_nanos = (nanos + unit / 2) / unit * unit;
    let rounded = u64::try_from(rounded_nanos).map_or(Duration::MAX, Duration::from_nanos);
    format!("{rounded:?}")
}

/// Returns a text that lists the first failed parts, with their errors, which name their method unless it is the call's.
pub(super) fn list(method: &str, failed: &[(String, ApiError)]) -> String {
    const SHOWN: usize = 5;
    let mut parts = Vec::new();
    for (name, error) in failed.iter().take(SHOWN) {
        let text = error.to_string();
        let text = text.strip_prefix(&format!("{method}: ")).unwrap_or(&text);
        parts.push(format!("`{name}`: {text}"));
    }
    if failed.len() > SHOWN {
        parts.push(format!("and {} more", failed.len() - SHOWN));
    }
    parts.join("; ")
}

/// Returns a body as a part of an error's text; empty for an empty body.
pub(super) fn body_part(body: &str) -> String {
    match body.trim() {
        "" => String::new(),
        body => format!(": {body}"),
    }
}

/// Returns a proxy as a part of an error's text; empty without a proxy.
fn proxy_part(proxy: &Option<Box<str>>) -> String {
    match proxy {
        Some(proxy) => format!(" through the proxy {proxy}"),
        None => String::new(),
    }
}

/// Returns a hint as a part of an error's text; empty for an empty hint.
pub(super) fn hint_part(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!(" ({hint})")
    }
}

/// Returns what a status usually means, and what to do.
pub(super) fn status_hint(method: &str, status: Status, body: &str) -> String {
    match status {
        Status::Http(404) => {
            let missing = missing_method(method);
            format!("does the URL lack the path, /api by default? Otherwise {missing}")
        }
        Status::Grpc(12) if !body.contains("instead of gRPC") => missing_method(method),
        _ => status.hint(body).to_owned(),
    }
}

/// Returns why a server may not have a method.
pub(super) fn missing_method(method: &str) -> String {
    let mut releases = RELEASES.iter();
    let release = releases.find(|(name, ..)| *name == method);
    let reason = match release {
        None => "it is older, or not Centrifugo PRO".to_owned(),
        Some((_, "", _)) => "it is not Centrifugo PRO, or older".to_owned(),
        Some((_, since, false)) => format!("it is older than {since}"),
        Some((_, since, true)) => format!("it is not Centrifugo PRO, or older than {since}"),
    };
    format!("the server does not have the method: {reason}")
}

/// The mark in the place of a secret.
#[cfg(feature = "_transport")]
const HIDDEN: &str = "[secret]";

/// Replaces a secret in a text, including one that is cut off at the end of an excerpt.
#[cfg(feature = "_transport")]
pub(crate) fn hide(text: &mut String, secret: &str) {
    if text.contains(secret) {
        // What is hidden already stays as it is: a secret may be a part of the mark.
        let parts = text.split(HIDDEN).map(|part| part.replace(secret, HIDDEN));
        *text = parts.collect::<Vec<_>>().join(HIDDEN);
    }
    let mut from = 0;
    while let Some(found) = text[from..].find(CUT) {
        let end = from + found;
        let before = &text.as_bytes()[..end];
        let mut lengths = (4..secret.len().min(end + 1)).rev();
        let shown = lengths.find(|length| before.ends_with(&secret.as_bytes()[..*length]));
        let start = end - shown.unwrap_or_default();
        text.replace_range(start..end, "");
        from = start + CUT.len_utf8();
    }
}

/// The mark at the end of an excerpt.
const CUT: char = '…';

/// The number of bytes of Centrifugo's own message that an error keeps.
const MESSAGE_LIMIT: usize = 4096;

/// Cuts a message that is longer than any of Centrifugo's own.
pub(super) fn bounded(mut message: String) -> String {
    if message.len() > MESSAGE_LIMIT {
        let mut ends = (0..=MESSAGE_LIMIT).rev();
        let end = ends.find(|end| message.is_char_boundary(*end));
        message.truncate(end.unwrap_or_default());
        message.shrink_to_fit();
        message.push(CUT);
    }
    message
}

/// The number of bytes that errors show of foreign text.
const LIMIT: usize = 200;

/// Returns serde's error as a cause. Its text repeats unexpected values, which may be long: then it is cut.
pub(crate) fn decode_cause(error: serde_json::Error) -> Cause {
    let text = error.to_string();
    if text.len() <= 2 * LIMIT {
        return Arc::new(error);
    }
    let cut: Box<dyn std::error::Error + Send + Sync> = excerpt(text.as_bytes()).into();
    Arc::from(cut)
}

/// Returns the start of a body or a payload, for an error's text.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(LIMIT)];
    let mut text: String = String::from_utf8_lossy(start)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if bytes.len() > LIMIT {
        text.push(CUT);
    }
    text
}

/// Returns a problem with the start of the body that has it, if that is not empty.
#[cfg(feature = "_transport")]
pub(crate) fn with_start(problem: &str, body: &[u8]) -> String {
    if body.is_empty() {
        problem.to_owned()
    } else {
        format!("{problem}: {}", excerpt(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "_transport")]
    #[test]
    fn secret_is_hidden_whole_or_cut() {
        let secret = "hunter2-is-the-key";
        for (text, hidden) in [
            ("a hunter2-is-the-key b", "a [secret] b"),
            ("é hunter2-is-…", "é …"),
            ("hunter2… and hunt… or hun…", "… and … or hun…"),
            ("…", "…"),
            ("", ""),
        ] {
            let mut shown = text.to_owned();
            hide(&mut shown, secret);
            assert_eq!(shown, hidden);
        }
        let mut hidden_before = "a [secret] and a secret".to_owned();
        hide(&mut hidden_before, "secret");
        assert_eq!(hidden_before, "a [secret] and a [secret]");
        // A long secret takes no time that a caller would notice.
        let long = "s".repeat(60_000);
        let mut shown = format!("{}…", "s".repeat(1000)).repeat(50);
        hide(&mut shown, &long);
        assert_eq!(shown, "…".repeat(50));
    }

    #[test]
    fn long_message_is_cut() {
        let long = bounded("é".repeat(1_000_000));
        assert!(long.ends_with("é…") && long.len() <= MESSAGE_LIMIT + CUT.len_utf8());
        assert_eq!(bounded("short".to_owned()), "short");
    }

    #[test]
    fn durations_are_rounded() {
        for (nanos, text) in [
            (499_955_289, "500ms"),
            (1_250_400_000, "1.25s"),
            (612_345, "612µs"),
            (0, "0ns"),
        ] {
            assert_eq!(rounded(Duration::from_nanos(nanos)), text);
        }
        rounded(Duration::MAX);
    }
}
