//! The results of publications with an idempotency key.

use std::collections::HashMap;

use crate::state::stream::Position;

/// The time for which a result is kept, in milliseconds.
const RESULT_TTL: u64 = 300_000;

/// The results of publications with an idempotency key.
#[derive(Debug, Default)]
pub(crate) struct IdempotencyCache(HashMap<String, CachedResult>);

#[derive(Debug)]
struct CachedResult {
    position: Position,
    /// The Unix time in milliseconds.
    expires: u64,
}

impl IdempotencyCache {
    /// Returns the result of an earlier publication with the same key.
    pub(crate) fn get(&self, channel: &str, key: &str, now: u64) -> Option<&Position> {
        let result = self.0.get(&cache_key(channel, key))?;
        (result.expires > now).then_some(&result.position)
    }

    pub(crate) fn insert(&mut self, channel: &str, key: &str, position: Position, now: u64) {
        let result = CachedResult {
            position,
            expires: now + RESULT_TTL,
        };
        self.0.insert(cache_key(channel, key), result);
    }

    pub(crate) fn remove_expired(&mut self, now: u64) {
        self.0.retain(|_, result| result.expires > now);
    }
}

/// Joins channel and key as Centrifugo does: the key `b_c` of the channel `a` equals the key `c` of
/// the channel `a_b`.
fn cache_key(channel: &str, key: &str) -> String {
    format!("{channel}_{key}")
}
