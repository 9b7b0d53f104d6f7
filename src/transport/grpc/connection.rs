//! An HTTP/2 connection to a node: its driver, its streams, and whether it is well.

use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Ping, PingPong};
use tokio::sync::{Notify, oneshot};

use super::stream::{Activity, Stream};
use crate::transport::dial::Connected;

/// The number of bytes that the server may send before the client has read them: of one reply, and of all replies on
/// a connection. With HTTP/2's own 64 KiB large replies would wait for the network several times.
const REPLY_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

/// The largest headers that a server may send, in bytes.
const MAX_HEADERS: u32 = 16 * 1024;

/// The number of calls at a time before the server has told its limit.
const STREAMS_AT_FIRST: usize = 100;

/// The time that a connection has to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// The pings that find out whether the server is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    /// The time without a byte from the server after which a ping is sent.
    pub(super) interval: Duration,
    /// The time that the server has to answer.
    pub(super) timeout: Duration,
}

/// A connection. Calls in flight keep it, also when it is retired.
pub(super) struct Connection {
    pub(super) address: Option<SocketAddr>,
    sender: SendRequest<Bytes>,
    /// The number of calls in flight.
    calls: AtomicUsize,
    state: Arc<State>,
    /// Dropped with the connection, which ends its driver.
    _lives: oneshot::Sender<()>,
}

/// The state that a connection shares with its driver.
struct State {
    activity: Arc<Activity>,
    /// True if new calls use other connections.
    is_retired: AtomicBool,
    /// The number of streams that the server allows.
    max_streams: AtomicUsize,
    /// The reason why this side ended the connection.
    given_up: OnceLock<&'static str>,
}

impl Connection {
    /// Begins an HTTP/2 connection. `changed` is told when it takes more calls, or none.
    ///
    /// # Errors
    ///
    /// That of the first write.
    pub(super) async fn new(
        Connected { socket, address }: Connected,
        keep_alive: Option<KeepAlive>,
        changed: Arc<Notify>,
    ) -> io::Result<Self> {
        let activity = Arc::new(Activity::new());
        let stream = Stream::new(socket, Arc::clone(&activity));
        let (sender, mut http2) = h2::client::Builder::new()
            .enable_push(false)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_max_send_streams(STREAMS_AT_FIRST)
            .initial_window_size(REPLY_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .handshake(stream)
            .await
            .map_err(io_error)?;
        let state = Arc::new(State {
            activity,
            is_retired: AtomicBool::new(false),
            max_streams: AtomicUsize::new(http2.max_concurrent_send_streams()),
            given_up: OnceLock::new(),
        });
        let (lives, dropped) = oneshot::channel();
        let pings = keep_alive.zip(http2.ping_pong());
        tokio::spawn(drive(http2, pings, Arc::clone(&state), dropped, changed));
        Ok(Self {
            address,
            sender,
            calls: AtomicUsize::new(0),
            state,
            _lives: lives,
        })
    }

    pub(super) fn activity(&self) -> &Activity {
        &self.state.activity
    }

    /// Returns the number of calls in flight.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns the number of calls that the server allows at a time.
    pub(super) fn max_calls(&self) -> usize {
        self.state.max_streams.load(Ordering::Relaxed)
    }

    /// Returns whether a call may use the connection.
    pub(super) fn is_open(&self) -> bool {
        self.open_sender().is_some()
    }

    /// Returns what sends a request, if a call may use the connection. It finds out whether the server is leaving it.
    pub(super) fn open_sender(&self) -> Option<SendRequest<Bytes>> {
        if self.state.is_retired.load(Ordering::Acquire) {
            return None;
        }
        let mut sender = self.sender();
        let mut context = Context::from_waker(Waker::noop());
        let is_closed = matches!(sender.poll_ready(&mut context), Poll::Ready(Err(_)));
        if is_closed {
            self.retire();
            return None;
        }
        Some(sender)
    }

    /// Takes no new calls from now on.
    pub(super) fn retire(&self) {
        self.state.is_retired.store(true, Ordering::Release);
    }

    /// Returns what sends a request, and fails if the connection has ended.
    pub(super) fn sender(&self) -> SendRequest<Bytes> {
        self.sender.clone()
    }

    /// Returns the reason why this side ended the connection, if it did.
    pub(super) fn given_up(&self) -> Option<&'static str> {
        self.state.given_up.get().copied()
    }

    pub(super) fn add_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove_call(&self) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Drives a connection until it ends, or until nobody uses it any more.
async fn drive(
    mut http2: h2::client::Connection<Stream, Bytes>,
    pings: Option<(KeepAlive, PingPong)>,
    state: Arc<State>,
    dropped: oneshot::Receiver<()>,
    changed: Arc<Notify>,
) {
    let mut forgotten = pin!(async {
        let _ = dropped.await;
        tokio::time::sleep(GOODBYE).await;
    });
    let mut unanswered = pin!(async {
        match pings {
            Some((keep_alive, pings)) => until_unanswered(keep_alive, pings, &state.activity).await,
            None => pending().await,
        }
    });
    poll_fn(|context| {
        let has_ended = pin!(&mut http2).poll(context).is_ready();
        let max_streams = http2.max_concurrent_send_streams();
        if state.max_streams.swap(max_streams, Ordering::Relaxed) != max_streams {
            changed.notify_waiters();
        }
        if has_ended || forgotten.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        if unanswered.as_mut().poll(context).is_ready() {
            let _ = state
                .given_up
                .set("the server did not answer a ping in time");
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
    state.is_retired.store(true, Ordering::Release);
    // Ends the calls in flight.
    drop(http2);
    changed.notify_waiters();
}

/// Sends pings while the server is silent, until one is not answered.
async fn until_unanswered(keep_alive: KeepAlive, mut pings: PingPong, activity: &Activity) {
    loop {
        let quiet_for = activity.quiet_for();
        if quiet_for < keep_alive.interval {
            tokio::time::sleep(keep_alive.interval - quiet_for).await;
            continue;
        }
        match tokio::time::timeout(keep_alive.timeout, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection has ended.
            Ok(Err(_)) => return pending().await,
            Err(_) => return,
        }
    }
}

fn io_error(error: h2::Error) -> io::Error {
    if error.is_io() {
        error
            .into_io()
            .unwrap_or_else(|| io::ErrorKind::Other.into())
    } else {
        io::Error::other(error)
    }
}
