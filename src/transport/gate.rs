//! The gate of a request that several calls share: each of them may close it while nothing was sent.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::error::Effect;

/// The gate that a shared request passes when it is sent, in whichever of its attempts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// `OPEN`, `PASSED` or `CLOSED`.
    stage: AtomicU8,
    /// The event that a call has closed the gate.
    closed: Notify,
    /// The id that the request is sent with, if it has one.
    request_id: OnceLock<Box<str>>,
}

const OPEN: u8 = 0;
const PASSED: u8 = 1;
const CLOSED: u8 = 2;

impl Gate {
    /// Closes the gate unless the request has passed, and returns the effect of the request: once closed, it is never
    /// sent.
    pub(crate) fn close(&self) -> Effect {
        match self.replace(OPEN, CLOSED) {
            OPEN => {
                self.0.closed.notify_one();
                Effect::Unsent
            }
            CLOSED => Effect::Unsent,
            _ => Effect::MayHaveRun,
        }
    }

    /// Waits until the gate is closed. Only one task may wait, and only once.
    pub(crate) async fn closed(&self) {
        self.0.closed.notified().await;
    }

    /// Returns whether a call has closed the gate.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) == CLOSED
    }

    /// Returns whether this is the same gate as another one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Keeps the id that the request is sent with.
    pub(crate) fn identify(&self, request_id: Option<&str>) {
        if let Some(id) = request_id {
            let _ = self.0.request_id.set(id.into());
        }
    }

    /// Returns the id that the request is sent with.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.0.request_id.get().map(|id| &**id)
    }

    /// Lets the request pass, and returns whether it may be sent.
    pub(super) fn pass(&self) -> bool {
        self.replace(OPEN, PASSED) != CLOSED
    }

    /// Takes the request back: the server has certainly not processed it.
    #[cfg_attr(not(any(feature = "grpc", feature = "http")), allow(dead_code))]
    pub(super) fn take_back(&self) {
        self.replace(PASSED, OPEN);
    }

    /// Sets the stage if it is `current`, and returns the previous one.
    fn replace(&self, current: u8, new: u8) -> u8 {
        let stage = &self.0.stage;
        let replaced = stage.compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire);
        replaced.unwrap_or_else(|stage| stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_that_has_passed_cannot_be_stopped() {
        let gate = Gate::default();
        assert!(gate.pass() && gate.pass());
        assert_eq!(gate.close(), Effect::MayHaveRun);
        assert!(!gate.is_closed());
        gate.take_back();
        assert_eq!(gate.close(), Effect::Unsent);
        assert!(!gate.pass());
    }

    #[test]
    fn closed_gate_stays_closed() {
        let gate = Gate::default();
        assert_eq!(gate.close(), Effect::Unsent);
        assert_eq!(gate.close(), Effect::Unsent);
        gate.take_back();
        assert!(!gate.pass() && gate.is_closed());
    }
}
