//! The progress of a call over its attempts and requests: the fold behind [`Error::effect`].

use std::time::Duration;

use super::{Attempts, Effect, Error};

/// The attempts of a call so far, over all the requests that it is sent as.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The attempts of the current request.
    attempts: u32,
    /// The effect of the attempts of the current request that have failed.
    effect: Effect,
    /// The number of requests that ran, of those that the call was split into.
    ran: usize,
    requests: usize,
}

impl Progress {
    /// Returns the progress of a call that is sent as that many requests, one after another.
    pub(crate) fn new(requests: usize) -> Self {
        Self {
            attempts: 0,
            effect: Effect::Unsent,
            ran: 0,
            requests,
        }
    }

    /// Returns the number of attempts of the current request.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Counts an attempt that has ended.
    pub(crate) fn count(&mut self) {
        self.attempts += 1;
    }

    /// Takes the effect of an attempt that has failed.
    pub(crate) fn failed(&mut self, effect: Effect) {
        self.effect = self.effect.and(effect);
    }

    /// Returns whether an attempt of the current request failed that may have run.
    pub(crate) fn is_unsure(&self) -> bool {
        !self.effect.is_unsent()
    }

    /// Goes on to the next request of the call, after the current one ran.
    pub(crate) fn next_request(&mut self) {
        self.attempts = 0;
        self.effect = Effect::Unsent;
        self.ran += 1;
    }

    /// Returns the effect of everything but the last attempt.
    fn earlier(&self) -> Effect {
        let requests = if self.ran > 0 {
            Effect::Ran
        } else {
            Effect::Unsent
        };
        requests.and(self.effect)
    }

    /// Returns the error of the call, which took `took`, given the error of its last attempt, and the call's timeout if
    /// that is over.
    pub(crate) fn error(
        &self,
        method: &'static str,
        last: Error,
        took: Duration,
        timeout: Option<Duration>,
    ) -> Error {
        let earlier = self.earlier();
        let attempts = Attempts::new(self.attempts, earlier, self.ran, self.requests);
        match last {
            Error::Config(reason) if !earlier.is_unsent() => Error::Interrupted {
                method,
                reason,
                attempts,
            },
            // Its text would say that nothing was sent.
            Error::InvalidRequest(problem) if !earlier.is_unsent() => Error::Interrupted {
                method,
                reason: problem.problem().to_owned(),
                attempts,
            },
            last => last.after(attempts, took, timeout),
        }
    }
}

#[cfg(test)]
mod tests;
