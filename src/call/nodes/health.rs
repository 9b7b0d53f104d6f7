//! The state of a node: whether it is called, skipped, or probed.
//!
//! It is a function of the outcomes of attempts and of the times that it is told; it reads no clock.

use std::time::Duration;

use crate::platform::Instant;

/// The time for which a node is skipped after its first failure. It doubles with each further failure.
const FIRST_COOLDOWN: Duration = Duration::from_millis(500);

/// The longest time for which a node is skipped.
const MAX_COOLDOWN: Duration = Duration::from_secs(30);

/// The time that a probe has for an answer. Later the node is skipped again, though the answer still counts.
const PROBE: Duration = Duration::from_secs(1);

/// The silence that is a failure by itself. Of shorter ones it takes two in a row.
const LONG_SILENCE: Duration = Duration::from_secs(1);

/// The state of a node, and what led to it.
#[derive(Debug, Default)]
pub(super) struct Health {
    state: State,
    /// The number of failures since the last answer.
    failures: u32,
    /// The time of the last failure.
    failed_at: Option<Instant>,
    /// The end of the last cooldown. Failures of attempts that started before it belong to the same outage.
    outage_ends: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The last attempt was answered, or there was none.
    #[default]
    Healthy,
    /// The last attempt was not answered in its time, which was too short to be sure. The node is still called.
    Failing { since: Instant },
    /// The node is skipped.
    Open { until: Instant, cooldown: Duration },
    /// One attempt tries the node, and all others skip it.
    Probing { since: Instant },
}

/// The decision on an attempt: it may go to the node, or it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Call,
    /// The attempt is the node's probe: the only one until its outcome is known.
    Probe,
    Skip,
}

impl Health {
    pub(super) fn is_healthy(&self) -> bool {
        self.state == State::Healthy
    }

    /// Returns whether attempts may go to the node without being a probe.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Healthy | State::Failing { .. })
    }

    pub(super) fn failed_at(&self) -> Option<Instant> {
        self.failed_at
    }

    /// Returns whether an attempt would be the node's probe, by the rule of [`admit`](Self::admit).
    pub(super) fn is_probe_due(&self, now: Instant, is_cheap: bool) -> bool {
        let State::Open { until, cooldown } = self.state else {
            return false;
        };
        now >= if is_cheap { until } else { until + cooldown }
    }

    /// Decides whether an attempt may go to the node. An attempt that is dear to lose, because its caller would see
    /// the failure or because it carries many commands, probes a node only if no cheap one did for another cooldown.
    pub(super) fn admit(&mut self, now: Instant, is_cheap: bool) -> Admission {
        match self.state {
            State::Healthy | State::Failing { .. } => Admission::Call,
            State::Open { .. } if self.is_probe_due(now, is_cheap) => {
                self.state = State::Probing { since: now };
                Admission::Probe
            }
            State::Open { .. } => Admission::Skip,
            State::Probing { since } => {
                if now >= since + PROBE {
                    self.open(now, Duration::ZERO);
                }
                Admission::Skip
            }
        }
    }

    /// Records an answer, whatever it says.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// Records that an attempt that started at `started` failed because of the node, which asked to `rest`.
    pub(super) fn failed(&mut self, now: Instant, started: Instant, rest: Duration) {
        self.failed_at = Some(now);
        // When a node goes down, all its calls in flight fail, and so do calls for which there is no other node.
        let is_known_outage = self.outage_ends.is_some_and(|ends| started < ends);
        if !is_known_outage {
            self.open(now, rest);
        }
    }

    /// Records that an attempt that started at `started` had no answer in the time that the node was given for it.
    pub(super) fn was_silent(&mut self, now: Instant, started: Instant, given: Duration) {
        let is_second = match self.state {
            State::Healthy => {
                self.state = State::Failing { since: now };
                false
            }
            // Attempts that started before the first silence was known have seen the same one.
            State::Failing { since } => started >= since,
            State::Open { .. } => false,
            State::Probing { since } => started >= since,
        };
        if is_second || given >= LONG_SILENCE {
            self.failed(now, started, Duration::ZERO);
        }
    }

    /// Records that the probe that started at `started` ended without telling anything about the node.
    pub(super) fn probe_was_dropped(&mut self, now: Instant, started: Instant) {
        // An earlier probe, whose time was over, may end during the current one.
        if matches!(self.state, State::Probing { since } if started >= since) {
            let cooldown = Duration::ZERO;
            self.state = State::Open {
                until: now,
                cooldown,
            };
        }
    }

    /// Lets the node be skipped, twice as long as the last time, and at least as long as it asked for.
    fn open(&mut self, now: Instant, rest: Duration) {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let cooldown = FIRST_COOLDOWN
            .saturating_mul(factor)
            .max(rest)
            .min(MAX_COOLDOWN);
        let until = now + cooldown;
        self.failures = self.failures.saturating_add(1);
        self.outage_ends = Some(until);
        self.state = State::Open { until, cooldown };
    }
}
