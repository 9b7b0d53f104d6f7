//! The errors of requests whose connection failed.

use std::net::SocketAddr;
use std::time::Duration;

use super::connections::Clients;
use super::{Http, Sending};
use crate::error::{Attempts, Error, cause};
use crate::transport::SendState;
use crate::transport::diagnosis;

/// Centrifugo 6.5 and later cut the connection of a call that takes longer.
const SERVER_CUTS_AFTER: Duration = Duration::from_secs(10);

/// A connection that was used before and is lost this soon after a request was probably closed while it was idle.
const CLOSED_EARLY: Duration = Duration::from_secs(1);
const CLOSED_WHILE_IDLE: &str = "the connection had been used before: if this happens after pauses, the server or a proxy \
                                 closes idle connections earlier than the client: set idle_timeout below its keep-alive";

impl Http {
    /// Returns the server as errors show it, with the addresses that were dialled.
    fn shown_with(&self, addresses: &[SocketAddr]) -> Box<str> {
        if addresses.is_empty() || self.proxy.is_some() {
            return self.shown.clone();
        }
        let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        format!("{} at {}", self.shown, addresses.join(", ")).into()
    }

    /// Returns whether a connection was lost that was there before the call, and soon after it was used.
    fn was_closed_while_idle(&self, state: &SendState) -> bool {
        let is_early = state
            .time_since_sent()
            .is_some_and(|time| time < CLOSED_EARLY);
        let dials = matches!(self.clients, Clients::PerRuntime(_));
        is_early && dials && !state.dials().have_begun()
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
        let hint = if !effect.is_unsent() && elapsed >= SERVER_CUTS_AFTER {
            "Centrifugo 6.5 and later cut replies that take longer than 10 s over HTTP"
        } else if self.was_closed_while_idle(state) {
            CLOSED_WHILE_IDLE
        } else {
            self.diagnosis.hint(error.is_connect(), &error)
        };
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
