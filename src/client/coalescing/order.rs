//! The order in which the server runs the commands of a batch: one after another, which costs it about a third less,
//! or concurrently, which is faster if each command waits for I/O, such as Redis.

use std::time::Duration;

/// A command at most this long did not wait for I/O, in a batch whose commands ran one after another.
const QUICK: Duration = Duration::from_micros(50);

/// The maximal number of commands that run one after another before it is known that they are quick.
const PROBE_SIZE: usize = 32;

/// The number of concurrent batches after the first failed probe. It doubles with each further failed probe.
const FIRST_BACKOFF: u32 = 16;

/// The maximal number of concurrent batches between two probes.
const MAX_BACKOFF: u32 = 4096;

/// The measurements of batches whose commands ran one after another.
#[derive(Debug)]
pub(super) struct OrderProbe {
    /// The times per command of the last such batches. The shortest counts: the others may be due to a busy machine.
    recent: [Duration; 4],
    is_quick: bool,
    /// The number of batches that still run concurrently before the next probe.
    backoff: u32,
    /// The value of `backoff` after the next failed probe.
    next_backoff: u32,
}

impl Default for OrderProbe {
    fn default() -> Self {
        Self {
            recent: [Duration::MAX; 4],
            is_quick: false,
            backoff: 0,
            next_backoff: FIRST_BACKOFF,
        }
    }
}

impl OrderProbe {
    /// Returns the maximal number of commands of the next batch if they should run one after another; `None` if they
    /// should run concurrently.
    pub(super) fn max_sequential(&self) -> Option<usize> {
        if self.is_quick {
            Some(usize::MAX)
        } else if self.backoff == 0 {
            Some(PROBE_SIZE)
        } else {
            None
        }
    }

    /// Records that a batch ran concurrently.
    pub(super) fn ran_in_parallel(&mut self) {
        self.backoff = self.backoff.saturating_sub(1);
    }

    /// Records how long a batch took whose commands ran one after another.
    pub(super) fn record(&mut self, commands: usize, took: Duration) {
        let Ok(commands) = u32::try_from(commands) else {
            return;
        };
        if commands < 2 {
            return;
        }
        self.recent.rotate_right(1);
        self.recent[0] = took / commands;
        self.is_quick = self.recent.iter().any(|time| *time <= QUICK);
        if self.is_quick {
            self.next_backoff = FIRST_BACKOFF;
        } else {
            self.backoff = self.next_backoff;
            self.next_backoff = (2 * self.next_backoff).min(MAX_BACKOFF);
        }
    }

    /// Records that such a batch has taken that long without success. Only slowness is evidence: a failure that is
    /// quick says nothing about the commands.
    pub(super) fn record_unfinished(&mut self, commands: usize, took: Duration) {
        let quick = u32::try_from(commands).map_or(Duration::MAX, |commands| QUICK * commands);
        if took > quick {
            self.record(commands, took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_millis(10);

    /// Returns the number of concurrent batches until the next probe.
    fn backoff(probe: &mut OrderProbe) -> usize {
        std::iter::from_fn(|| {
            probe
                .max_sequential()
                .is_none()
                .then(|| probe.ran_in_parallel())
        })
        .count()
    }

    #[test]
    fn quick_commands_run_sequentially_after_probe() {
        let mut probe = OrderProbe::default();
        assert_eq!(probe.max_sequential(), Some(PROBE_SIZE));
        probe.record(PROBE_SIZE, QUICK * 32);
        assert_eq!(probe.max_sequential(), Some(usize::MAX));
    }

    #[test]
    fn slow_commands_are_probed_less_and_less_often() {
        let mut probe = OrderProbe::default();
        let backoffs = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096];
        for expected in backoffs {
            probe.record(PROBE_SIZE, SLOW);
            assert_eq!(backoff(&mut probe), expected);
            assert_eq!(probe.max_sequential(), Some(PROBE_SIZE));
        }
    }

    #[test]
    fn four_slow_batches_in_a_row_count_as_slow() {
        let mut probe = OrderProbe::default();
        probe.record(100, QUICK);
        for _ in 0..3 {
            probe.record(100, SLOW);
            assert_eq!(probe.max_sequential(), Some(usize::MAX));
        }
        probe.record(100, SLOW);
        assert_eq!(probe.max_sequential(), None);
    }

    #[test]
    fn batch_without_success_counts_only_as_slow() {
        let mut probe = OrderProbe::default();
        probe.record_unfinished(PROBE_SIZE, QUICK);
        assert_eq!(probe.max_sequential(), Some(PROBE_SIZE));
        probe.record_unfinished(PROBE_SIZE, SLOW);
        assert_eq!(backoff(&mut probe), 16);
    }

    #[test]
    fn batch_of_one_is_not_measured() {
        let mut probe = OrderProbe::default();
        probe.record(1, Duration::ZERO);
        probe.record(0, Duration::ZERO);
        assert_eq!(probe.max_sequential(), Some(PROBE_SIZE));
    }
}
