//! Passes events on to observers, whose panics are caught.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use http::HeaderMap;

use super::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallObserver, CallStart, DropReason, Dropped,
    NodeChange, Observer, Outcome, built_in,
};
use crate::error::Error;
use crate::platform::Instant;

/// The observers of a client.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    all: Arc<[Arc<dyn Observer>]>,
    /// True if some of them are the user's.
    has_own: bool,
}

/// The observers of a call: for each observer of the client, in their order, the one that it returned, if any.
type Watching = Vec<Option<Arc<dyn CallObserver>>>;

/// A call that is observed, or not. Dropped before its end, the call was dropped.
pub(crate) struct ObservedCall(Shared);

/// The part of an observed call that the batch which carries the call needs.
pub(crate) type Shared = Option<Arc<Observed>>;

pub(crate) struct Observed {
    watching: Watching,
    started: Instant,
    attempts: AtomicU32,
    is_coalesced: AtomicBool,
}

/// The time that a call waits for a permit, until this is dropped.
pub(crate) struct Wait<'a>(&'a ObservedCall);

/// An attempt that is observed. Dropped before its end, the attempt was dropped.
pub(crate) struct ObservedAttempt<'a> {
    watching: &'a Watching,
    start: AttemptStart<'a>,
    started: Instant,
    has_ended: bool,
}

impl Observers {
    /// Returns these observers, and those of the features.
    pub(crate) fn new(mut observers: Vec<Arc<dyn Observer>>) -> Self {
        let has_own = !observers.is_empty();
        built_in::add_to(&mut observers);
        Self {
            all: observers.into(),
            has_own,
        }
    }

    /// Returns whether nobody would see an event.
    pub(crate) fn are_idle(&self) -> bool {
        !self.has_own && !built_in::are_wanted()
    }

    /// Starts the observation of a call, which costs nothing without observers.
    pub(crate) fn call<'a>(&self, start: impl FnOnce() -> CallStart<'a>) -> ObservedCall {
        if self.are_idle() {
            return ObservedCall(None);
        }
        let start = start();
        self.watch(|_, observer| observer.call(&start))
    }

    /// Starts the observation of a batch that calls share.
    pub(crate) fn shared_batch<'a>(
        &self,
        server: &str,
        calls: impl ExactSizeIterator<Item = &'a Shared> + Clone,
    ) -> ObservedCall {
        if self.are_idle() && calls.clone().all(Option::is_none) {
            return ObservedCall(None);
        }
        self.watch(|index, observer| {
            let own = |call: &Shared| call.as_ref().and_then(|call| call.watching[index].clone());
            observer.shared_batch(&BatchStart {
                server,
                commands: calls.len(),
                calls: calls.clone().filter_map(own).collect(),
            })
        })
    }

    fn watch(
        &self,
        start: impl Fn(usize, &dyn Observer) -> Option<Arc<dyn CallObserver>>,
    ) -> ObservedCall {
        let observers = self.all.iter().enumerate();
        let watching: Watching = observers
            .map(|(index, observer)| caught(|| start(index, &**observer)).flatten())
            .collect();
        if watching.iter().all(Option::is_none) {
            return ObservedCall(None);
        }
        ObservedCall(Some(Arc::new(Observed {
            watching,
            started: Instant::now(),
            attempts: AtomicU32::new(0),
            is_coalesced: AtomicBool::new(false),
        })))
    }

    /// Tells that a call of the background was dropped.
    pub(crate) fn dropped(&self, channel: &str, reason: DropReason) {
        for observer in &*self.all {
            caught(|| observer.dropped(&Dropped { channel, reason }));
        }
    }

    /// Tells that a node is skipped or called again.
    pub(crate) fn node(&self, node: &str, is_up: bool) {
        for observer in &*self.all {
            caught(|| observer.node(&NodeChange { node, is_up }));
        }
    }
}

impl ObservedCall {
    /// Returns a call that nobody observes.
    pub(crate) fn of_nobody() -> Self {
        Self(None)
    }

    /// Tells that an attempt starts, and lets observers add headers.
    pub(crate) fn attempt<'a>(
        &'a self,
        method: &'static str,
        node: &'a str,
        bytes: usize,
        request_id: Option<&'a str>,
        headers: &mut HeaderMap,
    ) -> Option<ObservedAttempt<'a>> {
        let observed = self.0.as_ref()?;
        let start = AttemptStart {
            method,
            number: observed.attempts.fetch_add(1, Ordering::Relaxed) + 1,
            node,
            bytes,
            request_id,
        };
        for call in observed.watching.iter().flatten() {
            // Observers do not see the headers of others, which may be secret.
            let mut added = HeaderMap::new();
            if caught(|| call.attempt_starts(&start, &mut added)).is_some() {
                headers.extend(added);
            }
        }
        Some(ObservedAttempt {
            watching: &observed.watching,
            start,
            started: Instant::now(),
            has_ended: false,
        })
    }

    /// Tells that the call waits for a permit, until the returned value is dropped.
    pub(crate) fn waits(&self) -> Wait<'_> {
        for call in self.watching() {
            caught(|| call.wait_starts());
        }
        Wait(self)
    }

    /// Returns what the batch needs that carries the call.
    pub(crate) fn share(&self) -> Shared {
        let observed = self.0.as_ref()?;
        observed.attempts.fetch_add(1, Ordering::Relaxed);
        observed.is_coalesced.store(true, Ordering::Relaxed);
        Some(Arc::clone(observed))
    }

    /// Returns whether all observers allow another attempt after an error.
    pub(crate) fn may_retry(&self, error: &Error) -> bool {
        let allows = |call: &Arc<dyn CallObserver>| caught(|| call.may_retry(error)) != Some(false);
        self.watching().all(allows)
    }

    /// Tells that the budget has refused a retry.
    pub(crate) fn retry_refused(&self) {
        for call in self.watching() {
            caught(|| call.retry_refused());
        }
    }

    /// Tells that the call has ended, with the number of commands that failed if it succeeded as a whole.
    pub(crate) fn ends<T>(mut self, outcome: &Result<T, Error>, failed: impl FnOnce(&T) -> usize) {
        if let Some(observed) = self.0.take() {
            let failed = outcome.as_ref().map_or(0, failed);
            observed.ends(outcome.into(), failed);
        }
    }

    fn watching(&self) -> impl Iterator<Item = &Arc<dyn CallObserver>> {
        let observed = self.0.iter();
        observed.flat_map(|observed| observed.watching.iter().flatten())
    }
}

impl Drop for ObservedCall {
    fn drop(&mut self) {
        if let Some(observed) = &self.0 {
            observed.ends(Outcome::Dropped, 0);
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        for call in self.0.watching() {
            caught(|| call.wait_ends());
        }
    }
}

impl Observed {
    fn ends(&self, outcome: Outcome<'_>, failed: usize) {
        let end = CallEnd {
            outcome,
            duration: self.started.elapsed(),
            attempts: self.attempts.load(Ordering::Relaxed),
            failed,
            is_coalesced: self.is_coalesced.load(Ordering::Relaxed),
        };
        for call in self.watching.iter().flatten() {
            caught(|| call.ends(&end));
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        for call in self.watching.drain(..) {
            caught(|| drop(call));
        }
    }
}

impl ObservedAttempt<'_> {
    /// Tells that the attempt has ended, with the size of the reply, and the address that the request was sent to.
    pub(crate) fn ends<T>(
        mut self,
        outcome: &Result<T, Error>,
        bytes: Option<usize>,
        peer: Option<SocketAddr>,
    ) {
        self.has_ended = true;
        self.tell(outcome.into(), bytes, peer);
    }

    fn tell(&self, outcome: Outcome<'_>, bytes: Option<usize>, peer: Option<SocketAddr>) {
        let end = AttemptEnd {
            outcome,
            duration: self.started.elapsed(),
            bytes,
            peer,
        };
        for call in self.watching.iter().flatten() {
            caught(|| call.attempt_ends(&self.start, &end));
        }
    }
}

impl Drop for ObservedAttempt<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.tell(Outcome::Dropped, None, None);
        }
    }
}

/// Calls an observer. A panic in it is its own.
fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
