//! The bytes of a connection, and a record of when they flow.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::dial::Socket;

/// A socket that records when bytes flow.
pub(super) struct Stream {
    socket: Box<dyn Socket>,
    activity: Arc<Activity>,
}

impl Stream {
    pub(super) fn new(socket: Box<dyn Socket>, activity: Arc<Activity>) -> Self {
        Self { socket, activity }
    }
}

/// The times at which bytes flow over a connection, in microseconds since it was made.
#[derive(Debug)]
pub(super) struct Activity {
    made: Instant,
    /// The time at which bytes were last read.
    last_read: AtomicU64,
    /// The time at which the first request was sent since then; zero if there is none.
    unanswered_since: AtomicU64,
    /// The number of writes that have begun.
    writes: AtomicUsize,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            made: Instant::now(),
            last_read: AtomicU64::new(0),
            unanswered_since: AtomicU64::new(0),
            writes: AtomicUsize::new(0),
        }
    }

    /// Returns the time since the connection was made, which is never zero.
    fn now(&self) -> u64 {
        let now = u64::try_from(self.made.elapsed().as_micros());
        now.unwrap_or(u64::MAX).max(1)
    }

    /// Records a request, and returns the time.
    pub(super) fn sent(&self) -> u64 {
        let now = self.now();
        // An earlier request may be unanswered already.
        let _ = self
            .unanswered_since
            .compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
        now
    }

    /// Returns the start of the silence if nothing has been read since a request was sent at that time, and for at
    /// least `patience`.
    pub(super) fn silent_since(&self, sent: u64, patience: Duration) -> Option<u64> {
        let since = self.unanswered_since.load(Ordering::Acquire);
        let is_unanswered = since != 0 && since <= sent;
        let silence = self.since(since);
        (is_unanswered && silence >= patience).then_some(since)
    }

    /// Returns how long ago bytes were last read, or the connection was made.
    pub(super) fn quiet_for(&self) -> Duration {
        self.since(self.last_read.load(Ordering::Acquire))
    }

    /// Returns how long ago that time was.
    pub(super) fn since(&self, time: u64) -> Duration {
        Duration::from_micros(self.now().saturating_sub(time))
    }

    /// Returns whether bytes were read after that time of the connection `of`.
    pub(super) fn has_read_since(&self, time: u64, of: &Self) -> bool {
        let time = of.made + Duration::from_micros(time);
        let last_read = self.last_read.load(Ordering::Acquire);
        self.made + Duration::from_micros(last_read) > time
    }

    /// Returns the number of writes that have begun.
    pub(super) fn writes(&self) -> usize {
        self.writes.load(Ordering::Acquire)
    }

    fn has_read(&self) {
        self.last_read.store(self.now(), Ordering::Release);
        self.unanswered_since.store(0, Ordering::Release);
    }

    fn writes_now(&self) {
        self.writes.fetch_add(1, Ordering::AcqRel);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.has_read();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.activity.writes_now();
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.activity.writes_now();
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    fn pair() -> (Stream, Arc<Activity>, tokio::io::DuplexStream) {
        let (near, far) = tokio::io::duplex(64);
        let activity = Arc::new(Activity::new());
        let stream = Stream::new(Box::new(near), Arc::clone(&activity));
        (stream, activity, far)
    }

    #[tokio::test]
    async fn silence_begins_with_the_first_request_that_nothing_answers() {
        let (mut stream, activity, mut far) = pair();
        let first = activity.sent();
        tokio::time::sleep(PATIENCE).await;
        let second = activity.sent();
        assert_eq!(activity.silent_since(first, PATIENCE), Some(first));
        assert_eq!(activity.silent_since(second, PATIENCE), Some(first));
        assert_eq!(activity.silent_since(second, 100 * PATIENCE), None);

        far.write_all(b"1").await.unwrap();
        stream.read_u8().await.unwrap();
        assert_eq!(activity.silent_since(second, Duration::ZERO), None);
        let third = activity.sent();
        assert_eq!(activity.silent_since(second, Duration::ZERO), None);
        assert_eq!(activity.silent_since(third, Duration::ZERO), Some(third));
    }

    #[tokio::test]
    async fn reads_are_compared_across_connections() {
        let (_stream, silent, _far) = pair();
        let (mut stream, other, mut far) = pair();
        tokio::time::sleep(PATIENCE).await;
        let sent = silent.sent();
        assert!(!other.has_read_since(sent, &silent));
        tokio::time::sleep(PATIENCE).await;
        far.write_all(b"1").await.unwrap();
        stream.read_u8().await.unwrap();
        assert!(other.has_read_since(sent, &silent));
        assert!(other.quiet_for() < PATIENCE + silent.quiet_for());
    }

    #[tokio::test]
    async fn writes_are_counted_when_they_begin() {
        let (mut stream, activity, _far) = pair();
        assert_eq!(activity.writes(), 0);
        stream.write_all(b"1").await.unwrap();
        assert_eq!(activity.writes(), 1);
    }
}
