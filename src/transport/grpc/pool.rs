//! The gRPC connections to a node: another one when the streams of those there are used up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tonic::transport::Channel;

/// How many calls a connection carries before another is made: what servers and proxies most often allow.
const STREAMS: usize = 100;

/// Connections, each of which is made when it is first needed.
pub(super) struct Pool(Vec<Lane>);

struct Lane {
    channel: Channel,
    calls: AtomicUsize,
}

/// A place on a connection.
pub(super) struct Stream {
    pool: Arc<Pool>,
    index: usize,
}

impl Pool {
    pub(super) fn new(channels: impl IntoIterator<Item = Channel>) -> Arc<Self> {
        let lane = |channel| Lane {
            channel,
            calls: AtomicUsize::new(0),
        };
        Arc::new(Self(channels.into_iter().map(lane).collect()))
    }

    /// A place on the first connection that has one, or else on that with the fewest calls.
    pub(super) fn stream(self: &Arc<Self>) -> Stream {
        let calls = |index: &usize| self.0[*index].calls.load(Ordering::Relaxed);
        let with_room = (0..self.0.len()).find(|index| calls(index) < STREAMS);
        let index = with_room
            .or_else(|| (0..self.0.len()).min_by_key(calls))
            .unwrap_or_default();
        self.0[index].calls.fetch_add(1, Ordering::Relaxed);
        Stream {
            pool: Arc::clone(self),
            index,
        }
    }
}

impl Stream {
    pub(super) fn channel(&self) -> Channel {
        self.pool.0[self.index].channel.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.pool.0[self.index]
            .calls
            .fetch_sub(1, Ordering::Relaxed);
    }
}
