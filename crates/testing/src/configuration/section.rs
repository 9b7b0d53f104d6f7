//! Reading the options of an object of the configuration.

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use crate::configuration::{Object, Problem};

/// An object of the configuration, with its path.
pub(super) struct Section<'a> {
    pub(super) path: String,
    pub(super) options: &'a Object,
}

impl Section<'_> {
    /// Returns the full name of an option, with the path.
    pub(super) fn name(&self, option: &str) -> String {
        if self.path.is_empty() {
            option.to_owned()
        } else {
            format!("{}.{option}", self.path)
        }
    }

    /// Returns the value of an option; `null` counts as unset.
    pub(super) fn get(&self, option: &str) -> Option<&Value> {
        self.options.get(option).filter(|value| !value.is_null())
    }

    /// Reads an object; it is empty if it is unset.
    pub(super) fn section(&self, option: &str) -> Result<Section<'_>, Problem> {
        static EMPTY: LazyLock<Object> = LazyLock::new(Object::new);
        let path = self.name(option);
        match self.get(option) {
            None => Ok(Section {
                path,
                options: &EMPTY,
            }),
            Some(Value::Object(options)) => Ok(Section { path, options }),
            Some(_) => Err(format!("{path} is not an object")),
        }
    }

    pub(super) fn text(&self, option: &str) -> Result<Option<String>, Problem> {
        match self.get(option) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("{} is not a string", self.name(option))),
        }
    }

    /// Reads a text; an empty one counts as unset.
    pub(super) fn non_empty_text(&self, option: &str) -> Result<Option<String>, Problem> {
        Ok(self.text(option)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn flag(&self, option: &str) -> Result<bool, Problem> {
        match self.get(option) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(format!("{} is neither true nor false", self.name(option))),
        }
    }

    pub(super) fn number(&self, option: &str) -> Result<i64, Problem> {
        match self.get(option) {
            None => Ok(0),
            Some(value) => value
                .as_i64()
                .ok_or_else(|| format!("{} is not a whole number", self.name(option))),
        }
    }

    pub(super) fn duration(&self, option: &str) -> Result<Duration, Problem> {
        let Some(text) = self.text(option)? else {
            return Ok(Duration::ZERO);
        };
        parse_duration(&text).ok_or_else(|| {
            format!(
                "{}: `{text}` is not a duration such as 300s or 1h30m",
                self.name(option)
            )
        })
    }
}

/// Reads a duration as Go writes it, such as `1h30m` or `720h0m0s`.
fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after_number) = rest.split_at(digits);
        let unit_length = after_number
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at(unit_length);
        let part = duration_of(number.parse().ok()?, unit)?;
        sum = sum.checked_add(part)?;
        rest = after_unit;
    }
    Some(sum)
}

fn duration_of(number: u64, unit: &str) -> Option<Duration> {
    let seconds_per_unit = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    number
        .checked_mul(seconds_per_unit)
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_duration;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, expected) in [
            ("300s", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("720h0m0s", Some(2_592_000_000)),
            ("1500ms", Some(1500)),
            ("0", Some(0)),
            ("", Some(0)),
            ("5", None),
            ("s", None),
            ("-5s", None),
            ("1y", None),
        ] {
            assert_eq!(
                parse_duration(text),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
    }
}
