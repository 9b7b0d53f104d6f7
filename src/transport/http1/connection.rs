//! An HTTP/1 connection to a node. It has no task of its own: the call that uses it reads and writes.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use ::http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;

use super::waker::CallWaker;
use crate::transport::dial::{Connected, Socket};
use crate::transport::service::Body;

/// How often a connection is driven before others get their turn.
const ROUNDS: usize = 4;

/// The driver of a connection, which reads and writes.
type Driver = http1::Connection<TokioIo<Box<dyn Socket>>, Body>;

/// A connection.
pub(super) struct Connection {
    pub(super) address: Option<SocketAddr>,
    sender: SendRequest<Body>,
    /// `None` once the connection has ended. In a box, since connections are moved and the driver is large.
    driver: Option<Pin<Box<Driver>>>,
    waker: CallWaker,
}

/// The response to a request, or the request if the connection has not taken it.
pub(super) type Taken = Result<Response<Incoming>, TrySendError<Request<Body>>>;

/// The reason why there is no response.
pub(super) enum Unanswered {
    /// The connection had ended before it took the request, which is given back.
    NotTaken(Box<Request<Body>>, hyper::Error),
    Lost(hyper::Error),
}

impl Connection {
    /// Begins an HTTP/1 connection, which sends nothing yet.
    ///
    /// # Errors
    ///
    /// That of hyper.
    pub(super) async fn new(connected: Connected) -> io::Result<Self> {
        let Connected { socket, address } = connected;
        let begun = http1::handshake(TokioIo::new(socket)).await;
        let (sender, driver) = begun.map_err(io::Error::other)?;
        Ok(Self {
            address,
            sender,
            driver: Some(Box::pin(driver)),
            waker: CallWaker::new(),
        })
    }

    /// Returns whether a call may be given the connection, without looking for its end: a connection that the server has
    /// closed gives the request back.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Returns whether a call may use the connection. It finds out whether the server has closed it.
    pub(super) fn is_open(&mut self) -> bool {
        let mut look = pin!(unconstrained(poll_fn(|context| {
            Self::drive(&mut self.driver, context);
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })));
        // Nothing waits for it, so that the request which is given to it next wakes nobody.
        let looked = look.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        looked == Poll::Ready(true)
    }

    /// Reads and writes as far as possible.
    fn drive(driver: &mut Option<Pin<Box<Driver>>>, context: &mut Context<'_>) {
        let has_ended = |driver: &mut Pin<Box<Driver>>| driver.as_mut().poll(context).is_ready();
        // The end of the driver tells what waits for it.
        drop(driver.take_if(has_ended));
    }

    /// Polls what only the driver brings forward: it alone wakes the caller. What is polled must not ask to be polled again
    /// for other reasons, as tokio's futures do that have been polled often: see [`unconstrained`].
    pub(super) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut without_waker = Context::from_waker(Waker::noop());
        self.waker.begin(context.waker());
        let mut polled = poll(&mut without_waker);
        for _ in 0..ROUNDS {
            if polled.is_ready() {
                break;
            }
            self.waker.forget();
            Self::drive(&mut self.driver, &mut self.waker.context());
            polled = poll(&mut without_waker);
            if !self.waker.is_woken() {
                break;
            }
        }
        self.waker.end(polled.is_pending());
        polled
    }

    /// Takes a request, and returns what [`answer`](Self::answer) waits for.
    pub(super) fn begin(&mut self, request: Request<Body>) -> impl Future<Output = Taken> + use<> {
        unconstrained(self.sender.try_send_request(request))
    }

    /// Sends a request that was begun, and returns the head of the response.
    pub(super) async fn answer(
        &mut self,
        mut begun: Pin<&mut impl Future<Output = Taken>>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let response =
            poll_fn(|context| self.poll(context, |context| begun.as_mut().poll(context)));
        response
            .await
            .map_err(|mut error| match error.take_message() {
                Some(request) => Unanswered::NotTaken(Box::new(request), error.into_error()),
                None => Unanswered::Lost(error.into_error()),
            })
    }
}
