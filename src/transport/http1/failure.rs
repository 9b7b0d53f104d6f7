//! The errors of calls whose connection failed.

use std::net::SocketAddr;

use super::Http1;
use crate::error::{Attempts, Cause, Effect, Error, cause};
use crate::transport::diagnosis;
use crate::transport::dial::DialError;
use crate::transport::service::Attempt;

impl Http1 {
    /// Returns the error of a call for which no connection could be made.
    pub(super) fn not_connected(&self, attempt: &Attempt, error: DialError) -> Error {
        if error.is_timeout() {
            return Error::Timeout {
                method: attempt.method,
                effect: Effect::Unsent,
                after: attempt.started.elapsed(),
                proxy: None,
                attempts: Attempts::default(),
            };
        }
        let url = self.shown_at(&error.addresses());
        let reason = error.reason();
        let hint = self.diagnosis.hint(true, &error);
        let error = cause(error);
        let reason = reason.unwrap_or_else(|| diagnosis::reason(&*error));
        network(attempt, url, Effect::Unsent, reason, hint, error)
    }

    /// Returns the error of a call whose connection ended. `is_used` says whether calls before it have used the
    /// connection.
    pub(super) fn lost(
        &self,
        attempt: &Attempt,
        address: Option<SocketAddr>,
        is_used: bool,
        error: hyper::Error,
    ) -> Error {
        let by_time = diagnosis::hint_by_time(&attempt.state, is_used, attempt.started.elapsed());
        let effect = attempt.state.abandon();
        let hint = by_time.unwrap_or_else(|| self.diagnosis.hint(false, &error));
        let url = self.shown_at(address.as_slice());
        let reason = diagnosis::reason(&error);
        network(attempt, url, effect, reason, hint, cause(error))
    }

    /// Returns the server as errors show it, with the addresses of its host.
    fn shown_at(&self, addresses: &[SocketAddr]) -> Box<str> {
        if !self.has_name || addresses.is_empty() {
            return self.shown.clone();
        }
        let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
        format!("{} at {}", self.shown, addresses.join(", ")).into()
    }
}

/// Returns the error of a call whose connection failed.
fn network(
    attempt: &Attempt,
    url: Box<str>,
    effect: Effect,
    reason: &'static str,
    hint: &'static str,
    source: Cause,
) -> Error {
    Error::Network {
        method: attempt.method,
        url,
        effect,
        elapsed: attempt.started.elapsed(),
        reason,
        hint,
        source,
        attempts: Attempts::default(),
    }
}
