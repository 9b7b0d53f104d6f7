//! Random histories of calls to a node, played on a clock of their own.

use std::time::{Duration, Instant};

use super::health::{Admission, Health};
use crate::fuzz::chance::Chance;

const HISTORIES: u64 = 500;

/// The attempts that are made in a history.
const ATTEMPTS: usize = 200;

/// More than the longest cooldown of an attempt that is dear to lose, and the longest probe.
const LONG_ENOUGH: Duration = Duration::from_secs(62);

/// A node that is called, and the time there.
struct Play {
    health: Health,
    chance: Chance,
    now: Instant,
    in_flight: Vec<Attempt>,
    /// The attempts that went to the node, with the times of their starts.
    admitted: Vec<(Instant, Admission)>,
    answered_at: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Attempt {
    started: Instant,
    ends: Instant,
    is_probe: bool,
}

/// The end of an attempt.
#[derive(Clone, Copy)]
enum End {
    Answer,
    Failure,
    Silence,
    Dropped,
}

impl Play {
    fn new(seed: u64) -> Self {
        Self {
            health: Health::default(),
            chance: Chance::new(seed),
            now: Instant::now(),
            in_flight: Vec::new(),
            admitted: Vec::new(),
            answered_at: None,
        }
    }

    /// Lets some time pass, in which attempts end as `end` says.
    fn wait(&mut self, time: Duration, end: fn(&mut Chance) -> End) {
        self.now += time;
        let (mut ended, in_flight): (Vec<_>, Vec<_>) = self
            .in_flight
            .drain(..)
            .partition(|attempt| attempt.ends <= self.now);
        self.in_flight = in_flight;
        ended.sort_by_key(|attempt| attempt.ends);
        for attempt in ended {
            let end = end(&mut self.chance);
            self.end(attempt, end);
        }
    }

    fn end(&mut self, attempt: Attempt, end: End) {
        let Attempt { started, ends, .. } = attempt;
        match end {
            End::Answer => {
                self.health.answered();
                self.answered_at = Some(ends);
            }
            End::Failure => self.health.failed(ends, started, Duration::ZERO),
            End::Silence => self.health.was_silent(ends, started, ends - started),
            End::Dropped if attempt.is_probe => self.health.probe_was_dropped(ends, started),
            End::Dropped => {}
        }
    }

    /// Makes an attempt if the node may be called.
    fn attempt(&mut self, timeout: Duration) -> Admission {
        let is_cheap = self.chance.below(2) == 0;
        let admission = self.health.admit(self.now, is_cheap);
        if admission != Admission::Skip {
            self.admitted.push((self.now, admission));
            self.in_flight.push(Attempt {
                started: self.now,
                ends: self.now + timeout,
                is_probe: admission == Admission::Probe,
            });
        }
        admission
    }

    /// Returns a random time, below 100 ms as often as above a second.
    fn any_time(&mut self) -> Duration {
        let longest = [20, 300, 900, 3_000][self.chance.below(4)];
        Duration::from_millis(1 + self.chance.below(longest) as u64)
    }

    fn any_end(chance: &mut Chance) -> End {
        [End::Answer, End::Failure, End::Silence, End::Dropped][chance.below(4)]
    }

    /// Plays a random history.
    fn any_history(&mut self) {
        for _ in 0..ATTEMPTS {
            let timeout = self.any_time();
            self.attempt(timeout);
            let pause = self.any_time();
            self.wait(pause, Self::any_end);
        }
    }
}

#[test]
fn node_that_answers_is_always_called() {
    for seed in 0..HISTORIES {
        let mut play = Play::new(seed);
        for _ in 0..ATTEMPTS {
            let timeout = play.any_time();
            assert_eq!(play.attempt(timeout), Admission::Call, "seed {seed}");
            let pause = play.any_time();
            play.wait(pause, |_| End::Answer);
        }
    }
}

#[test]
fn node_that_answers_again_is_called_again() {
    for seed in 0..HISTORIES {
        let mut play = Play::new(seed);
        play.any_history();
        let since = play.now;
        while play.attempt(Duration::from_millis(1)) == Admission::Skip {
            play.wait(Duration::from_millis(250), |_| End::Answer);
            assert!(play.now - since <= LONG_ENOUGH, "seed {seed}: starved");
        }
        play.wait(LONG_ENOUGH, |_| End::Answer);
        let timeout = Duration::from_millis(1);
        assert_eq!(play.attempt(timeout), Admission::Call, "seed {seed}");
    }
}

#[test]
fn dead_node_costs_one_call_for_each_probe() {
    for seed in 0..HISTORIES {
        let mut play = Play::new(seed);
        let any_silence = |chance: &mut Chance| [End::Failure, End::Silence][chance.below(2)];
        // Whatever the timeouts, two attempts one after another tell.
        for _ in 0..2 {
            let timeout = play.any_time();
            play.attempt(timeout);
            play.wait(timeout, any_silence);
        }
        let opened = play.now;
        for _ in 0..ATTEMPTS {
            let timeout = play.any_time();
            play.attempt(timeout);
            let pause = play.any_time();
            play.wait(pause, any_silence);
        }
        let probes: Vec<Instant> = play
            .admitted
            .iter()
            .filter(|(started, _)| *started >= opened)
            .map(|(started, admission)| {
                assert_eq!(*admission, Admission::Probe, "seed {seed}");
                *started
            })
            .collect();
        let cooldowns = (0..6).map(|doubled| Duration::from_millis(500 << doubled));
        let cooldowns = cooldowns.chain(std::iter::repeat(Duration::from_secs(30)));
        for (pair, cooldown) in probes.windows(2).zip(cooldowns) {
            assert!(pair[1] - pair[0] >= cooldown, "seed {seed}: too early");
        }
    }
}

#[test]
fn node_is_probed_by_one_attempt_at_a_time() {
    for seed in 0..HISTORIES {
        let mut play = Play::new(seed);
        for _ in 0..ATTEMPTS {
            let timeout = play.any_time();
            let admission = play.attempt(timeout);
            let recently = play.now - Duration::from_secs(1);
            let outage_began = play.answered_at.unwrap_or(recently).max(recently);
            let probes = play
                .in_flight
                .iter()
                .filter(|attempt| attempt.is_probe && attempt.started > outage_began);
            if admission == Admission::Probe {
                assert_eq!(probes.count(), 1, "seed {seed}");
            }
            let pause = play.any_time();
            play.wait(pause, Play::any_end);
        }
    }
}
