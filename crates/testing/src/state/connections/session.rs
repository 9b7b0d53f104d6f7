//! The parts of a connection that only proxies see.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
#[cfg(feature = "proxy")]
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

/// The part of a connection that proxies see, and how they refresh it.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// The data of the connection that clients never see, in JSON; empty if there is none.
    pub(crate) meta: Bytes,
    pub(crate) headers: Arc<ClientHeaders>,
    /// True if a proxy refreshes the connection when it expires, and not the client.
    pub(crate) by_proxy: bool,
    /// The Unix time in seconds at which the proxy is asked.
    pub(crate) ask_at: i64,
    /// True while the proxy is asked.
    pub(crate) is_asking: bool,
    /// Is closed when the connection ends.
    pub(crate) lifetime: watch::Sender<()>,
}

/// The headers of a client.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Debug, Default)]
pub(crate) struct ClientHeaders {
    /// Those of its connection.
    pub(crate) transport: HeaderMap,
    /// Those that it wrote into its first command.
    pub(crate) emulated: HeaderMap,
}

/// The stream that a subscription gets its publications from. Dropped, it ends.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Clone, Debug)]
pub(crate) struct StreamHandle(pub(crate) Arc<StreamParts>);

/// The parts of a stream.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Debug)]
pub(crate) struct StreamParts {
    /// Takes what the client publishes, if the stream is bidirectional.
    pub(crate) publications: Option<UnboundedSender<Bytes>>,
    pub(crate) task: AbortHandle,
}

impl Drop for StreamParts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The number of publications of streams that the test has not read, above which streams are not polled.
const MAX_UNREAD: usize = 1000;

/// The publications of streams that the test has not read.
#[cfg_attr(not(feature = "proxy"), allow(dead_code))]
#[derive(Debug, Default)]
pub(crate) struct Unread {
    count: AtomicUsize,
    is_read: Notify,
}

#[cfg(feature = "proxy")]
impl Unread {
    pub(crate) fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a publication as read. Others than those of streams may count too.
    pub(crate) fn remove(&self) {
        let _ = self
            .count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                count.checked_sub(1)
            });
        self.is_read.notify_waiters();
    }

    /// Waits until there are not too many.
    pub(crate) async fn wait(&self) {
        loop {
            let is_read = self.is_read.notified();
            if self.count.load(Ordering::Relaxed) < MAX_UNREAD {
                return;
            }
            is_read.await;
        }
    }
}
