//! The details of an event: about whom and what it is.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// The details of an event: about whom and what it is. None of them is known before the request has been read.
#[derive(Clone, Debug, Default)]
pub struct EventDetails {
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) channel: String,
    pub(crate) method: String,
}

impl EventDetails {
    /// The details of an event of which nothing is known.
    pub(crate) const UNKNOWN: &Self = &Self {
        client: String::new(),
        user: String::new(),
        channel: String::new(),
        method: String::new(),
    };

    /// Returns the id of the client's connection; `None` if it is not known, or if the event is not of one client.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        not_empty(&self.client)
    }

    /// Returns the user's id; `None` if it is not known, or for an anonymous user.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        not_empty(&self.user)
    }

    /// Returns the channel; `None` if it is not known, or if the event is not of one channel.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        not_empty(&self.channel)
    }

    /// Returns the method that the client calls; `None` if it is not known, or if the event is not a call.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        not_empty(&self.method)
    }
}

fn not_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Shows what follows the kind of the event, such as ` "echo" of user 42`.
impl fmt::Display for EventDetails {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Clients choose methods and channels: with quotes and escapes they cannot forge a line of a log.
        if let Some(named) = self.method().or_else(|| self.channel()) {
            write!(formatter, " {named:?}")?;
        }
        if let Some(user) = self.user() {
            return write!(formatter, " of user {}", user.escape_debug());
        }
        match self.client() {
            Some(client) => write!(formatter, " of client {}", client.escape_debug()),
            None => Ok(()),
        }
    }
}

/// The place for the details of an event, which are copied only if somebody watches.
#[derive(Clone, Default)]
pub(crate) struct DetailsSlot(Option<Arc<OnceLock<EventDetails>>>);

impl DetailsSlot {
    /// Creates a slot. What nobody watches takes nothing.
    pub(crate) fn new(is_watched: bool) -> Self {
        Self(is_watched.then(Arc::default))
    }

    /// Keeps the details, if somebody watches.
    pub(crate) fn fill(&self, details: impl FnOnce() -> EventDetails) {
        if let Some(slot) = &self.0 {
            slot.get_or_init(details);
        }
    }

    pub(crate) fn get(&self) -> &EventDetails {
        let details = self.0.as_ref().and_then(|slot| slot.get());
        details.unwrap_or(EventDetails::UNKNOWN)
    }
}
