//! JSON objects with their members in a given order, each at most once.

use std::collections::HashSet;

use serde::Serialize;

use crate::error::Error;

/// An object that is being written.
pub(crate) struct Object {
    json: String,
    names: HashSet<String>,
    /// True if names that differ in case alone are the same, as they are for Centrifugo.
    folds: bool,
}

impl Object {
    /// Creates an object whose names are claims.
    pub(crate) fn new() -> Self {
        Self {
            json: "{".to_owned(),
            names: HashSet::new(),
            folds: true,
        }
    }

    /// Creates an object whose names are data, such as channels.
    pub(crate) fn exact() -> Self {
        Self {
            folds: false,
            ..Self::new()
        }
    }

    /// Writes a member.
    ///
    /// # Errors
    ///
    /// Names the member if there is another one of its name, or if the value cannot be JSON.
    pub(crate) fn put(
        &mut self,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Error> {
        let json = serde_json::to_string(value).map_err(|error| {
            Error::claim(name, format!("it cannot be written as JSON: {error}"))
        })?;
        self.put_json(name, json)
    }

    /// Writes a member whose value is JSON.
    pub(crate) fn put_json(&mut self, name: &str, json: String) -> Result<(), Error> {
        let unique = if self.folds {
            fold(name)
        } else {
            name.to_owned()
        };
        if !self.names.insert(unique) {
            return Err(Error::claim(name, "it is set twice"));
        }
        if self.names.len() > 1 {
            self.json.push(',');
        }
        self.json.push_str(&text(name));
        self.json.push(':');
        self.json.push_str(&json);
        Ok(())
    }

    /// Writes a member if there is a value.
    pub(crate) fn put_some(
        &mut self,
        name: &str,
        value: &Option<impl Serialize>,
    ) -> Result<(), Error> {
        value.as_ref().map_or(Ok(()), |value| self.put(name, value))
    }

    pub(crate) fn finish(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

/// Returns a text in JSON.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a name as Go's JSON compares it: without regard to case, in which two letters outside ASCII have a place.
pub(crate) fn fold(name: &str) -> String {
    let lower = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        _ => letter.to_ascii_lowercase(),
    };
    name.chars().map(lower).collect()
}
