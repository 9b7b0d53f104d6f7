//! The maximal size of a batch: smaller once a server refused a batch for its size, and larger again later.

/// The size to which refusals do not reduce batches, in bytes.
const FLOOR: usize = 4 * 1024;

/// The number of large batches that must succeed before a larger one is tried. After each further refusal it doubles
/// once, up to `MAX_BACKOFF`: a limit that stays is rarely met.
const FIRST_BACKOFF: u32 = 16;
const MAX_BACKOFF: u32 = 1024;

/// The maximal size of a batch, which follows what the server takes.
#[derive(Debug)]
pub(super) struct BatchSize {
    /// The size that the options allow, in bytes.
    allowed: usize,
    /// The present maximal size, in bytes.
    max: usize,
    /// The number of large batches that must still succeed before the size doubles.
    backoff: u32,
    /// The value of `backoff` after the next refusal.
    next_backoff: u32,
}

impl BatchSize {
    pub(super) fn new(allowed: usize) -> Self {
        Self {
            allowed,
            max: allowed,
            backoff: 0,
            next_backoff: FIRST_BACKOFF,
        }
    }

    /// Returns the maximal size, in bytes.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Records that a server refused a batch of that size.
    pub(super) fn refused(&mut self, bytes: usize) {
        let max = (bytes / 2).max(FLOOR);
        // Otherwise the batch was sent before the size was reduced.
        if max < self.max {
            self.max = max;
            self.backoff = self.next_backoff;
            self.next_backoff = (2 * self.next_backoff).min(MAX_BACKOFF);
        }
    }

    /// Records that a server took a batch of that size.
    pub(super) fn succeeded(&mut self, bytes: usize) {
        let is_large = bytes > self.max / 2;
        if self.max == self.allowed || !is_large {
            return;
        }
        self.backoff = self.backoff.saturating_sub(1);
        if self.backoff == 0 {
            self.max = self.max.saturating_mul(2).min(self.allowed);
            self.backoff = FIRST_BACKOFF;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: usize = 512 * 1024;

    /// Returns the number of large batches that succeed until the size grows.
    fn until_growth(size: &mut BatchSize) -> u32 {
        let before = size.max();
        (1..)
            .find(|_| {
                size.succeeded(size.max());
                size.max() > before
            })
            .unwrap()
    }

    #[test]
    fn size_halves_when_refused_and_recovers() {
        let mut size = BatchSize::new(ALLOWED);
        size.refused(ALLOWED);
        size.refused(ALLOWED / 2);
        assert_eq!(size.max(), ALLOWED / 4);
        assert_eq!(until_growth(&mut size), 2 * FIRST_BACKOFF);
        assert_eq!(size.max(), ALLOWED / 2);
        assert_eq!(until_growth(&mut size), FIRST_BACKOFF);
        assert_eq!(size.max(), ALLOWED);
        size.succeeded(ALLOWED);
        assert_eq!(size.max(), ALLOWED);
    }

    #[test]
    fn limit_that_stays_is_met_less_and_less_often() {
        let mut size = BatchSize::new(ALLOWED);
        for expected in [16, 32, 64, 128, 256, 512, 1024, 1024] {
            size.refused(ALLOWED);
            assert_eq!(size.max(), ALLOWED / 2);
            assert_eq!(until_growth(&mut size), expected);
        }
    }

    #[test]
    fn refusals_of_small_batches_do_not_make_batches_tiny() {
        let mut size = BatchSize::new(ALLOWED);
        for bytes in [4000, 400, 40] {
            size.refused(bytes);
            assert_eq!(size.max(), FLOOR);
        }
        let mut small = BatchSize::new(100);
        small.refused(100);
        assert_eq!(small.max(), 100);
    }

    #[test]
    fn batches_that_were_in_flight_when_the_first_was_refused_count_once() {
        let mut size = BatchSize::new(ALLOWED);
        for _ in 0..3 {
            size.refused(ALLOWED);
        }
        assert_eq!(size.max(), ALLOWED / 2);
        assert_eq!(until_growth(&mut size), FIRST_BACKOFF);
    }

    #[test]
    fn small_batches_prove_nothing() {
        let mut size = BatchSize::new(ALLOWED);
        size.refused(ALLOWED);
        for _ in 0..1000 {
            size.succeeded(ALLOWED / 4);
        }
        assert_eq!(size.max(), ALLOWED / 2);
    }
}
