//! Repeating calls, where that cannot do anything twice.

mod budget;

use std::time::Duration;

pub(crate) use budget::Budget;

use crate::{Error, random};

/// How calls that failed are repeated.
///
/// By default a call is tried up to 3 times, within its timeout. Repeated are
///
/// - calls that were certainly not sent: no connection could be made;
/// - calls that may have run, only if they are [repeatable](crate::Method::is_repeatable): those that only read, those
///   that do the same however often they run, and `publish`, `broadcast`, `map_publish` and `map_remove` with an
///   idempotency key. They are repeated after a lost connection, HTTP 429, 502, 503 and 504, gRPC `Unavailable`, and
///   Centrifugo's temporary errors.
///
/// A batch is repeatable if all its commands are. Of a broadcast with a key, the channels that failed for a while are
/// sent again, and its answer has them all.
///
/// Before the next try it waits: up to 50 ms, then twice as long, by chance (full jitter), or as long as the server asks
/// (`Retry-After`, `RetryInfo`). A server that is down is not flooded: a client and its clones have 20 retries in
/// store, and earn one with every 10 calls that succeed. What one node fails while another is up is not taken from it.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api::{Client, Retry};
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// // Every publication gets a key of its own, and so can be repeated.
/// let retry = Retry::default().max_attempts(5).idempotency_keys();
/// let client = Client::builder("http://localhost:8000/api").api_key("secret").retry(retry).build()?;
/// let once = client.with_retry(Retry::none());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    max_attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
    idempotency_keys: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            first_wait: Duration::from_millis(50),
            longest_wait: Duration::from_secs(2),
            idempotency_keys: false,
        }
    }
}

impl Retry {
    /// Tries each call once.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// Tries each call at most that often, the first time included; 0 is taken for 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Bounds the wait before the second try. It doubles with each further one.
    pub fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Bounds every wait but that which a server asks for.
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// Gives each call that takes an idempotency key and has none one of its own, the same for each try. An error says
    /// it: [`Error::idempotency_key`].
    ///
    /// Centrifugo remembers a key for 5 minutes.
    pub fn idempotency_keys(mut self) -> Self {
        self.idempotency_keys = true;
        self
    }

    /// A key for a call, where it is to have one.
    pub(crate) fn new_key(&self) -> Option<String> {
        self.idempotency_keys.then(random::uuid)
    }

    /// How long to wait before the call is tried again, if it may be: after that many attempts, with so much time left,
    /// and out of that store, if any.
    pub(crate) fn wait(
        &self,
        attempts: u32,
        error: &Error,
        repeatable: bool,
        left: Duration,
        budget: Option<&Budget>,
    ) -> Option<Duration> {
        if attempts >= self.max_attempts || !may_repeat(error, repeatable) {
            return None;
        }
        let wait = asked(error).unwrap_or_default().max(self.backoff(attempts));
        (wait < left && budget.is_none_or(Budget::withdraw)).then_some(wait)
    }

    /// A wait by chance, up to a bound that doubles with each attempt.
    pub(crate) fn backoff(&self, attempts: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let bound = self
            .first_wait
            .saturating_mul(doubled)
            .min(self.longest_wait);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random::number() % nanos.max(1))
    }

    pub(crate) fn allows(&self, attempts: u32) -> bool {
        attempts < self.max_attempts
    }
}

/// Whether another try can do nothing twice, and may succeed.
fn may_repeat(error: &Error, repeatable: bool) -> bool {
    match error {
        Error::Network { unsent, .. } | Error::Timeout { unsent, .. } => *unsent || repeatable,
        _ => repeatable && error.is_retryable(),
    }
}

/// How long the server asks to wait.
fn asked(error: &Error) -> Option<Duration> {
    match error {
        Error::Transport { retry_after, .. } => *retry_after,
        _ => None,
    }
}
