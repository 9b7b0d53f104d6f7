//! Claims of the application.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::Error;
use crate::object::{Object, fold};

/// A name of a claim that has a method of its own, and the hint at that method.
pub(super) type Known = (&'static str, &'static str);

/// The claims that a user adds by name.
#[derive(Clone, Default)]
pub(super) struct OwnClaims(Vec<(String, Result<Box<RawValue>, String>)>);

impl OwnClaims {
    pub(super) fn add(&mut self, name: String, value: &impl Serialize) {
        let value = to_raw_value(value).map_err(|error| error.to_string());
        self.0.push((name, value));
    }

    /// Writes the claims. Refuses those that have a method, in any case: Centrifugo ignores the case of names.
    pub(super) fn write(&self, object: &mut Object, known: &[Known]) -> Result<(), Error> {
        for (name, value) in &self.0 {
            if name.is_empty() {
                return Err(Error::claim("", "a claim needs a name"));
            }
            let folded = fold(name);
            if let Some((_, hint)) = known.iter().find(|(known, _)| *known == folded) {
                return Err(Error::claim(name, *hint));
            }
            let value = value.as_ref().map_err(|error| {
                Error::claim(name, format!("it cannot be written as JSON: {error}"))
            })?;
            object.put(name, value)?;
        }
        Ok(())
    }
}
