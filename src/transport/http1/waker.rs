//! The waker of a connection, which wakes the call that uses it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// Nobody polls: to wake is to wake the call.
const IDLE: u8 = 0;
/// The call polls, and sees for itself what it brings forward.
const POLLED: u8 = 1;
/// The call polls, and was woken meanwhile.
const WOKEN: u8 = 2;

/// The waker of a connection. While the call polls the connection, it only notes that the call was woken: hyper wakes the
/// connection for what the call itself has done, and the runtime would wake another thread for that.
pub(super) struct CallWaker {
    waker: Waker,
    shared: Arc<Shared>,
}

struct Shared {
    state: AtomicU8,
    call: Mutex<Waker>,
}

impl CallWaker {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU8::new(IDLE),
            call: Mutex::new(Waker::noop().clone()),
        });
        Self {
            waker: Arc::clone(&shared).into(),
            shared,
        }
    }

    /// Begins to poll for a call.
    pub(super) fn begin(&self, call: &Waker) {
        let mut kept = self.shared.call();
        if !kept.will_wake(call) {
            kept.clone_from(call);
        }
        drop(kept);
        self.forget();
    }

    /// Forgets that the call was woken: what follows sees all that happened before.
    pub(super) fn forget(&self) {
        self.shared.state.store(POLLED, Ordering::SeqCst);
    }

    /// Returns whether the call was woken meanwhile.
    pub(super) fn is_woken(&self) -> bool {
        self.shared.state.load(Ordering::SeqCst) == WOKEN
    }

    /// Ends polling. A call that has to wait is woken if it was woken meanwhile; another one is not kept.
    pub(super) fn end(&self, must_wait: bool) {
        let is_woken = self.shared.state.swap(IDLE, Ordering::SeqCst) == WOKEN;
        if !must_wait {
            *self.shared.call() = Waker::noop().clone();
        } else if is_woken {
            self.shared.wake_call();
        }
    }

    /// Returns the context with which the connection is polled.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}

impl Shared {
    fn call(&self) -> MutexGuard<'_, Waker> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_call(&self) {
        // Not under the lock: a waker is any code.
        let call = self.call().clone();
        call.wake();
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let note = |state| (state != IDLE).then_some(WOKEN);
        let noted = self
            .state
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, note);
        if noted.is_err() {
            self.wake_call();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Returns a waker of a call, and what counts its wakes.
    fn call() -> (Waker, Arc<Count>) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count).into(), count)
    }

    #[test]
    fn call_is_woken_at_once_unless_it_polls() {
        let waker = CallWaker::new();
        let (call, count) = call();
        waker.begin(&call);
        waker.end(true);
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        waker.context().waker().wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn call_that_was_woken_while_it_polled_is_woken_at_the_end() {
        let waker = CallWaker::new();
        let (call, count) = call();
        waker.begin(&call);
        waker.context().waker().wake_by_ref();
        assert!(waker.is_woken());
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        waker.end(true);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn call_that_has_ended_is_neither_woken_nor_kept() {
        let waker = CallWaker::new();
        let (call, count) = call();
        waker.begin(&call);
        waker.context().waker().wake_by_ref();
        waker.end(false);
        waker.context().waker().wake_by_ref();
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        drop(call);
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
