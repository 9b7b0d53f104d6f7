//! The built-in transport as a service, which layers are around.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ::http::{Request, Response, Version, request};
use bytes::Bytes;
use h2::RecvStream;
use http_body::Frame;

use super::exchange::{Incoming, MAX_REPEATED, Sent, lost, open, send};
use super::pool::{Lease, Pool};
use super::{Connections, Failure, Grpc};
use crate::codec::EncodedBody;
use crate::error::Error;
use crate::transport::Route;
use crate::transport::diagnosis::{self, BoxError};
use crate::transport::request::Abandoned;
use crate::transport::service::{Attempt, Body, Parts, Responding, Transport};

impl Transport for Grpc {
    fn respond(self: Arc<Self>, request: Request<Body>) -> Responding {
        Box::pin(async move { Ok(self.serve(request).await?) })
    }
}

impl Grpc {
    /// Sends a request and returns the response, whose body keeps the lease of the connection.
    async fn serve(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let attempt = Attempt::of(request.body());
        let pool = match &self.connections {
            Connections::Pools(pools) => pools.get()?,
            Connections::Service(_) => unreachable!("these layers are around our own connections"),
        };
        match self.lease_and_send(&pool, request, &attempt).await {
            Ok((head, sent)) => {
                self.diagnosis.saw_reply();
                let (head, stream) = head.into_parts();
                let reply = Reply {
                    body: Incoming::new(stream),
                    sent: Some(sent),
                    grpc: self,
                    attempt,
                };
                Ok(Response::from_parts(head, Body::new(reply)))
            }
            Err(failure) => Err(self.served_error(failure, &attempt)),
        }
    }

    fn served_error(&self, failure: Failure, attempt: &Attempt) -> Error {
        let route = Route {
            method: attempt.method,
            name: attempt.method.into(),
            grpc_path: "",
        };
        self.error(&route, failure, &attempt.state, attempt.started)
    }

    /// Sends a request over a connection of the pool. One that the server has certainly not processed is sent again at
    /// once, if its bytes are known.
    async fn lease_and_send(
        &self,
        pool: &Arc<Pool>,
        request: Request<Body>,
        attempt: &Attempt,
    ) -> Result<Answer, Failure> {
        let (head, body) = request.into_parts();
        let body = match body.into_parts() {
            Parts::Whole(body) => body,
            Parts::Stream(body) => {
                let lease = pool.lease().await.map_err(Failure::Dial)?;
                return send_stream(lease, &head, body, attempt).await;
            }
        };
        let mut repeated = 0;
        loop {
            let lease = pool.lease().await.map_err(Failure::Dial)?;
            match send_whole(lease, &head, body.clone(), attempt).await {
                Err(Failure::Lost(_)) if attempt.state.is_unsent() && repeated < MAX_REPEATED => {
                    repeated += 1;
                }
                ended => return ended,
            }
        }
    }
}

/// The head of a response with its stream, and the call that has got it.
type Answer = (Response<RecvStream>, Sent<Lease>);

/// Sends a request whose bytes are known.
async fn send_whole(
    mut lease: Lease,
    head: &request::Parts,
    body: EncodedBody,
    attempt: &Attempt,
) -> Result<Answer, Failure> {
    let writes = lease.connection.activity().writes();
    let (response, stream) = open(&mut lease, head_of(head))?;
    if !attempt.state.send(0) {
        return Err(Failure::lost(Abandoned));
    }
    let sent = Sent::new(lease, attempt.ends);
    // If the stream has ended already, the response says why.
    let _ = send(stream, body);
    match response.await {
        Ok(response) => Ok((response, sent)),
        Err(error) => {
            let connection = sent.connection();
            if diagnosis::is_refused(&error) || connection.activity().writes() == writes {
                attempt.state.take_back();
            }
            let failure = lost(connection, error);
            sent.has_ended();
            Err(failure)
        }
    }
}

/// Sends a request whose body is a layer's.
async fn send_stream(
    mut lease: Lease,
    head: &request::Parts,
    mut body: Body,
    attempt: &Attempt,
) -> Result<Answer, Failure> {
    let (response, mut stream) = open(&mut lease, head_of(head))?;
    // Nothing tells when it leaves.
    attempt.state.send(0);
    let sent = Sent::new(lease, attempt.ends);
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(Failure::Service)?.into_data();
        // If the stream has ended already, the response says why.
        let _ = stream.send_data(data.unwrap_or_default(), false);
    }
    let _ = stream.send_data(Bytes::new(), true);
    match response.await {
        Ok(response) => Ok((response, sent)),
        Err(error) => {
            let failure = lost(sent.connection(), error);
            sent.has_ended();
            Err(failure)
        }
    }
}

fn head_of(head: &request::Parts) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    request
}

/// The body of a response. If it is dropped although nothing has arrived for some time, the connection may be dead.
struct Reply {
    body: Incoming,
    /// `None` once the body has ended.
    sent: Option<Sent<Lease>>,
    grpc: Arc<Grpc>,
    attempt: Attempt,
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
            frame => frame,
        };
        let Some(sent) = self.sent.take() else {
            return Poll::Ready(None);
        };
        let frame = frame.map(|frame| {
            frame.map_err(|error| {
                let failure = lost(sent.connection(), error);
                self.grpc.served_error(failure, &self.attempt).into()
            })
        });
        sent.has_ended();
        Poll::Ready(frame)
    }
}
