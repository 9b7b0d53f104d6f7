use std::collections::HashMap;

use super::stream::Position;

/// How long a repeated call answers what the first did, in milliseconds.
const KEPT: u64 = 300_000;

/// What publications with an idempotency key answered.
#[derive(Debug, Default)]
pub(crate) struct IdempotencyCache(HashMap<String, (Position, u64)>);

impl IdempotencyCache {
    pub(crate) fn get(&self, channel: &str, key: &str, now: u64) -> Option<&Position> {
        let (position, ends) = self.0.get(&name(channel, key))?;
        (*ends > now).then_some(position)
    }

    pub(crate) fn keep(&mut self, channel: &str, key: &str, position: Position, now: u64) {
        self.0.insert(name(channel, key), (position, now + KEPT));
    }

    pub(crate) fn forget_old(&mut self, now: u64) {
        self.0.retain(|_, (_, ends)| *ends > now);
    }
}

/// As Centrifugo joins them: channel `a` with the key `b_c` is channel `a_b` with the key `c`.
fn name(channel: &str, key: &str) -> String {
    format!("{channel}_{key}")
}
