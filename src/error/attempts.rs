//! The attempts of a failed call.

use std::fmt;

use super::Effect;

/// The number of attempts of a call, and the idempotency key that the client generated for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts(Option<Box<Made>>);

/// The attempts of a call that are not a single one without a generated key: boxed, since errors are moved often.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    count: u32,
    idempotency_key: Option<Box<str>>,
    /// The effect of the attempts before the last one.
    earlier: Effect,
}

impl Attempts {
    #[cfg(feature = "_transport")]
    pub(crate) fn new(count: u32, idempotency_key: Option<&str>, earlier: Effect) -> Self {
        if count <= 1 && idempotency_key.is_none() && earlier.is_unsent() {
            return Self(None);
        }
        Self(Some(Box::new(Made {
            count,
            idempotency_key: idempotency_key.map(Into::into),
            earlier,
        })))
    }

    /// Returns the number of attempts, the first included.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.as_ref().map_or(1, |made| made.count)
    }

    /// Returns the idempotency key that the client generated for the call, if it did.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.0.as_ref()?.idempotency_key.as_deref()
    }

    /// Returns the effect of all attempts, given that of the last one.
    pub(super) fn and(&self, last: Effect) -> Effect {
        match &self.0 {
            Some(made) => made.earlier.and(last),
            None => last,
        }
    }
}

/// The end of an error's text; empty for a single attempt without a generated key.
impl fmt::Display for Attempts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count() > 1 {
            write!(formatter, "; {} attempts", self.count())?;
        }
        match self.idempotency_key() {
            Some(key) => write!(formatter, "; its idempotency key was {key}"),
            None => Ok(()),
        }
    }
}
