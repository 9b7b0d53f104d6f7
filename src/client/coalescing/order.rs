//! Whether the server is to run the commands of a batch one after another, which costs it about a third less, or
//! concurrently, which is faster where each of them waits for something, such as Redis.

use std::time::Duration;

/// A command that took no longer, in the batch of a server that ran them one after another, waited for nothing.
const QUICK: Duration = Duration::from_micros(50);

/// How many commands are run one after another before it is known that they are quick.
pub(super) const TRIAL: usize = 32;

/// How many batches go concurrently between two trials, after the first that failed and at most.
const FIRST_REST: u32 = 16;
const LONGEST_REST: u32 = 4096;

#[derive(Debug)]
pub(super) struct Pace {
    /// The times of a command in the last batches that ran so. The shortest counts, since the machines may be busy.
    recent: [Duration; 4],
    is_quick: bool,
    /// How many batches are yet to go concurrently, and how many after the next trial that fails.
    rest: u32,
    next_rest: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            recent: [Duration::MAX; 4],
            is_quick: false,
            rest: 0,
            next_rest: FIRST_REST,
        }
    }
}

impl Pace {
    /// How many commands the next batch may have in order to run one after another.
    pub(super) fn limit(&self) -> Option<usize> {
        match (self.is_quick, self.rest) {
            (true, _) => Some(usize::MAX),
            (false, 0) => Some(TRIAL),
            (false, _) => None,
        }
    }

    /// A batch goes concurrently.
    pub(super) fn went_concurrently(&mut self) {
        self.rest = self.rest.saturating_sub(1);
    }

    /// A batch of so many commands, which ran one after another, took so long.
    pub(super) fn learn(&mut self, commands: usize, took: Duration) {
        let Some(commands) = u32::try_from(commands)
            .ok()
            .filter(|commands| *commands > 1)
        else {
            return;
        };
        self.recent.rotate_right(1);
        self.recent[0] = took / commands;
        self.is_quick = self.recent.iter().any(|time| *time <= QUICK);
        if self.is_quick {
            self.next_rest = FIRST_REST;
        } else {
            self.rest = self.next_rest;
            self.next_rest = (2 * self.next_rest).min(LONGEST_REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_millis(10);

    /// How many batches go concurrently until the next trial.
    fn rest(pace: &mut Pace) -> usize {
        std::iter::from_fn(|| pace.limit().is_none().then(|| pace.went_concurrently())).count()
    }

    #[test]
    fn quick_commands_run_one_after_another_once_a_few_have_shown_it() {
        let mut pace = Pace::default();
        assert_eq!(pace.limit(), Some(TRIAL));
        pace.learn(TRIAL, QUICK * 32);
        assert_eq!(pace.limit(), Some(usize::MAX));
    }

    #[test]
    fn slow_commands_are_tried_ever_less_often() {
        let mut pace = Pace::default();
        let rests = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096];
        for expected in rests {
            pace.learn(TRIAL, SLOW);
            assert_eq!(rest(&mut pace), expected);
            assert_eq!(pace.limit(), Some(TRIAL));
        }
    }

    #[test]
    fn a_few_slow_batches_say_nothing_but_four_do() {
        let mut pace = Pace::default();
        pace.learn(100, QUICK);
        for _ in 0..3 {
            pace.learn(100, SLOW);
            assert_eq!(pace.limit(), Some(usize::MAX));
        }
        pace.learn(100, SLOW);
        assert_eq!(pace.limit(), None);
    }

    #[test]
    fn a_batch_of_one_says_nothing() {
        let mut pace = Pace::default();
        pace.learn(1, Duration::ZERO);
        pace.learn(0, Duration::ZERO);
        assert_eq!(pace.limit(), Some(TRIAL));
    }
}
