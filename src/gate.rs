//! What lets calls in: how many at once, and none when the client is closed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::Error;

#[derive(Debug)]
pub(crate) struct Gate {
    /// Places for calls, where their number is bounded.
    places: Option<Semaphore>,
    /// Calls that are in, or wait for a place.
    calls: AtomicUsize,
    closed: AtomicBool,
    /// Told when a call leaves a closed client.
    left: Notify,
}

/// A call that is in.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    // Given back before the call is counted out.
    place: Option<SemaphorePermit<'a>>,
    gate: &'a Gate,
}

impl Gate {
    pub(crate) fn new(max_in_flight: Option<usize>) -> Self {
        Self {
            places: max_in_flight.map(|places| Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            calls: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            left: Notify::new(),
        }
    }

    /// Waits for a place.
    pub(crate) async fn enter(&self, method: &'static str) -> Result<Pass<'_>, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut pass = Pass { place: None, gate: self };
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::Closed { method });
        }
        if let Some(places) = &self.places {
            pass.place = Some(places.acquire().await.map_err(|_| Error::Closed { method })?);
        }
        Ok(pass)
    }

    /// Lets no more calls in, nor those that wait for a place, and waits until the others are through.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(places) = &self.places {
            places.close();
        }
        loop {
            // Registered before it looks, so that no leaving is missed.
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.calls.load(Ordering::SeqCst) == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.place = None;
        self.gate.calls.fetch_sub(1, Ordering::SeqCst);
        if self.gate.closed.load(Ordering::SeqCst) {
            self.gate.left.notify_waiters();
        }
    }
}
