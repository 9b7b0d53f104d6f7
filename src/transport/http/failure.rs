//! The errors of requests whose connection failed.

use std::net::SocketAddr;

use super::connections::Clients;
use super::{Http, Sending};
use crate::error::{Attempts, Error, cause};
use crate::transport::diagnosis;

impl Http {
    /// Returns the server as errors show it, with the addresses that were dialled.
    fn shown_with(&self, addresses: &[SocketAddr]) -> Box<str> {
        if addresses.is_empty() || self.proxy.is_some() {
            return self.shown.clone();
        }
        let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        format!("{} at {}", self.shown, addresses.join(", ")).into()
    }

    /// Returns the error of a call whose connection failed.
    pub(super) fn network_error(&self, sending: &Sending<'_>, error: reqwest::Error) -> Error {
        let Sending { method, state, .. } = *sending;
        let elapsed = sending.started.elapsed();
        let attempts = Attempts::default();
        let effect = state.abandon();
        if error.is_timeout() {
            return Error::Timeout {
                method,
                effect,
                after: elapsed,
                proxy: None,
                attempts,
            };
        }
        let dials = matches!(self.clients, Clients::PerRuntime(_));
        let was_used = dials && !state.dials().have_begun();
        let by_time = diagnosis::hint_by_time(state, was_used, elapsed);
        let hint = by_time.unwrap_or_else(|| self.diagnosis.hint(error.is_connect(), &error));
        Error::Network {
            method,
            url: self.shown_with(&state.dials().addresses()),
            effect,
            elapsed,
            reason: diagnosis::reason(&error),
            hint,
            source: cause(error.without_url()),
            attempts,
        }
    }
}
