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

    /// Enters, unless there is no place yet.
    pub(crate) fn try_enter(&self, method: &'static str) -> Option<Result<Pass<'_>, Error>> {
        let mut pass = self.count_in();
        if self.closed.load(Ordering::SeqCst) {
            return Some(Err(Error::Closed { method }));
        }
        if let Some(places) = &self.places {
            pass.place = Some(places.try_acquire().ok()?);
        }
        Some(Ok(pass))
    }

    /// Waits for a place.
    pub(crate) async fn enter(&self, method: &'static str) -> Result<Pass<'_>, Error> {
        let mut pass = self.count_in();
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::Closed { method });
        }
        if let Some(places) = &self.places {
            pass.place = Some(
                places
                    .acquire()
                    .await
                    .map_err(|_| Error::Closed { method })?,
            );
        }
        Ok(pass)
    }

    fn count_in(&self) -> Pass<'_> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Pass {
            place: None,
            gate: self,
        }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::task::{Context, Waker};
    use std::thread;

    use super::Gate;

    const THREADS: usize = 4;
    const CALLS: usize = 5;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn no_more_calls_are_in_than_there_are_places() {
        let (gate, inside) = (Gate::new(Some(2)), AtomicUsize::new(0));
        let call = async || {
            let _pass = gate.enter("publish").await.unwrap();
            assert!(inside.fetch_add(1, SeqCst) < 2);
            tokio::task::yield_now().await;
            inside.fetch_sub(1, SeqCst);
        };
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    block_on(async {
                        for _ in 0..CALLS {
                            call().await;
                        }
                    })
                });
            }
        });
        assert_eq!(gate.calls.load(SeqCst), 0);
    }

    #[test]
    fn once_it_is_closed_no_call_is_in() {
        for places in [None, Some(2)] {
            let (gate, closed, entered) = (
                Gate::new(places),
                AtomicBool::new(false),
                AtomicUsize::new(0),
            );
            let call_until_closed = async || {
                while let Ok(_pass) = gate.enter("publish").await {
                    entered.fetch_add(1, SeqCst);
                    tokio::task::yield_now().await;
                    assert!(!closed.load(SeqCst), "a call is in");
                }
            };
            let close = async || {
                while entered.load(SeqCst) < THREADS {
                    thread::yield_now();
                }
                gate.close().await;
                closed.store(true, SeqCst);
            };
            thread::scope(|scope| {
                (0..THREADS).for_each(|_| drop(scope.spawn(|| block_on(call_until_closed()))));
                // Whoever closes it, and however often.
                (0..2).for_each(|_| drop(scope.spawn(|| block_on(close()))));
            });
            assert!(block_on(gate.enter("publish")).is_err());
        }
    }

    #[test]
    fn calls_that_are_given_up_are_counted_out() {
        let gate = Gate::new(Some(1));
        let give_up = || {
            let mut entering = Box::pin(gate.enter("publish"));
            let _ = entering
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
        };
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..CALLS).for_each(|_| give_up()));
            }
            scope.spawn(|| block_on(gate.close()));
        });
        assert_eq!(gate.calls.load(SeqCst), 0);
    }

    #[test]
    fn a_call_that_finds_no_place_is_not_in() {
        let gate = Gate::new(Some(1));
        let first = gate.try_enter("publish").unwrap().unwrap();
        assert!(gate.try_enter("publish").is_none());
        assert_eq!(gate.calls.load(SeqCst), 1);
        drop(first);
        drop(gate.try_enter("publish").unwrap().unwrap());
        block_on(gate.close());
        assert!(gate.try_enter("publish").unwrap().is_err());
        assert_eq!(gate.calls.load(SeqCst), 0);
    }
}
