//! Limits the calls in flight, and drains them on close.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::error::{Attempts, Error};

/// The calls in flight of a client and its clones.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// The permits that are free, if the number of calls is bounded.
    permits: Option<Semaphore>,
    /// The number of calls that have a permit or wait for one.
    calls: AtomicUsize,
    /// True if only calls that have waited in a queue are still accepted.
    drains: AtomicBool,
    closed: AtomicBool,
    /// Notified when the client is closed, and when a call of a closed client ends.
    ended: Notify,
}

/// The permission to make a call, which is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    /// The permit of the semaphore, if calls are bounded. It is returned before the call is no longer counted.
    permit: Option<SemaphorePermit<'a>>,
    in_flight: &'a InFlight,
}

impl InFlight {
    pub(crate) fn new(max: Option<usize>) -> Self {
        Self {
            permits: max.map(|permits| Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            calls: AtomicUsize::new(0),
            drains: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            ended: Notify::new(),
        }
    }

    /// Returns a permit, or `None` if none is free: the fast path, without a future. `is_queued` if the call has waited in
    /// a queue, which is emptied when the client closes.
    pub(crate) fn try_acquire(
        &self,
        method: &'static str,
        is_queued: bool,
    ) -> Option<Result<Permit<'_>, Error>> {
        let mut permit = self.count();
        if self.refuses(is_queued) {
            return Some(Err(closed(method)));
        }
        if let Some(permits) = &self.permits {
            permit.permit = Some(permits.try_acquire().ok()?);
        }
        Some(Ok(permit))
    }

    /// Waits for a permit.
    pub(crate) async fn acquire(
        &self,
        method: &'static str,
        is_queued: bool,
    ) -> Result<Permit<'_>, Error> {
        let mut permit = self.count();
        if self.refuses(is_queued) {
            return Err(closed(method));
        }
        if let Some(permits) = &self.permits {
            let acquired = permits.acquire().await;
            permit.permit = Some(acquired.map_err(|_| closed(method))?);
        }
        Ok(permit)
    }

    /// Counts a call, before it is known whether it may be made: [`close`](Self::close) then waits for it.
    fn count(&self) -> Permit<'_> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Permit {
            permit: None,
            in_flight: self,
        }
    }

    /// Returns whether a new call is refused.
    fn refuses(&self, is_queued: bool) -> bool {
        let drains = self.drains.load(Ordering::SeqCst);
        (drains && !is_queued) || self.closed.load(Ordering::SeqCst)
    }

    /// Refuses new calls, except for those that have waited in a queue.
    pub(crate) fn drain(&self) {
        self.drains.store(true, Ordering::SeqCst);
    }

    /// Refuses new calls, and waits until the others have ended, those that wait for a permit included.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.ended.notify_waiters();
        loop {
            // Registered before the count is read, so that no end of a call is missed.
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.calls.load(Ordering::SeqCst) == 0 {
                return;
            }
            ended.await;
        }
    }
}

impl InFlight {
    /// Returns the output of a future, or `None` if the client is closed first.
    pub(crate) async fn unless_closed<F: Future>(&self, future: F) -> Option<F::Output> {
        let closing = self.closing();
        tokio::pin!(future, closing);
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => closing.as_mut().poll(context).map(|()| None),
        })
        .await
    }

    /// Waits until the client is closed.
    async fn closing(&self) {
        let closed = self.ended.notified();
        tokio::pin!(closed);
        closed.as_mut().enable();
        if !self.closed.load(Ordering::SeqCst) {
            closed.await;
        }
    }
}

/// Returns the error of a call that a closed client refuses.
fn closed(method: &'static str) -> Error {
    Error::Closed {
        method,
        attempts: Attempts::default(),
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.permit = None;
        self.in_flight.calls.fetch_sub(1, Ordering::SeqCst);
        if self.in_flight.closed.load(Ordering::SeqCst) {
            self.in_flight.ended.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::task::{Context, Waker};
    use std::thread;

    use super::InFlight;

    const THREADS: usize = 4;
    const CALLS: usize = 5;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn no_more_calls_are_in_flight_than_permits() {
        let in_flight = InFlight::new(Some(2));
        let inside = AtomicUsize::new(0);
        let call = async || {
            let _permit = in_flight.acquire("publish", false).await.unwrap();
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
        assert_eq!(in_flight.calls.load(SeqCst), 0);
    }

    #[test]
    fn no_call_is_in_flight_once_closed() {
        for permits in [None, Some(2)] {
            let in_flight = InFlight::new(permits);
            let closed = AtomicBool::new(false);
            let entered = AtomicUsize::new(0);
            let call_until_closed = async || {
                while let Ok(_permit) = in_flight.acquire("publish", false).await {
                    entered.fetch_add(1, SeqCst);
                    tokio::task::yield_now().await;
                    assert!(!closed.load(SeqCst), "a call is in flight");
                }
            };
            let close = async || {
                while entered.load(SeqCst) < THREADS {
                    thread::yield_now();
                }
                in_flight.close().await;
                closed.store(true, SeqCst);
            };
            thread::scope(|scope| {
                (0..THREADS).for_each(|_| drop(scope.spawn(|| block_on(call_until_closed()))));
                // Any thread may close it, and several times.
                (0..2).for_each(|_| drop(scope.spawn(|| block_on(close()))));
            });
            assert!(block_on(in_flight.acquire("publish", false)).is_err());
        }
    }

    #[test]
    fn dropped_calls_are_not_counted() {
        let in_flight = InFlight::new(Some(1));
        let drop_a_waiting_call = || {
            let mut entering = Box::pin(in_flight.acquire("publish", false));
            let _ = entering
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
        };
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..CALLS).for_each(|_| drop_a_waiting_call()));
            }
            scope.spawn(|| block_on(in_flight.close()));
        });
        assert_eq!(in_flight.calls.load(SeqCst), 0);
    }

    #[test]
    fn call_without_permit_is_not_counted() {
        let in_flight = InFlight::new(Some(1));
        let first = in_flight.try_acquire("publish", false).unwrap().unwrap();
        assert!(in_flight.try_acquire("publish", false).is_none());
        assert_eq!(in_flight.calls.load(SeqCst), 1);
        drop(first);
        drop(in_flight.try_acquire("publish", false).unwrap().unwrap());
        block_on(in_flight.close());
        assert!(in_flight.try_acquire("publish", false).unwrap().is_err());
        assert_eq!(in_flight.calls.load(SeqCst), 0);
    }
}
