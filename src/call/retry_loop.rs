//! The attempts of a call: when another one is due, and how the call ends otherwise.

use std::time::{Duration, Instant};

use super::nodes::Candidate;
use super::{CallInfo, Deadline, Failed, Inner, Permit, Retry};
use crate::error::{Attempts, Effect, Error};

/// The time after which a call that may have run is not attempted again. Centrifugo forgets idempotency keys after
/// 5 minutes: a later attempt would publish twice.
const KEYS_ARE_KNOWN_FOR: Duration = Duration::from_secs(240);

/// A call that is in flight, and its attempts so far.
pub(crate) struct RetryLoop<'a> {
    inner: &'a Inner,
    info: &'a CallInfo<'a>,
    retry: &'a Retry,
    deadline: &'a Deadline,
    attempts: u32,
    /// The start of the current attempt.
    started: Instant,
    /// The start of the first attempt that may have run.
    may_have_run_since: Option<Instant>,
    /// The error of the last attempt that may have run: boxed, since it is a part of each call's future.
    earlier: Option<Box<Error>>,
    /// Held until the call ends.
    _permit: Permit<'a>,
}

impl<'a> RetryLoop<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        info: &'a CallInfo<'a>,
        retry: &'a Retry,
        deadline: &'a Deadline,
        permit: Permit<'a>,
    ) -> Self {
        Self {
            inner,
            info,
            retry,
            deadline,
            attempts: 0,
            started: Instant::now(),
            may_have_run_since: None,
            earlier: None,
            _permit: permit,
        }
    }

    /// Starts an attempt, and returns its deadline.
    ///
    /// If several nodes are up and another attempt could follow, an attempt has half of the call's time, so that a
    /// node that hangs does not hold the call to its end.
    pub(crate) fn next_attempt(&mut self) -> Deadline {
        self.started = Instant::now();
        let may_follow = self.info.repeatable && self.retry.allows(self.attempts + 1);
        let is_bounded = may_follow && self.inner.nodes.are_several_up();
        let half = self.deadline.given / 2;
        self.deadline.of_attempt(is_bounded.then_some(half))
    }

    /// Returns what nodes must know of the current attempt.
    pub(crate) fn candidate(&self) -> Candidate {
        Candidate {
            is_cheap: self.info.repeatable && !self.info.has_parts,
            is_retry: self.attempts > 0,
        }
    }

    /// Takes the outcome of an attempt. Returns the final outcome, or `None` after waiting if another attempt is due.
    pub(crate) async fn finish_or_wait<T>(
        &mut self,
        outcome: Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        let error = match outcome {
            Ok(result) => {
                self.inner.budget.deposit();
                return Some(Ok(result));
            }
            Err(error) => error,
        };
        self.attempts += 1;
        let Some(wait) = self.wait(&error) else {
            return Some(Err(self.failed(error)));
        };
        if !error.is_unsent() {
            self.earlier = Some(Box::new(error));
        }
        tokio::time::sleep(wait).await;
        None
    }

    /// Returns how long to wait before another attempt, or `None` if no other attempt is due.
    fn wait(&mut self, error: &Error) -> Option<Duration> {
        if !error.is_unsent() {
            self.may_have_run_since.get_or_insert(self.started);
        }
        let wait = self
            .retry
            .wait(self.attempts, error, self.info.repeatable)?;
        // Failing over to a healthy node is free and need not wait: it does not flood the node that is down.
        let fails_over = self.inner.nodes.can_fail_over(error);
        let wait = if fails_over {
            wait.backoff
        } else {
            wait.backoff.max(wait.requested)
        };
        let is_key_known = self
            .may_have_run_since
            .is_none_or(|since| since.elapsed() + wait < KEYS_ARE_KNOWN_FOR);
        if wait >= self.deadline.left() || !is_key_known {
            return None;
        }
        let failed = Failed {
            started: self.started,
            is_first: self.attempts == 1,
        };
        (fails_over || self.inner.budget.withdraw(failed)).then_some(wait)
    }

    /// Returns the error of the call, given that of its last attempt.
    fn failed(&mut self, last: Error) -> Error {
        let earlier = self.earlier.take();
        let effect = earlier
            .as_ref()
            .map_or(Effect::Unsent, |error| error.effect());
        let attempts = Attempts::new(self.attempts, self.info.key, effect);
        let error = match (last, earlier) {
            // These errors say that nothing was sent: what the caller must know is that the call may have run.
            (Error::Config(_) | Error::InvalidRequest(_), Some(earlier)) => *earlier,
            (last, _) => last,
        };
        let is_over = self.deadline.left().is_zero();
        let timeout = is_over.then_some(self.deadline.given);
        error.after(attempts, self.deadline.elapsed(), timeout)
    }
}
