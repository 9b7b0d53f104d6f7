use std::fmt;

/// How often a call was tried, and the idempotency key that was made for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    count: u32,
    idempotency_key: Option<Box<str>>,
}

impl Attempts {
    #[cfg(feature = "_transport")]
    pub(crate) fn new(count: u32, idempotency_key: Option<&str>) -> Self {
        Self {
            count,
            idempotency_key: idempotency_key.map(Into::into),
        }
    }

    /// How often the call was tried.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The idempotency key that was made for the call, if one was.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            count: 1,
            idempotency_key: None,
        }
    }
}

/// What an error's message says of it: nothing of a single try.
impl fmt::Display for Attempts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count > 1 {
            write!(formatter, "; tried {} times", self.count)?;
        }
        match &self.idempotency_key {
            Some(key) => write!(formatter, "; its idempotency key was {key}"),
            None => Ok(()),
        }
    }
}
