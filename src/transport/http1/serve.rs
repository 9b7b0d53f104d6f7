//! Calls: a request, its response, and whose the connection is meanwhile.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::http::header::{HOST, PROXY_AUTHORIZATION};
use ::http::uri::PathAndQuery;
use ::http::{Request, Uri};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::Http1;
use super::connection::{Connection, Unanswered};
use super::desk::Lease;
use super::pool::Pool;
use crate::error::Error;
use crate::transport::diagnosis::BoxError;
use crate::transport::service::{Attempt, Body, Responding, Transport};

/// The time after which a call that is dropped tells as much about its connection as one that has timed out.
const LONG: Duration = Duration::from_secs(1);

impl Transport for Http1 {
    fn respond(self: Arc<Self>, request: Request<Body>) -> Responding {
        let attempt = Attempt::of(request.body());
        let request = self.with_host(request);
        self.serve(request, attempt)
    }
}

impl Http1 {
    /// Sends a request and returns the response, whose body keeps the connection until it has been read.
    ///
    /// A block in place of an `async fn`, which would keep its arguments twice.
    fn serve(self: Arc<Self>, mut request: Request<Body>, attempt: Attempt) -> Responding {
        Box::pin(async move {
            let pool = self.pools.get()?;
            loop {
                let lease = pool.lease().await;
                let Lease {
                    mut connection,
                    is_used,
                } = lease.map_err(|error| self.not_connected(&attempt, error))?;
                attempt.state.set_peer(connection.address);
                let watch = Watch::start(&pool, connection.address, attempt.ends);
                let begun = pin!(connection.begin(request));
                match connection.answer(begun).await {
                    Ok(response) => {
                        self.diagnosis.saw_reply();
                        let exchange = Exchange {
                            http: self,
                            attempt,
                            connection,
                            is_used,
                            watch,
                        };
                        return Ok(response.map(|body| Body::new(Reply::new(body, exchange))));
                    }
                    // The server has closed it while it was idle.
                    Err(Unanswered::NotTaken(given_back, _)) if is_used => {
                        watch.end();
                        request = *given_back;
                    }
                    Err(Unanswered::NotTaken(_, error) | Unanswered::Lost(error)) => {
                        watch.end();
                        let error = self.lost(&attempt, connection.address, is_used, error);
                        return Err(error.into());
                    }
                }
            }
        })
    }

    /// Returns a request as HTTP/1 has it: with the path as its URI, unless a proxy sends it on, and with the headers that
    /// belong to the connection.
    fn with_host(&self, mut request: Request<Body>) -> Request<Body> {
        if !self.has_forwarding_proxy {
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        }
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert_with(|| self.host.clone());
        if let Some(authorization) = &self.proxy_authorization {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        request
    }
}

/// The watch over a call on a connection. If the call is dropped although nothing has arrived for some time, the server
/// may be gone.
struct Watch {
    pool: Arc<Pool>,
    address: Option<SocketAddr>,
    sent: Instant,
    ends: Instant,
    is_over: bool,
}

impl Watch {
    fn start(pool: &Arc<Pool>, address: Option<SocketAddr>, ends: Instant) -> Self {
        Self {
            pool: Arc::clone(pool),
            address,
            sent: Instant::now(),
            ends,
            is_over: false,
        }
    }

    /// Ends the watch over a call that has got its outcome.
    fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let has_waited = self.ends <= Instant::now() || self.sent.elapsed() >= LONG;
        if has_waited {
            self.pool.unanswered(self.address, self.sent);
        }
    }
}

/// A call on a connection whose response has begun.
struct Exchange {
    http: Arc<Http1>,
    attempt: Attempt,
    connection: Connection,
    is_used: bool,
    watch: Watch,
}

impl Exchange {
    /// Gives the connection to other calls.
    fn complete(self) {
        self.watch.pool.take_back(self.connection);
        self.watch.end();
    }

    /// Returns the error of a response that ended early.
    fn lost(self, error: hyper::Error) -> Error {
        let address = self.connection.address;
        let error = self.http.lost(&self.attempt, address, self.is_used, error);
        self.watch.end();
        error
    }
}

/// The body of a response. Once it has ended, other calls use its connection.
struct Reply {
    body: Incoming,
    /// `None` once the body has ended.
    exchange: Option<Exchange>,
}

impl Reply {
    fn new(body: Incoming, exchange: Exchange) -> Self {
        Self {
            body,
            exchange: Some(exchange),
        }
    }
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { body, exchange } = &mut *self;
        let Some(running) = exchange else {
            return Poll::Ready(None);
        };
        let poll = |context: &mut Context<'_>| Pin::new(&mut *body).poll_frame(context);
        let frame = ready!(running.connection.poll(context, poll));
        if let Some(Ok(frame)) = frame {
            return Poll::Ready(Some(Ok(frame)));
        }
        let ended = exchange.take();
        match (frame, ended) {
            (Some(Err(error)), Some(ended)) => Poll::Ready(Some(Err(ended.lost(error).into()))),
            (_, Some(ended)) => {
                ended.complete();
                Poll::Ready(None)
            }
            (_, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.exchange.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
