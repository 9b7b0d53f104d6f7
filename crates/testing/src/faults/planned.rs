//! The planned faults, and the calls that they are taken for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use centrifugo_api::{ApiError, Error};

use crate::faults::{Fault, FaultKind, WireFault};
use crate::recorder::Endpoint;
use crate::served::ServedMethod;

/// The planned faults, in the order in which they were planned.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Planned>>);

struct Planned {
    fault: Fault,
    /// The number of calls that will still fail; `None` for all.
    left: Option<usize>,
    used: bool,
}

impl Faults {
    /// Plans a fault for that many calls, or for all.
    pub(crate) fn plan(&self, calls: Option<usize>, fault: Fault) -> Result<(), Error> {
        fault.check()?;
        if calls == Some(0) {
            return Err(Error::Config(
                "fault: it is planned for no call: use a number above 0".into(),
            ));
        }
        self.lock().push(Planned {
            fault,
            left: calls,
            used: false,
        });
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Returns the faults that have happened less often than planned, or not at all.
    pub(crate) fn unused(&self) -> Vec<Fault> {
        self.lock()
            .iter()
            .filter(|planned| planned.is_unused())
            .map(|planned| planned.fault.clone())
            .collect()
    }

    /// Takes the error that is planned for a call. Ignores errors for a single channel of a
    /// broadcast: see [`api_error_of_channel`](Self::api_error_of_channel).
    pub(crate) fn api_error<M: ServedMethod>(&self, request: &M) -> Option<ApiError> {
        if !M::HAS_ERROR {
            return None;
        }
        let mut planned = self.lock();
        if planned.is_empty() {
            return None;
        }
        let channels = if M::NAME == "broadcast" {
            Vec::new()
        } else {
            request.channels()
        };
        take_first(&mut planned, |fault| match &fault.kind {
            FaultKind::Api(error) if fault.applies_to(M::NAME, &channels) => Some(error.clone()),
            _ => None,
        })
    }

    /// Takes the error that is planned for a single channel of a call.
    pub(crate) fn api_error_of_channel(&self, method: &str, channel: &str) -> Option<ApiError> {
        take_first(&mut self.lock(), |fault| match &fault.kind {
            FaultKind::Api(error)
                if fault.channel.is_some() && fault.applies_to(method, &[channel]) =>
            {
                Some(error.clone())
            }
            _ => None,
        })
    }

    /// Takes the failure of HTTP or gRPC that is planned for a call. Only asks for the channels of
    /// the call if any fault is planned.
    pub(crate) fn wire_fault(
        &self,
        method: &str,
        endpoint: Endpoint,
        channels: impl FnOnce() -> Vec<String>,
    ) -> Option<WireFault> {
        let mut planned = self.lock();
        if planned.is_empty() {
            return None;
        }
        let owned_channels = channels();
        let channels: Vec<&str> = owned_channels.iter().map(String::as_str).collect();
        take_first(&mut planned, |fault| match &fault.kind {
            FaultKind::Wire(wire_fault)
                if wire_fault.applies_to(endpoint) && fault.applies_to(method, &channels) =>
            {
                Some(wire_fault.clone())
            }
            _ => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Planned {
    fn is_unused(&self) -> bool {
        match self.left {
            Some(left) => left > 0,
            None => !self.used,
        }
    }
}

/// Counts down the first fault that `pick` accepts and that is not used up. Returns what `pick`
/// returned for it.
fn take_first<T>(planned: &mut [Planned], pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
    for candidate in planned {
        if candidate.left == Some(0) {
            continue;
        }
        if let Some(picked) = pick(&candidate.fault) {
            candidate.left = candidate.left.map(|left| left - 1);
            candidate.used = true;
            return Some(picked);
        }
    }
    None
}
