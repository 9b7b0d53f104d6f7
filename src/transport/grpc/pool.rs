//! The gRPC connections to a node: another one is used when all streams of the first ones are in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tonic::transport::Channel;

/// The number of calls per connection before another one is used: the limit of most servers and proxies.
const STREAMS: usize = 100;

/// Connections, each of which is made when it is first needed.
pub(super) struct Pool(Vec<Connection>);

struct Connection {
    channel: Channel,
    /// The number of calls in flight.
    calls: AtomicUsize,
}

/// A call's use of a connection.
pub(super) struct Lease {
    pool: Arc<Pool>,
    index: usize,
}

impl Pool {
    pub(super) fn new(channels: impl IntoIterator<Item = Channel>) -> Arc<Self> {
        let connections = channels.into_iter().map(|channel| Connection {
            channel,
            calls: AtomicUsize::new(0),
        });
        Arc::new(Self(connections.collect()))
    }

    /// Returns the first connection with a free stream, or else the one with the fewest calls.
    pub(super) fn lease(self: &Arc<Self>) -> Lease {
        let index = self.first_free().or_else(|| self.least_used());
        let index = index.unwrap_or_default();
        self.0[index].calls.fetch_add(1, Ordering::Relaxed);
        Lease {
            pool: Arc::clone(self),
            index,
        }
    }

    fn first_free(&self) -> Option<usize> {
        let mut calls = self.0.iter().map(Connection::calls);
        calls.position(|calls| calls < STREAMS)
    }

    fn least_used(&self) -> Option<usize> {
        (0..self.0.len()).min_by_key(|index| self.0[*index].calls())
    }
}

impl Connection {
    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Lease {
    pub(super) fn channel(&self) -> Channel {
        self.pool.0[self.index].channel.clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.0[self.index]
            .calls
            .fetch_sub(1, Ordering::Relaxed);
    }
}
