//! What the server keeps: streams, maps, the outcomes of keyed calls, and who is connected.

pub(crate) mod connections;
pub(crate) mod map;
pub(crate) mod idempotency;
pub(crate) mod random;
pub(crate) mod stream;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::connections::Connections;
use self::map::MapChannel;
use self::idempotency::IdempotencyCache;
use self::stream::Streams;

#[derive(Default)]
pub(crate) struct State(Mutex<Data>);

#[derive(Default)]
pub(crate) struct Data {
    pub(crate) streams: Streams,
    pub(crate) maps: HashMap<String, MapChannel>,
    pub(crate) idempotency: IdempotencyCache,
    pub(crate) connections: Connections,
}

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
