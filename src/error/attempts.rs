//! The attempts of a failed call.

use std::fmt;

use super::Effect;

/// The number of attempts of a call, its idempotency keys, and what its attempts did on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts(Option<Box<Made>>);

/// The attempts of a call that are not a single one without a key: boxed, since errors are moved often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Made {
    count: u32,
    /// The key of the call, or the key of each command of a batch; `None` for a command without a key.
    keys: Vec<Option<String>>,
    /// The effect of the attempts before the last one, and of earlier requests of the call.
    earlier: Effect,
    /// The number of requests that ran, of those that the call was split into.
    ran: usize,
    requests: usize,
    /// The id that the last request was sent with.
    request_id: Option<String>,
    /// The version of the oldest node, if the server did not have the method and it is known.
    version: Option<(u32, u32, u32)>,
}

impl Attempts {
    /// Returns the number of attempts, the first included. Of a call that was split into several requests, these are
    /// the attempts of the last request that was sent.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.as_ref().map_or(1, |made| made.count.max(1))
    }

    /// Returns the idempotency key of the call: its own, or the one that the client generated for it.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        match self.idempotency_keys() {
            [key] => key.as_deref(),
            _ => None,
        }
    }

    /// Returns the idempotency key of each command of a batch, in their order; `None` for a command without a key.
    #[must_use]
    pub fn idempotency_keys(&self) -> &[Option<String>] {
        self.0.as_ref().map_or(&[], |made| &made.keys)
    }

    /// Returns the effect of all attempts, given that of the last one.
    pub(super) fn and(&self, last: Effect) -> Effect {
        match &self.0 {
            Some(made) => made.earlier.and(last),
            None => last,
        }
    }
}

impl Attempts {
    pub(crate) fn new(count: u32, earlier: Effect, ran: usize, requests: usize) -> Self {
        if count <= 1 && earlier.is_unsent() {
            return Self(None);
        }
        Self(Some(Box::new(Made {
            count,
            earlier,
            ran,
            requests,
            ..Made::default()
        })))
    }

    /// Replaces the attempts, and keeps the idempotency keys and the request's id.
    pub(super) fn replace(&mut self, attempts: Self) {
        let Some(former) = std::mem::replace(self, attempts).0 else {
            return;
        };
        if !former.keys.is_empty() {
            self.set_keys(former.keys);
        }
        if former.request_id.is_some() {
            self.0.get_or_insert_default().request_id = former.request_id;
        }
    }

    /// Returns the id that the request was sent with.
    pub(super) fn request_id(&self) -> Option<&str> {
        self.0.as_ref()?.request_id.as_deref()
    }

    /// Sets the id that the request was sent with.
    #[cfg(feature = "_transport")]
    pub(crate) fn set_request_id(&mut self, id: &str) {
        self.0.get_or_insert_default().request_id = Some(id.to_owned());
    }

    /// Sets the version of the oldest node.
    #[cfg(feature = "_transport")]
    pub(super) fn set_version(&mut self, version: (u32, u32, u32)) {
        self.0.get_or_insert_default().version = Some(version);
    }

    /// Sets the keys of a call, of which at least one of its commands has one.
    pub(crate) fn set_keys(&mut self, keys: Vec<Option<String>>) {
        self.0.get_or_insert_default().keys = keys;
    }
}

/// The end of an error's text; empty for a single attempt without a key.
impl fmt::Display for Attempts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(made) = &self.0 else { return Ok(()) };
        if made.ran > 0 {
            write!(
                formatter,
                "; {} of {} requests had run",
                made.ran, made.requests
            )?;
        }
        if made.count > 1 {
            write!(formatter, "; {} attempts", made.count)?;
        }
        if let Some((major, minor, patch)) = made.version {
            write!(formatter, "; the oldest node runs {major}.{minor}.{patch}")?;
        }
        if let Some(id) = self.request_id() {
            write!(formatter, "; its request id was {id}")?;
        }
        match self.idempotency_key() {
            Some(key) => write!(formatter, "; its idempotency key was {key}"),
            None => Ok(()),
        }
    }
}
