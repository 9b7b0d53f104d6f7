//! The publications of streams that a test has not read.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The number of publications of streams that the test has not read, above which streams are not polled.
const MAX_UNREAD: usize = 1000;

/// The publications of streams that the test has not read.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    count: AtomicUsize,
    is_read: Notify,
}

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
