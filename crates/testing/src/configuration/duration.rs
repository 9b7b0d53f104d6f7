//! Durations as Go writes them, such as `1h30m`, `1.5h` or `720h0m0s`.

use std::time::Duration;

/// The sentence about units for errors.
pub(super) const UNITS: &str = "its units are h, m, s, ms, us and ns";

/// Reads a duration as Go's `time.ParseDuration` does, except that it may not be negative.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    if matches!(text, "0" | "+0" | "-0") {
        return Some(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let number_length = rest.find(|c| !is_of_number(c))?;
        let (number, after_number) = rest.split_at(number_length);
        let unit_length = after_number
            .find(is_of_number)
            .unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at(unit_length);
        sum = sum.checked_add(part(number, nanoseconds(unit)?)?)?;
        rest = after_unit;
    }
    // Go's durations are signed.
    i64::try_from(sum).ok()?;
    Some(Duration::from_nanos(sum))
}

fn is_of_number(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

/// Returns the nanoseconds in a number of units, such as `1.5`.
fn part(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut nanoseconds = whole.checked_mul(unit)?;
    let mut digit_value = unit;
    for digit in fraction.chars() {
        digit_value /= 10;
        nanoseconds = nanoseconds.checked_add(digit_value * u64::from(digit.to_digit(10)?))?;
    }
    Some(nanoseconds)
}

/// Returns the nanoseconds in a unit.
fn nanoseconds(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_duration;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanoseconds) in [
            ("300s", 300_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("720h0m0s", 2_592_000_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("0.5s", 500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("+5s", 5_000_000_000),
            ("100us", 100_000),
            ("100\u{b5}s", 100_000),
            ("100\u{3bc}s", 100_000),
            ("5ns", 5),
            ("1500ms", 1_500_000_000),
            ("9223372036854775807ns", 9_223_372_036_854_775_807),
            ("0", 0),
            ("-0", 0),
        ] {
            let duration = Duration::from_nanos(nanoseconds);
            assert_eq!(parse_duration(text), Some(duration), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in [
            "",
            "+",
            "5",
            "s",
            ".s",
            "-5s",
            "1d",
            "1y",
            "1e3s",
            "1.5.5s",
            "5 s",
            "3000000h",
            "\u{b5}s",
            "9223372036854775808ns",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
