//! The errors of calls whose service failed.

use std::error::Error as StdError;

use super::super::diagnosis::{self, BoxError, Diagnosis};
use super::super::{Route, SendState};
use crate::error::{Attempts, Effect, Error, NOT_TAKEN, SERVICE_FAILED, cause};
use crate::platform::Instant;

/// The facts about a call that its error tells.
pub(crate) struct Facts<'a> {
    pub(crate) route: &'a Route<'a>,
    /// The server as errors show it.
    pub(crate) shown: &'a str,
    pub(crate) diagnosis: &'a Diagnosis,
    pub(crate) started: Instant,
}

impl Facts<'_> {
    /// Returns the error of a call whose service failed.
    pub(crate) fn error(&self, error: BoxError, state: &SendState) -> Error {
        let error = match own_error(error, self.route, state) {
            Ok(own) => return own,
            Err(error) => error,
        };
        let effect = state.abandon();
        let mut reason = diagnosis::reason(&*error);
        let mut hint = self.diagnosis.hint(false, &*error);
        let mut url = self.shown.into();
        if let Some(within) = find(&*error) {
            match within {
                Error::Timeout { .. } => return self.timeout(effect),
                Error::Network {
                    url: shown,
                    reason: known,
                    hint: given,
                    ..
                } => {
                    url = shown.clone();
                    reason = known;
                    hint = given;
                }
                _ => {}
            }
        }
        // A layer that sends a request twice may be told so of one of the two.
        let is_wrong = reason == NOT_TAKEN && !effect.is_unsent();
        if reason.is_empty() || is_wrong {
            reason = SERVICE_FAILED;
        }
        Error::Network {
            method: self.route.method,
            url,
            effect,
            elapsed: self.started.elapsed(),
            reason,
            hint,
            source: cause(error),
            attempts: Attempts::default(),
        }
    }

    fn timeout(&self, effect: Effect) -> Error {
        Error::Timeout {
            method: self.route.method,
            effect,
            after: self.started.elapsed(),
            proxy: None,
            attempts: Attempts::default(),
        }
    }
}

/// Returns the error of a call whose service has returned an error of this crate, with the effect that the body tells.
fn own_error(error: BoxError, route: &Route<'_>, state: &SendState) -> Result<Error, BoxError> {
    let mut own = error.downcast::<Error>()?.of_call(route.method);
    if let Error::Network { effect, .. } | Error::Timeout { effect, .. } = &mut own {
        *effect = state.abandon();
    }
    Ok(own)
}

/// Returns the error of this crate that an error was caused by.
fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(own) = error.downcast_ref() {
            return Some(own);
        }
        cause = error.source();
    }
    None
}
