//! Dials: connections that are being made, each in a task of its own. The end of a call does not end its dial, and the
//! connection goes to the call that waits longest.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tower_layer::Layer;
use tower_service::Service;

use super::connections::Peer;
use crate::transport::SendState;
use crate::transport::diagnosis::BoxError;

/// The maximal number of dials that go on although nothing waits for them.
const MAX_LEFT: usize = 2;

/// The maximal number of connections that are kept for the next calls, and the time for which they are.
const MAX_SPARE: usize = 2;
const SPARE_FOR: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The request that a connection is needed for.
    pub(super) static REQUEST: SendState;
    /// The dial of a task.
    static DIAL: Dial;
}

/// A dial, as the resolver sees it.
struct Dial {
    request: Option<SendState>,
    address: Cell<Option<SocketAddr>>,
}

/// Returns the address that a dial is for, of those of a host, in the order in which they are to be tried.
pub(super) fn pick(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let in_dial = DIAL.try_with(|dial| {
        let picked = match &dial.request {
            Some(request) => request.dials().pick(addresses),
            None => addresses.first().copied(),
        };
        dial.address.set(picked);
        picked
    });
    in_dial.unwrap_or_else(|_| addresses.first().copied())
}

/// A layer around the connector of an HTTP client, whose connections are of type `C`.
pub(super) struct DialLayer<C>(Arc<Dials<C>>);

/// A connector whose connections are made in tasks of their own. The HTTP client clones it for each request.
pub(super) struct Dialer<S, C> {
    connector: Arc<Mutex<S>>,
    dials: Arc<Dials<C>>,
}

/// The dials of an HTTP client.
struct Dials<C> {
    peer: Arc<Peer>,
    connect_timeout: Duration,
    desk: Mutex<Desk<C>>,
}

/// Dials, and the calls that wait for a connection.
struct Desk<C> {
    /// The number of dials so far, of which each has its number.
    count: u64,
    waiting: VecDeque<Waiting<C>>,
    /// The dials that nothing waits for.
    left: Vec<(u64, AbortHandle)>,
    /// The connections that nothing waited for, and since when they are there.
    spare: VecDeque<(Instant, C)>,
}

/// A call that waits for a connection, and the dial that it has begun.
struct Waiting<C> {
    dial: u64,
    task: AbortHandle,
    connection: oneshot::Sender<Result<C, BoxError>>,
}

impl<C> DialLayer<C> {
    pub(super) fn new(peer: Arc<Peer>, connect_timeout: Duration) -> Self {
        let desk = Desk {
            count: 0,
            waiting: VecDeque::new(),
            left: Vec::new(),
            spare: VecDeque::new(),
        };
        Self(Arc::new(Dials {
            peer,
            connect_timeout,
            desk: Mutex::new(desk),
        }))
    }
}

impl<C> Clone for DialLayer<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, C> Layer<S> for DialLayer<C> {
    type Service = Dialer<S, C>;

    fn layer(&self, connector: S) -> Dialer<S, C> {
        Dialer {
            connector: Arc::new(Mutex::new(connector)),
            dials: Arc::clone(&self.0),
        }
    }
}

impl<S, C> Clone for Dialer<S, C> {
    fn clone(&self) -> Self {
        Self {
            connector: Arc::clone(&self.connector),
            dials: Arc::clone(&self.dials),
        }
    }
}

impl<S, C> Dialer<S, C> {
    fn connector(&self) -> MutexGuard<'_, S> {
        self.connector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C, R> Service<R> for Dialer<S, C>
where
    S: Service<R, Response = C, Error = BoxError>,
    S::Future: Send + 'static,
    C: Send + 'static,
{
    type Response = C;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector().poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let request = REQUEST.try_with(SendState::clone).ok();
        if let Some(request) = &request {
            request.dials().begin();
        }
        let spare = self.dials.desk().take_spare();
        if let Some(connection) = spare {
            return Box::pin(ready(Ok(connection)));
        }
        let connecting = self.connector().call(target);
        let waiter = self.dials.start(request, connecting);
        Box::pin(waiter.connection())
    }
}

impl<C: Send + 'static> Dials<C> {
    /// Starts a dial, and returns what waits for its connection.
    fn start(
        self: &Arc<Self>,
        request: Option<SendState>,
        connecting: impl Future<Output = Result<C, BoxError>> + Send + 'static,
    ) -> Waiter<C> {
        let (sender, connection) = oneshot::channel();
        let mut desk = self.desk();
        desk.count += 1;
        let number = desk.count;
        let connecting = tokio::time::timeout(self.connect_timeout, connecting);
        let dials = Arc::downgrade(self);
        let dial = Dial {
            request,
            address: Cell::new(None),
        };
        // Under the lock: it ends only after it is known here.
        let task = tokio::spawn(DIAL.scope(dial, async move {
            let outcome = connecting.await.unwrap_or_else(|_| Err(timed_out()));
            let address = DIAL.with(|dial| dial.address.get());
            end(&dials, number, address, outcome).await;
        }));
        desk.waiting.push_back(Waiting {
            dial: number,
            task: task.abort_handle(),
            connection: sender,
        });
        drop(desk);
        Waiter {
            dial: number,
            dials: Arc::clone(self),
            connection,
        }
    }
}

impl<C> Dials<C> {
    fn desk(&self) -> MutexGuard<'_, Desk<C>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a dial: hands its outcome out, or keeps its connection for some time.
async fn end<C>(
    dials: &Weak<Dials<C>>,
    number: u64,
    address: Option<SocketAddr>,
    outcome: Result<C, BoxError>,
) {
    let Some(known) = dials.upgrade() else {
        return;
    };
    if let Some(address) = address {
        known.peer.dialled(address, outcome.as_ref().err());
    }
    let is_spare = known.desk().take_outcome(number, outcome);
    // The client may be dropped while the connection is kept.
    drop(known);
    if is_spare {
        tokio::time::sleep(SPARE_FOR).await;
        if let Some(dials) = dials.upgrade() {
            dials.desk().drop_old();
        }
    }
}

impl<C> Desk<C> {
    /// Hands out the outcome of a dial: a failure to the call that has begun the dial, a connection to another one if
    /// that has ended. Returns whether the connection is kept, because nothing waits for one.
    fn take_outcome(&mut self, number: u64, outcome: Result<C, BoxError>) -> bool {
        self.left.retain(|(dial, _)| *dial != number);
        let own = self.remove_waiting(number);
        let mut connection = match (outcome, own) {
            (outcome, Some(own)) => match own.connection.send(outcome) {
                Err(Ok(connection)) => connection,
                _ => return false,
            },
            (Ok(connection), None) => connection,
            (Err(_), None) => return false,
        };
        while let Some(waiting) = self.waiting.pop_front() {
            // Its own dial is not needed any more.
            waiting.task.abort();
            match waiting.connection.send(Ok(connection)) {
                Err(Ok(returned)) => connection = returned,
                _ => return false,
            }
        }
        if self.spare.len() == MAX_SPARE {
            self.spare.pop_front();
        }
        self.spare.push_back((Instant::now(), connection));
        true
    }

    fn take_spare(&mut self) -> Option<C> {
        self.drop_old();
        self.spare.pop_front().map(|(_, connection)| connection)
    }

    /// Drops the connections that were kept for too long.
    fn drop_old(&mut self) {
        self.spare.retain(|(since, _)| since.elapsed() < SPARE_FOR);
    }

    fn remove_waiting(&mut self, number: u64) -> Option<Waiting<C>> {
        let index = self
            .waiting
            .iter()
            .position(|waiting| waiting.dial == number)?;
        self.waiting.remove(index)
    }
}

impl<C> Drop for Dials<C> {
    fn drop(&mut self) {
        for (_, task) in &self.desk().left {
            task.abort();
        }
    }
}

/// A call that waits for a connection. If it is dropped, its dial goes on, unless enough others do.
struct Waiter<C> {
    dial: u64,
    dials: Arc<Dials<C>>,
    connection: oneshot::Receiver<Result<C, BoxError>>,
}

impl<C> Waiter<C> {
    async fn connection(mut self) -> Result<C, BoxError> {
        let outcome = (&mut self.connection).await;
        outcome.unwrap_or_else(|_| Err("the runtime is shutting down".into()))
    }
}

impl<C> Drop for Waiter<C> {
    fn drop(&mut self) {
        let mut desk = self.dials.desk();
        if let Some(waiting) = desk.remove_waiting(self.dial) {
            if desk.left.len() < MAX_LEFT {
                desk.left.push((waiting.dial, waiting.task));
            } else {
                waiting.task.abort();
            }
        }
    }
}

fn timed_out() -> BoxError {
    io::Error::new(
        io::ErrorKind::TimedOut,
        "no connection within connect_timeout",
    )
    .into()
}
