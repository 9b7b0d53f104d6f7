//! The token that clones share, and the turn to sign the next one.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use super::ApiToken;
use crate::error::Error;

/// The time for which a signer that failed is not asked again while the kept token is valid.
const PAUSE: Duration = Duration::from_secs(1);

/// The token that clones share.
#[derive(Default)]
pub(super) struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// True while a caller signs.
    is_signing: bool,
    /// The end of the pause after a failure.
    retry_at: Option<SystemTime>,
    /// The number of failures, by which a waiting caller recognizes that of its signer.
    failures: u64,
    /// The text of the last failure.
    failure: String,
    waiting: Vec<Waker>,
}

#[derive(Clone)]
pub(super) struct Kept {
    pub(super) token: ApiToken,
    /// The time from which on it is replaced.
    pub(super) half: SystemTime,
}

/// The next step of a caller.
pub(super) enum Next<'a> {
    Kept(ApiToken),
    Sign(Turn<'a>),
}

/// The turn of the one caller that signs. Dropping it lets another caller sign.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    now: SystemTime,
    started: Instant,
    has_signed: bool,
}

impl Shared {
    /// Returns the kept token, or the turn to sign one. Waits for another caller's turn to end if there is no valid token.
    ///
    /// # Errors
    ///
    /// [`Error::Signer`] if that turn failed.
    pub(super) async fn next(&self, now: SystemTime) -> Result<Next<'_>, Error> {
        let mut failures = None;
        poll_fn(|context| self.poll_next(now, &mut failures, context)).await
    }

    /// `failures` is the number of failures when the caller began to wait.
    fn poll_next(
        &self,
        now: SystemTime,
        failures: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<Next<'_>, Error>> {
        let mut state = self.lock();
        if let Some(kept) = state.valid(now) {
            let is_paused = state.retry_at.is_some_and(|time| now < time);
            if now < kept.half || state.is_signing || is_paused {
                return Poll::Ready(Ok(Next::Kept(kept.token.clone())));
            }
        }
        if failures.is_some_and(|failures| failures != state.failures) {
            let problem = format!("it was asked by another call: {}", state.failure);
            return Poll::Ready(Err(Error::Signer(problem.into())));
        }
        if state.is_signing {
            *failures = Some(state.failures);
            let waker = context.waker();
            if !state.waiting.iter().any(|other| other.will_wake(waker)) {
                state.waiting.push(waker.clone());
            }
            return Poll::Pending;
        }
        state.is_signing = true;
        Poll::Ready(Ok(Next::Sign(Turn {
            shared: self,
            now,
            started: Instant::now(),
            has_signed: false,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the kept token if it has not expired.
    fn valid(&self, now: SystemTime) -> Option<&Kept> {
        let kept = self.kept.as_ref();
        kept.filter(|kept| now < kept.token.expires)
    }
}

impl Turn<'_> {
    /// Keeps the token that was signed. After a failure, returns the one that was kept before, if it is still valid.
    pub(super) fn end(mut self, signed: Result<Kept, Error>) -> Result<ApiToken, Error> {
        // It is unlocked before `self` is dropped.
        let mut state = self.shared.lock();
        match signed {
            Ok(kept) => {
                let token = kept.token.clone();
                state.kept = Some(kept);
                self.has_signed = true;
                Ok(token)
            }
            Err(error) => {
                state.failures += 1;
                state.failure = match &error {
                    Error::Signer(source) => source.to_string(),
                    other => other.to_string(),
                };
                let valid = state.valid(self.time()).map(|kept| kept.token.clone());
                valid.ok_or(error)
            }
        }
    }

    /// Returns the time now, by the clock of the caller.
    fn time(&self) -> SystemTime {
        let time = self.now.checked_add(self.started.elapsed());
        time.unwrap_or(self.now)
    }
}

/// A turn whose future was dropped, perhaps since the signer hangs, counts as a failure for the pause.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_signing = false;
        state.retry_at = self.time().checked_add(PAUSE).filter(|_| !self.has_signed);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}
