//! What the attempts and the requests of a call did so far: the fold behind [`Error::effect`].

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
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::{ApiError, InvalidRequest, Status};
    use crate::fuzz::chance::Chance;

    const METHOD: &str = "broadcast";

    /// Returns the error of an attempt.
    fn error(chance: &mut Chance) -> Error {
        let attempts = Attempts::default();
        let effect = match chance.below(2) {
            0 => Effect::Unsent,
            _ => Effect::MayHaveRun,
        };
        match chance.below(9) {
            0 => Error::Config("a key".to_owned()),
            1 => Error::InvalidRequest(InvalidRequest::from("a name").of(METHOD)),
            2 => Error::Unauthorized {
                method: METHOD,
                status: Status::Http(401),
                attempts,
            },
            3 => Error::Closed {
                method: METHOD,
                attempts,
            },
            4 => Error::Transport {
                method: METHOD,
                status: Status::Http(503),
                body: String::new(),
                retry_after: None,
                attempts,
            },
            5 => Error::Decode {
                method: Some(METHOD),
                message: String::new(),
                source: None,
                attempts,
            },
            6 => Error::Api(ApiError::new(100, "internal server error")),
            7 => Error::Timeout {
                method: METHOD,
                effect,
                after: Duration::ZERO,
                attempts,
            },
            _ => Error::Network {
                method: METHOD,
                url: "http://localhost".into(),
                effect,
                elapsed: Duration::ZERO,
                reason: "",
                hint: "",
                source: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("refused")),
                attempts,
            },
        }
    }

    /// Whatever the outcomes of the attempts of all requests: "nothing was sent" is said if and only if it is true.
    #[test]
    fn call_is_unsent_only_if_no_attempt_of_any_request_may_have_run() {
        let mut chance = Chance::new(21);
        for _ in 0..10_000 {
            let requests = 1 + chance.below(4);
            let mut progress = Progress::new(requests);
            let mut effects = Vec::new();
            let ran = chance.below(requests);
            let mut last = error(&mut chance);
            for request in 0..=ran {
                for _ in 0..chance.below(3) {
                    progress.count();
                    progress.failed(last.effect());
                    effects.push(last.effect());
                    last = error(&mut chance);
                }
                progress.count();
                if request < ran {
                    progress.next_request();
                    effects.push(Effect::Ran);
                }
            }
            effects.push(last.effect());
            let failed = progress.error(METHOD, last, Duration::ZERO, None);
            let expected = effects.into_iter().fold(Effect::Unsent, Effect::and);
            let text = failed.to_string();
            assert_eq!(failed.effect(), expected, "{text}");
            assert_eq!(failed.is_unsent(), expected.is_unsent(), "{text}");
            assert!(
                expected.is_unsent() || !text.contains("nothing was sent"),
                "{text}"
            );
            let tells_requests = text.contains(&format!("{ran} of {requests} requests had run"));
            assert_eq!(tells_requests, ran > 0, "{text}");
        }
    }
}
