//! The retry budget of a client.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::platform::Instant;

/// The default of the maximal number of retries in store.
pub(crate) const DEFAULT_BUDGET: u32 = 20;

/// The cost of a retry, in successful calls.
const COST: u32 = 10;

/// The time after a failure within which others count as caused by the same event.
const EVENT: Duration = Duration::from_secs(1);

/// The retries that a client still has in store. They are limited, so that a server that is down is not flooded.
#[derive(Debug)]
pub(crate) struct Budget {
    /// The limit of what is in store, in the same unit.
    capacity: u32,
    /// The retries in store. The unit is a successful call: a retry costs several.
    stored: AtomicU32,
    /// The time of the last failure that was paid for.
    last_event: Mutex<Option<Instant>>,
}

/// A failed attempt that is to be followed by another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    /// The start of the attempt.
    pub(crate) started: Instant,
    /// True if it was the first one of its call.
    pub(crate) is_first: bool,
}

impl Budget {
    /// Returns a store with the maximal number of retries.
    pub(crate) fn new(retries: u32) -> Self {
        let capacity = retries.saturating_mul(COST);
        Self {
            capacity,
            stored: AtomicU32::new(capacity),
            last_event: Mutex::default(),
        }
    }

    /// Adds a successful call.
    pub(crate) fn deposit(&self) {
        // Usually the store is full, and threads that only read the counter do not contend for it.
        if self.stored.load(Ordering::Relaxed) < self.capacity {
            let _ = self
                .stored
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |stored| {
                    Some(stored.saturating_add(1).min(self.capacity))
                });
        }
    }

    /// Takes the retry of a failed attempt, and returns whether there was one.
    ///
    /// One event, such as the reset of a connection, fails many calls at once. It is paid for once: the first attempts
    /// that were in flight when it was noticed are free.
    pub(crate) fn withdraw(&self, failed: Failed) -> bool {
        let mut last_event = self
            .last_event
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_known =
            last_event.is_some_and(|noticed| failed.started < noticed && noticed.elapsed() < EVENT);
        if failed.is_first && is_known {
            return true;
        }
        let stored = &self.stored;
        let is_paid = stored
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |stored| {
                stored.checked_sub(COST)
            })
            .is_ok();
        if is_paid {
            *last_event = Some(Instant::now());
        }
        is_paid
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;
    use std::thread;

    use std::time::Instant;

    use super::{Budget, COST, DEFAULT_BUDGET, Failed};

    const CAPACITY: u32 = DEFAULT_BUDGET;

    fn budget() -> Budget {
        Budget::new(CAPACITY)
    }

    /// Returns an attempt that starts now, after any event so far, or a further attempt of a call.
    fn failed(is_first: bool) -> Failed {
        let started = Instant::now();
        Failed { started, is_first }
    }

    fn withdraw(budget: &Budget) -> bool {
        budget.withdraw(failed(false))
    }

    fn take_all(budget: &Budget) -> usize {
        std::iter::from_fn(|| withdraw(budget).then_some(())).count()
    }

    #[test]
    fn retries_are_bounded_and_earned_back() {
        let budget = budget();
        assert_eq!(take_all(&budget), 20);
        (0..9).for_each(|_| budget.deposit());
        assert!(!withdraw(&budget));
        budget.deposit();
        assert!(withdraw(&budget) && !withdraw(&budget));
        (0..1000).for_each(|_| budget.deposit());
        assert_eq!(take_all(&budget), 20);
    }

    #[test]
    fn other_budgets_are_bounded_too() {
        assert_eq!(take_all(&Budget::new(0)), 0);
        let small = Budget::new(3);
        assert_eq!(take_all(&small), 3);
        (0..100).for_each(|_| small.deposit());
        assert_eq!(take_all(&small), 3);
        let unlimited = Budget::new(u32::MAX);
        assert!((0..30).all(|_| withdraw(&unlimited)));
        (0..400).for_each(|_| unlimited.deposit());
        assert_eq!(unlimited.stored.load(Relaxed), u32::MAX);
    }

    #[test]
    fn calls_that_one_event_fails_are_paid_once() {
        let budget = budget();
        let in_flight = failed(true);
        assert!((0..100).all(|_| budget.withdraw(in_flight)));
        assert_eq!(take_all(&budget), 19);
        // Their second attempts are paid for, and so are attempts that started after the event.
        assert!(!budget.withdraw(Failed {
            is_first: false,
            ..in_flight
        }));
        assert!(!budget.withdraw(failed(true)));
    }

    #[test]
    fn threads_neither_overdraw_nor_overfill() {
        const DEPOSITS: u32 = 40;
        let budget = budget();
        let taken = AtomicU32::new(0);
        let deposit_and_withdraw = || {
            for _ in 0..DEPOSITS {
                budget.deposit();
                if withdraw(&budget) {
                    taken.fetch_add(1, Relaxed);
                }
                assert!(budget.stored.load(Relaxed) <= CAPACITY * COST);
            }
        };
        thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(deposit_and_withdraw))));
        let earned = CAPACITY * COST + 3 * DEPOSITS;
        let spent = taken.load(Relaxed) * COST;
        assert!(spent <= earned, "{spent} of {earned}");
        // The threads withdrew faster than they deposited, so that hardly any deposit met a full store.
        assert!(earned - spent < 2 * COST + 3 * COST, "{spent} of {earned}");
    }
}
