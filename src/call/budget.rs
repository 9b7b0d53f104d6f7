//! The retry budget of a client.

use std::sync::atomic::{AtomicU32, Ordering};

/// The maximal number of retries in store.
const CAPACITY: u32 = 20;

/// The cost of a retry, in successful calls.
const COST: u32 = 10;

/// The retries that a client still has in store. They are limited, so that a server that is down is not flooded.
///
/// The unit of the counter is a successful call: a retry costs several.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY * COST))
    }
}

impl Budget {
    /// Adds a successful call.
    pub(crate) fn deposit(&self) {
        // Usually the store is full, and threads that only read the counter do not contend for it.
        if self.0.load(Ordering::Relaxed) < CAPACITY * COST {
            let _ = self
                .0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |stored| {
                    Some((stored + 1).min(CAPACITY * COST))
                });
        }
    }

    /// Takes a retry, and returns whether there was one.
    pub(crate) fn withdraw(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |stored| {
                stored.checked_sub(COST)
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;
    use std::thread;

    use super::{Budget, CAPACITY, COST};

    #[test]
    fn retries_are_bounded_and_earned_back() {
        let budget = Budget::default();
        assert_eq!(
            std::iter::from_fn(|| budget.withdraw().then_some(())).count(),
            20
        );
        (0..9).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw() && !budget.withdraw());
        (0..1000).for_each(|_| budget.deposit());
        assert_eq!(
            std::iter::from_fn(|| budget.withdraw().then_some(())).count(),
            20
        );
    }

    #[test]
    fn threads_neither_overdraw_nor_overfill() {
        const DEPOSITS: u32 = 40;
        let budget = Budget::default();
        let taken = AtomicU32::new(0);
        let deposit_and_withdraw = || {
            for _ in 0..DEPOSITS {
                budget.deposit();
                if budget.withdraw() {
                    taken.fetch_add(1, Relaxed);
                }
                assert!(budget.0.load(Relaxed) <= CAPACITY * COST);
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
