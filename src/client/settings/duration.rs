//! Times as text, as Centrifugo's own configuration has them.

use std::time::Duration;

/// The units, in nanoseconds. `ms` stands before `m` and `s`, which are parts of it.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
];

/// The most digits before and behind a decimal point: more than any time needs, and few enough not to overflow.
const MOST_DIGITS: usize = 15;

/// Reads a time: numbers with units, such as `10s`, `1.5s` or `1h30m`. `None` if the text is none.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() || text.is_empty() {
        let (part, behind) = parse_part(rest)?;
        nanos += part;
        rest = behind;
    }
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// Reads a number and its unit. Returns the nanoseconds, and what follows.
fn parse_part(text: &str) -> Option<(u128, &str)> {
    let (whole, mut rest) = digits(text);
    let mut fraction = "";
    if let Some(behind) = rest.strip_prefix('.') {
        (fraction, rest) = digits(behind);
    }
    let is_number = whole.len() + fraction.len() > 0;
    if !is_number || whole.len() > MOST_DIGITS || fraction.len() > MOST_DIGITS {
        return None;
    }
    let mut units = UNITS.iter();
    let (name, unit) = units.find(|(name, _)| rest.starts_with(name))?;
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let number = |digits: &str| digits.parse::<u128>().unwrap_or_default();
    let nanos = number(whole) * unit + number(fraction) * unit / scale;
    Some((nanos, &rest[name.len()..]))
}

/// Splits a text behind the digits at its start.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}
