//! The attempts of a call: when another one is due, and how the call ends otherwise.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::nodes::Candidate;
use super::{Attempt, CallInfo, CallOptions, Deadline, Failed, Inner, Permit, Retry, request_id};
use crate::error::{Error, Progress};
use crate::observe::ObservedCall;
use crate::platform::{self, Instant};

/// The time after which a call that may have run is not attempted again. Centrifugo forgets idempotency keys after
/// 5 minutes: a later attempt would publish twice.
const KEYS_ARE_KNOWN_FOR: Duration = Duration::from_secs(240);

/// A call that is in flight, and its attempts so far. A call that is split, or whose parts are retried, is sent as
/// several requests, one after another.
pub(crate) struct RetryLoop<'a> {
    inner: &'a Inner,
    /// The facts about the current request.
    info: CallInfo,
    retry: &'a Retry,
    deadline: &'a Deadline,
    observed: &'a ObservedCall,
    /// The headers of the requests, in addition to those of all calls.
    headers: Option<Arc<HeaderMap>>,
    progress: Progress,
    /// The start of the current attempt.
    started: Instant,
    /// The start of the first attempt of the current request that may have run.
    may_have_run_since: Option<Instant>,
    /// Held until the call ends, over all its requests.
    _permit: Permit<'a>,
}

/// The facts about a call that succeeded.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// The attempts of its last request.
    pub(crate) attempts: u32,
    headers: Option<Arc<HeaderMap>>,
}

impl Made {
    /// Returns the id that the last request was sent with.
    pub(crate) fn request_id(&self) -> Option<&str> {
        request_id(self.headers.as_deref())
    }
}

impl<'a> RetryLoop<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        info: CallInfo,
        options: &'a CallOptions,
        deadline: &'a Deadline,
        observed: &'a ObservedCall,
        permit: Permit<'a>,
    ) -> Self {
        Self {
            inner,
            info,
            retry: &options.retry,
            deadline,
            observed,
            headers: options.headers.clone(),
            progress: Progress::new(1),
            started: Instant::now(),
            may_have_run_since: None,
            _permit: permit,
        }
    }

    /// Sets the number of requests that the call is sent as.
    pub(crate) fn set_requests(&mut self, requests: usize) {
        self.progress = Progress::new(requests);
    }

    /// Goes on to the next request of the call, after the current one ran. It has attempts of its own.
    pub(crate) fn next_request(&mut self, info: CallInfo) {
        self.info = info;
        self.progress.next_request();
        self.may_have_run_since = None;
    }

    /// Goes on to a request for parts of the current one, which failed: its attempts count on. Waits before it.
    /// Returns false, without waiting, if no further attempt is allowed.
    pub(crate) async fn retry_parts(&mut self) -> bool {
        self.may_have_run_since.get_or_insert(self.started);
        let attempts = self.progress.attempts();
        let wait = self.retry.backoff(attempts);
        let is_in_time = wait < self.deadline.left() && self.is_key_known(wait);
        let failed = Failed {
            started: Instant::now(),
            is_first: false,
        };
        if !self.retry.allows(attempts) || !is_in_time || !self.withdraw(failed) {
            return false;
        }
        platform::sleep(wait).await;
        true
    }

    /// Gives the requests of the call an id, if each request gets one and it has none.
    pub(crate) fn identify(&mut self) -> Result<(), Error> {
        self.headers = self.inner.headers(self.headers.as_ref())?;
        Ok(())
    }

    /// Returns the facts about the call, after its end.
    pub(crate) fn made(&self) -> Made {
        Made {
            attempts: self.progress.attempts(),
            headers: self.headers.clone(),
        }
    }

    /// Returns the facts about the current request.
    pub(crate) fn info(&self) -> &CallInfo {
        &self.info
    }

    /// Returns what the attempts of the current request did so far.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Starts an attempt.
    ///
    /// If several nodes are up and another attempt could follow, an attempt has half of the call's time, so that a
    /// node that hangs does not hold the call to its end.
    pub(crate) fn next_attempt(&mut self) -> Attempt<'_> {
        self.started = Instant::now();
        let may_follow = self.info.repeatable && self.retry.allows(self.progress.attempts() + 1);
        let is_bounded = may_follow && self.inner.nodes.current().are_several_up();
        let half = self.deadline.given / 2;
        let candidate = Candidate {
            is_cheap: self.info.repeatable && !self.info.has_parts,
            is_retry: self.progress.attempts() > 0,
        };
        Attempt {
            deadline: self.deadline.of_attempt(is_bounded.then_some(half)),
            candidate,
            call: self.observed,
            headers: self.headers.as_deref(),
            gate: None,
        }
    }

    /// Takes the outcome of an attempt. Returns the final outcome, or `None` after waiting if another attempt is due.
    pub(crate) async fn finish_or_wait<T>(
        &mut self,
        outcome: Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        self.progress.count();
        let error = match outcome {
            Ok(result) => {
                self.inner.budget.deposit();
                return Some(Ok(result));
            }
            Err(error) => error,
        };
        let Some(wait) = self.wait(&error) else {
            return Some(Err(self.failed(error)));
        };
        self.progress.failed(error.effect());
        platform::sleep(wait).await;
        None
    }

    /// Returns how long to wait before another attempt, or `None` if no other attempt is due.
    fn wait(&mut self, error: &Error) -> Option<Duration> {
        if !error.is_unsent() {
            self.may_have_run_since.get_or_insert(self.started);
        }
        let wait = self
            .retry
            .wait(self.progress.attempts(), error, self.info.repeatable)?;
        // Failing over to a healthy node is free and need not wait: it does not flood the node that is down.
        let fails_over = self.inner.nodes.current().can_fail_over(error);
        let wait = if fails_over {
            wait.backoff
        } else {
            wait.backoff.max(wait.requested)
        };
        if wait >= self.deadline.left() || !self.is_key_known(wait) {
            return None;
        }
        let failed = Failed {
            started: self.started,
            is_first: self.progress.attempts() == 1,
        };
        if !self.observed.may_retry(error) {
            return None;
        }
        (fails_over || self.withdraw(failed)).then_some(wait)
    }

    /// Takes a retry from the budget, and returns whether there was one.
    fn withdraw(&self, failed: Failed) -> bool {
        let is_affordable = self.inner.budget.withdraw(failed);
        if !is_affordable {
            self.observed.retry_refused();
        }
        is_affordable
    }

    /// Returns whether the server will certainly know the idempotency key of the current request after that wait.
    fn is_key_known(&self, wait: Duration) -> bool {
        self.may_have_run_since
            .is_none_or(|since| since.elapsed() + wait < KEYS_ARE_KNOWN_FOR)
    }

    /// Returns the error of the call, given that of its last attempt.
    fn failed(&mut self, last: Error) -> Error {
        let took = self.deadline.elapsed();
        let is_over = self.deadline.left().is_zero();
        let timeout = is_over.then_some(self.deadline.given);
        let effect = last.effect();
        let error = self.progress.error(self.info.method, last, took, timeout);
        self.progress.failed(effect);
        error.with_request_id(request_id(self.headers.as_deref()))
    }
}
