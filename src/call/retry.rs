//! The retry policy: which calls are retried, and when.

use std::time::Duration;

use super::random;
use crate::api::messages::TAKES_KEYS;
use crate::error::Error;
use crate::platform::random_number;

/// The problem of [`Retry::idempotency_keys`] with a schema from before Centrifugo 5.2.
const NO_KEYS: &str = "Retry::idempotency_keys needs the field `idempotency_key` of publish or broadcast, which the \
                       schema that this crate was built from does not have: schemas have it since Centrifugo 5.2; build \
                       from a newer schema, or omit idempotency_keys";

/// The rules by which failed calls are retried.
///
/// By default a call has up to 3 attempts within its timeout. The client retries:
///
/// - calls that were certainly not sent, because no connection could be made;
/// - calls that may have run, only if they are [repeatable](crate::Method::is_repeatable): those that only read,
///   those that have the same effect however often they run, and `publish`, `broadcast`, `map_publish` and
///   `map_remove` with an idempotency key. They are retried after a lost connection, HTTP 408, 429,
///   502 to 504, 520 to 524 and 530, gRPC `Unavailable`, and Centrifugo's temporary errors.
///
/// A batch is repeatable if all its commands are. For a broadcast with a key only the channels that failed
/// temporarily are retried; the result covers all channels.
///
/// Centrifugo honours idempotency keys since v5.2. Tell an older server with
/// [`ClientBuilder::server_version`](crate::ClientBuilder::server_version): then keys do not make a call repeatable.
///
/// Retries wait with exponential backoff and full jitter, starting at 50 ms, or as long as the server asks
/// (`Retry-After`, `RetryInfo`). A budget protects a server that is down: a client and its clones have 20 retries in
/// store, and earn one with every 10 calls that succeed. Failing over to a healthy node does not count against it.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api::{Client, Retry};
///
/// # fn main() -> Result<(), centrifugo_api::Error> {
/// // Every publication gets a key of its own, so that it can be retried.
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
    /// Returns a policy without retries: each call has one attempt, see [`max_attempts`](Self::max_attempts).
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets the maximal number of attempts, the first included. 3 by default, at least 1.
    ///
    /// Moving on to the next node after an attempt that certainly was not sent is a part of the same attempt here, and so is a
    /// second one with a new key after the server has refused the old one. Observers see each of them.
    /// Retries of a broadcast's failed channels count too. If [`split_above`](crate::ClientBuilder::split_above)
    /// splits a call into several requests, each of them may have that many attempts.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Bounds the wait before the second attempt. The bound doubles with each further attempt. 50 ms by default.
    pub fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Bounds every wait, except one that a server asks for. 2 s by default.
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// Gives a new idempotency key to each call that takes one and has none; each command of a batch has its own. All
    /// attempts of the call have the same key. Its error tells it ([`Error::idempotency_key`],
    /// [`Error::idempotency_keys`]), and so do the errors of failed channels and commands.
    ///
    /// Centrifugo remembers a key for 5 minutes (v5.2 and later; older servers ignore keys). A broadcast that names a
    /// channel twice gets no key, which would suppress the second publication there, and is therefore not repeatable.
    ///
    /// The schema that the crate is built from must have a field `idempotency_key`, as schemas have since v5.2. With an
    /// older one [`ClientBuilder::build`](crate::ClientBuilder::build) fails, and so do the calls of
    /// [`Client::with_retry`](crate::Client::with_retry).
    ///
    /// If a retry of `map_publish` or `map_remove` finds that an earlier attempt of the call did its work, the result
    /// is that of the earlier attempt: not `suppressed`.
    pub fn idempotency_keys(mut self) -> Self {
        self.idempotency_keys = true;
        self
    }

    /// Checks that the schema has the fields that the options need.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.idempotency_keys && !TAKES_KEYS {
            return Err(Error::Config(NO_KEYS.to_owned()));
        }
        Ok(())
    }

    /// Returns a new key for a call, if calls get keys.
    pub(crate) fn new_key(&self) -> Result<Option<String>, Error> {
        self.check()?;
        self.idempotency_keys.then(random::uuid).transpose()
    }

    /// Returns the waits before another attempt, or `None` if no other attempt is allowed after that many.
    pub(crate) fn wait(&self, attempts: u32, error: &Error, repeatable: bool) -> Option<Wait> {
        if !self.allows(attempts) || !may_retry(error, repeatable) {
            return None;
        }
        Some(Wait {
            backoff: self.backoff(attempts),
            requested: requested_wait(error).unwrap_or_default(),
        })
    }

    /// Returns a random wait, up to a bound that doubles with each attempt.
    pub(crate) fn backoff(&self, attempts: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let bound = self
            .first_wait
            .saturating_mul(doubled)
            .min(self.longest_wait);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random_number() % nanos.max(1))
    }

    /// Returns whether another attempt is allowed after that many.
    pub(crate) fn allows(&self, attempts: u32) -> bool {
        attempts < self.max_attempts
    }
}

/// The times to wait before another attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) backoff: Duration,
    /// The time that the server asked for.
    pub(crate) requested: Duration,
}

/// Returns whether another attempt may succeed and cannot have a double effect.
fn may_retry(error: &Error, repeatable: bool) -> bool {
    error.is_retryable() && (repeatable || error.is_unsent())
}

/// Returns the time that the server asks to wait.
fn requested_wait(error: &Error) -> Option<Duration> {
    match error {
        Error::Transport { retry_after, .. } => *retry_after,
        _ => None,
    }
}
