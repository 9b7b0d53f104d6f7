//! The dials of a request: the connections that were begun for it, and when another one is due.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::platform::Instant;

/// The time after which the next address is dialled beside the one that has not replied.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// The same if every address was dialled: a packet may have been lost.
const SAME_ADDRESS: Duration = Duration::from_secs(1);

/// The dials of a request.
#[derive(Debug, Default)]
pub(crate) struct Dials(Mutex<Begun>);

#[derive(Debug, Default)]
struct Begun {
    /// The start of the last dial; a lookup of the host's name does not count.
    last: Option<Instant>,
    /// The addresses that were dialled, if the host has a name.
    addresses: Vec<SocketAddr>,
    /// True if the host has an address that was not dialled.
    has_more: bool,
    /// Woken when a dial begins.
    waker: Option<Waker>,
}

impl Dials {
    /// Records that a dial begins.
    pub(crate) fn begin(&self) {
        let mut begun = self.begun();
        begun.last = Some(Instant::now());
        if let Some(waker) = begun.waker.take() {
            waker.wake();
        }
    }

    /// Returns the address for a dial that has begun: the first that was not dialled yet, or else the one that was
    /// dialled first.
    pub(crate) fn pick(&self, addresses: &[SocketAddr]) -> Option<SocketAddr> {
        let mut begun = self.begun();
        let (known, untried): (Vec<_>, Vec<_>) = addresses
            .iter()
            .partition(|address| begun.addresses.contains(address));
        let first_known = begun
            .addresses
            .iter()
            .find(|address| known.contains(address));
        let picked = untried.first().or(first_known.as_ref()).copied().copied();
        begun.has_more = untried.len() > 1;
        begun.addresses.extend(untried.first().copied());
        drop(begun);
        self.begin();
        picked
    }

    /// Returns whether a dial was begun. Otherwise the request has used a connection that was there before.
    pub(crate) fn have_begun(&self) -> bool {
        self.begun().last.is_some()
    }

    /// Returns whether the host has an address that was not dialled.
    pub(crate) fn has_more_addresses(&self) -> bool {
        self.begun().has_more
    }

    /// Returns the addresses that were dialled, for errors.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.begun().addresses.clone()
    }

    /// Returns when the next dial is due. The waker is woken if that changes.
    pub(crate) fn next_due(&self, waker: &Waker) -> Option<Instant> {
        let mut begun = self.begun();
        begun.waker = Some(waker.clone());
        let wait = if begun.has_more {
            NEXT_ADDRESS
        } else {
            SAME_ADDRESS
        };
        begun.last.map(|last| last + wait)
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 8000).into()
    }

    #[test]
    fn each_address_is_dialled_once_before_any_is_dialled_again() {
        let dials = Dials::default();
        let addresses = [1, 2].map(address);
        assert!(!dials.have_begun());
        assert_eq!(dials.pick(&addresses), Some(address(1)));
        assert!(dials.have_begun() && dials.has_more_addresses());
        assert_eq!(dials.pick(&addresses), Some(address(2)));
        assert!(!dials.has_more_addresses());
        assert_eq!(dials.pick(&addresses), Some(address(1)));
        // The name has moved.
        assert_eq!(dials.pick(&[address(3)]), Some(address(3)));
        assert_eq!(dials.pick(&[address(3)]), Some(address(3)));
    }

    #[test]
    fn next_dial_is_due_sooner_if_there_is_another_address() {
        let dials = Dials::default();
        assert_eq!(dials.next_due(Waker::noop()), None);
        for (addresses, wait) in [(2, NEXT_ADDRESS), (1, SAME_ADDRESS)] {
            let before = Instant::now();
            let known: Vec<_> = (0..addresses).map(address).collect();
            let dials = Dials::default();
            dials.pick(&known);
            let due = dials.next_due(Waker::noop()).unwrap();
            assert!(before + wait <= due && due <= Instant::now() + wait);
        }
    }
}
