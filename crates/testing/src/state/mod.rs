//! The state of the server: streams, maps, results of idempotent calls, and connections.

pub(crate) mod connections;
pub(crate) mod idempotency;
pub(crate) mod map;
#[cfg(feature = "proxy")]
pub(crate) mod polls;
pub(crate) mod random;
pub(crate) mod stream;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::connections::Connections;
use self::idempotency::IdempotencyCache;
use self::map::MapChannel;
#[cfg(feature = "proxy")]
use self::polls::Poll;
use self::stream::Streams;

/// The state, behind its lock.
#[derive(Default)]
pub(crate) struct State(Mutex<Data>);

/// The state of all channels and clients.
#[derive(Default)]
pub(crate) struct Data {
    pub(crate) streams: Streams,
    /// The maps, by channel.
    pub(crate) maps: HashMap<String, MapChannel>,
    /// The shared polls, by channel.
    #[cfg(feature = "proxy")]
    pub(crate) polls: HashMap<String, Poll>,
    pub(crate) idempotency: IdempotencyCache,
    pub(crate) connections: Connections,
}

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
