//! The attempts of a call: when another one is due, and how the call ends otherwise.

use super::{CallInfo, Deadline, Inner, Permit, Retry};
use crate::error::{Attempts, Effect, Error};

/// A call that is in flight, and its attempts so far.
pub(crate) struct RetryLoop<'a> {
    inner: &'a Inner,
    info: &'a CallInfo<'a>,
    retry: &'a Retry,
    deadline: &'a Deadline,
    attempts: u32,
    /// The effect of the attempts before the last one.
    earlier: Effect,
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
            earlier: Effect::Unsent,
            _permit: permit,
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
        // Failing over to a healthy node is free: it does not flood the node that is down.
        let budget = if self.inner.nodes.can_fail_over(&error) {
            None
        } else {
            Some(&self.inner.budget)
        };
        let wait = self.retry.wait(
            self.attempts,
            &error,
            self.info.repeatable,
            self.deadline.left(),
            budget,
        );
        match wait {
            Some(wait) => {
                self.earlier = self.earlier.and(error.effect());
                tokio::time::sleep(wait).await;
                None
            }
            None => Some(Err(self.failed(error))),
        }
    }

    /// Returns the error of the call, given that of its last attempt.
    fn failed(&self, error: Error) -> Error {
        let attempts = Attempts::new(self.attempts, self.info.key, self.earlier);
        error.after(attempts, self.deadline.elapsed())
    }
}
