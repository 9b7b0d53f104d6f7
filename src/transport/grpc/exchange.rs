//! Calls over connections of our own.

use std::borrow::Borrow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::http::uri::PathAndQuery;
use ::http::{Method, Request, Uri, Version};
use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http_body::Frame;

use super::connection::Connection;
use super::failure::Lost;
use super::pool::{Lease, Pool};
use super::reply::read;
use super::{Failure, Grpc};
use crate::codec::EncodedBody;
use crate::error::NOT_TAKEN;
use crate::transport::diagnosis::{self, BoxError};
use crate::transport::request::Abandoned;
use crate::transport::service::{Body, Call, HttpTransport};
use crate::transport::{OutgoingRequest, Route};

/// The maximal number of repetitions of an attempt that the server has certainly not processed.
pub(super) const MAX_REPEATED: usize = 3;

/// The time after which a call that is dropped tells as much about its connection as one that has timed out.
const LONG: Duration = Duration::from_secs(1);

impl Grpc {
    /// Makes a call over a connection of the pool. A request that the server has certainly not processed is sent
    /// again at once, whatever its method.
    pub(super) async fn call(
        &self,
        route: &Route<'_>,
        pool: &Arc<Pool>,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Bytes, Failure> {
        let mut repeated = 0;
        loop {
            let lease = pool.lease().await.map_err(Failure::Dial)?;
            match self.exchange(route, lease, outgoing).await {
                Err(Failure::Lost(_)) if outgoing.state.is_unsent() && repeated < MAX_REPEATED => {
                    repeated += 1;
                }
                ended => return ended,
            }
        }
    }

    /// Sends a request and reads the reply.
    async fn exchange(
        &self,
        route: &Route<'_>,
        mut lease: Lease,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Bytes, Failure> {
        outgoing.state.set_peer(lease.connection.address);
        let writes = lease.connection.activity().writes();
        let head = self.head(route, outgoing)?;
        let (response, stream) = open(&mut lease, head)?;
        if !outgoing.state.send(0) {
            return Err(Failure::lost(Abandoned));
        }
        let call = Sent::new(&lease, outgoing.ends);
        let connection = call.connection();
        // If the stream has ended already, the response says why.
        let _ = send(stream, self.body(outgoing));
        let response = match response.await {
            Ok(response) => response.map(Incoming::new),
            Err(error) => {
                if diagnosis::is_refused(&error) || connection.activity().writes() == writes {
                    outgoing.state.take_back();
                }
                let failure = lost(connection, error);
                call.has_ended();
                return Err(failure);
            }
        };
        self.diagnosis.saw_reply();
        let reply = read(response, self.expected, |error| lost(connection, error)).await;
        call.has_ended();
        reply
    }

    /// Makes a call through a service.
    pub(super) async fn call_service(
        &self,
        route: &Route<'_>,
        service: &HttpTransport,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Bytes, Failure> {
        let state = outgoing.state.clone();
        let call = Call {
            method: route.method,
            ends: outgoing.ends,
        };
        let body = Body::of_call(self.body(outgoing), state, call);
        let request = self.head(route, outgoing)?.map(|()| body);
        let response = service.send(request).await.map_err(Failure::Service)?;
        outgoing.state.answered();
        self.diagnosis.saw_reply();
        read(response, self.expected, Failure::Service).await
    }

    /// Returns the head of a request.
    fn head(
        &self,
        route: &Route<'_>,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Request<()>, Failure> {
        let mut uri = ::http::uri::Parts::default();
        uri.scheme = Some(self.origin.scheme.clone());
        uri.authority = Some(self.origin.authority.clone());
        uri.path_and_query = Some(PathAndQuery::from_static(route.grpc_path));
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = Uri::from_parts(uri).map_err(Failure::lost)?;
        *request.headers_mut() = self.headers(outgoing);
        Ok(request)
    }
}

/// Opens a stream on a connection, with the head of a request.
pub(super) fn open(
    lease: &mut Lease,
    head: Request<()>,
) -> Result<(ResponseFuture, SendStream<Bytes>), Failure> {
    let sent = lease.sender.send_request(head, false);
    sent.map_err(|error| lost(&lease.connection, error))
}

/// Sends a body. HTTP/2 keeps what the server does not take yet.
pub(super) fn send(mut stream: SendStream<Bytes>, body: EncodedBody) -> Result<(), h2::Error> {
    let pieces = [body.head, body.payload, body.tail];
    let mut pieces = pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .peekable();
    while let Some(piece) = pieces.next() {
        stream.send_data(piece, pieces.peek().is_none())?;
    }
    Ok(())
}

/// Returns the failure of a call whose connection or stream ended.
pub(super) fn lost(connection: &Connection, error: h2::Error) -> Failure {
    let reason = match connection.given_up() {
        Some(reason) => Some(reason),
        None if diagnosis::is_refused(&error) => Some(NOT_TAKEN),
        None => None,
    };
    let error = if error.is_io() {
        // That of the connection: it has a kind.
        error.into_io().map(BoxError::from)
    } else {
        Some(error.into())
    };
    Failure::Lost(Lost {
        error: error.unwrap_or_else(|| "the connection ended".into()),
        address: connection.address,
        reason,
    })
}

/// A call that was sent. If it is dropped before it has ended, the connection may be dead.
pub(super) struct Sent<L: Borrow<Lease>> {
    lease: L,
    /// The time at which it was sent, as the connection counts time.
    at: u64,
    ends: Instant,
    has_ended: bool,
}

impl<L: Borrow<Lease>> Sent<L> {
    pub(super) fn new(lease: L, ends: Instant) -> Self {
        Self {
            at: lease.borrow().connection.activity().sent(),
            lease,
            ends,
            has_ended: false,
        }
    }

    pub(super) fn has_ended(mut self) {
        self.has_ended = true;
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.lease.borrow().connection
    }
}

impl<L: Borrow<Lease>> Drop for Sent<L> {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let waited = self.connection().activity().since(self.at);
        if waited >= LONG || self.ends <= Instant::now() {
            self.lease.borrow().unanswered(self.at);
        }
    }
}

/// The body of a response.
pub(super) struct Incoming {
    stream: RecvStream,
    has_all_data: bool,
}

impl Incoming {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            has_all_data: false,
        }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if !self.has_all_data {
            if let Some(data) = ready!(self.stream.poll_data(context)) {
                let data = data?;
                // The server may send as much again.
                let _ = self.stream.flow_control().release_capacity(data.len());
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            self.has_all_data = true;
        }
        let trailers = ready!(self.stream.poll_trailers(context))?;
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }
}
