//! Random numbers that a seed determines.

#![allow(dead_code)] // each test binary uses a part of it

/// A SplitMix64 generator.
#[derive(Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    /// Returns true in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    /// Returns an item, as often as its weight says.
    pub(crate) fn weighted<T: Clone>(&mut self, items: &[(usize, T)]) -> T {
        let mut point = self.below(items.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in items {
            match point.checked_sub(*weight) {
                Some(rest) => point = rest,
                None => return item.clone(),
            }
        }
        unreachable!("the point is below the sum of the weights")
    }
}
