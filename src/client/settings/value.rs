//! Values of options, read from text.

use std::fmt;
use std::time::Duration;

use super::duration;
use super::options::{ClientOption, Set};

/// The value of an option.
#[derive(Clone)]
pub(super) enum Value {
    /// A text, or the path of a file.
    Text(String),
    Time(Duration),
    Number(usize),
    Switch(bool),
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(formatter),
            Self::Time(time) => time.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::Switch(is_set) => is_set.fmt(formatter),
        }
    }
}

impl ClientOption {
    /// Reads a value of the option's kind from text. The error follows the option's name.
    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        check_text(text)?;
        match self.set {
            Set::Text(_) | Set::File(_) => Ok(Value::Text(text.to_owned())),
            Set::Time(_) => self.time(text),
            Set::Number(_) => match text.parse() {
                Ok(number) => self.number(number),
                Err(_) => Err(format!(
                    ": `{text}` is not a whole number: write one in digits"
                )),
            },
            Set::Switch(_) => match text {
                "true" | "1" => Ok(Value::Switch(true)),
                "false" | "0" => Ok(Value::Switch(false)),
                _ => Err(format!(
                    ": `{text}` is neither true nor false: write one of them"
                )),
            },
            Set::Off(needed) => Err(off(needed)),
        }
    }

    /// Reads a time. The error follows the option's name.
    pub(super) fn time(&self, text: &str) -> Result<Value, String> {
        let Some(time) = duration::parse(text) else {
            return Err(format!(
                ": `{text}` is not a time with a unit: write one such as 10s, 1.5s, 500ms or 2m"
            ));
        };
        if time.is_zero() && !self.may_be_zero {
            return Err(" is zero: set a longer time, or leave it out".to_owned());
        }
        Ok(Value::Time(time))
    }

    /// Checks a number. The error follows the option's name.
    pub(super) fn number(&self, number: u64) -> Result<Value, String> {
        if number == 0 && !self.may_be_zero {
            return Err(" is zero: set a larger number, or leave it out".to_owned());
        }
        Ok(Value::Number(usize::try_from(number).unwrap_or(usize::MAX)))
    }
}

/// Checks a text. The error follows the option's name, and does not show the text, which may be the key.
pub(super) fn check_text(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err(" is empty: set it, or leave it out".to_owned());
    }
    if text.trim() != text {
        return Err(" starts or ends with white space: remove it".to_owned());
    }
    Ok(())
}

/// Returns the error of an option that is not available.
pub(super) fn off(needed: &str) -> String {
    format!(" needs {needed}: add it, or leave the option out")
}
