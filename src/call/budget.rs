//! The retry budget of a client.

use std::sync::atomic::{AtomicU32, Ordering};

/// The maximal number of retries in store.
const CAPACITY: u32 = 20;

/// The cost of a retry, in successful calls.
const COST: u32 = 10;

/// The retries in store, so that a server that is down is not flooded with them.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY * COST))
    }
}

impl Budget {
    /// Adds the worth of a successful call.
    pub(crate) fn deposit(&self) {
        // Usually it is full: reading does not contend.
        if self.0.load(Ordering::Relaxed) < CAPACITY * COST {
            let more = |stored: u32| Some((stored + 1).min(CAPACITY * COST));
            let _ = self
                .0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
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
    fn threads_cannot_take_more_than_there_is_nor_store_more_than_fits() {
        const DEPOSITS: u32 = 40;
        let (budget, taken) = (Budget::default(), AtomicU32::new(0));
        let take = || {
            if budget.withdraw() {
                taken.fetch_add(1, Relaxed);
            }
        };
        let use_it = || {
            for _ in 0..DEPOSITS {
                budget.deposit();
                take();
                assert!(budget.0.load(Relaxed) <= CAPACITY * COST);
            }
        };
        thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(use_it))));
        let earned = CAPACITY * COST + 3 * DEPOSITS;
        let spent = taken.load(Relaxed) * COST;
        assert!(spent <= earned, "{spent} of {earned}");
        // More was wanted than there was, so that hardly anything was earned while the store was full.
        assert!(earned - spent < 2 * COST + 3 * COST, "{spent} of {earned}");
    }
}
