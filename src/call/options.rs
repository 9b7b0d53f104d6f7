//! The options of single calls.

use std::sync::Arc;
use std::time::Duration;

use crate::platform::Instant;

use http::HeaderMap;

use super::{Deadline, Retry};

/// The options of the calls of a client, which the `with_…` methods change.
#[derive(Clone)]
pub(crate) struct CallOptions {
    pub(crate) timeout: Duration,
    /// The deadline of all calls, in addition to the timeout.
    pub(crate) latest: Option<Instant>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) retry: Retry,
    /// The headers of these calls, in addition to those of all calls.
    pub(crate) headers: Option<Arc<HeaderMap>>,
    /// True if the calls have waited in a queue, which is emptied when the client closes.
    pub(crate) are_queued: bool,
}

impl CallOptions {
    /// Returns the deadline of a call that starts now.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::new(self.timeout, self.latest, self.attempt_timeout)
    }
}
