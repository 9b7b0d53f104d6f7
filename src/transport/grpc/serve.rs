//! The built-in transport as a service, which layers are around.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::http::{Request, Response, Version, request};
use bytes::Bytes;
use h2::RecvStream;
use http_body::Frame;

use super::exchange::{Incoming, MAX_REPEATED, Sent, lost, open, send};
use super::pool::{Lease, Pool};
use super::{Connections, Failure, Grpc};
use crate::codec::EncodedBody;
use crate::error::Error;
use crate::transport::diagnosis::{self, BoxError};
use crate::transport::request::Abandoned;
use crate::transport::service::{Body, Parts, Responding, Transport};
use crate::transport::{Route, SendState};

/// The time of a request that is not that of a call, because a layer has made it.
const ANY_TIME: Duration = Duration::from_secs(3600);

impl Transport for Grpc {
    fn respond(self: Arc<Self>, request: Request<Body>) -> Responding {
        Box::pin(async move { Ok(self.serve(request).await?) })
    }
}

/// The facts about a request for its errors.
#[derive(Clone)]
struct Facts {
    method: &'static str,
    state: SendState,
    started: Instant,
    ends: Instant,
}

impl Facts {
    fn of(body: &Body) -> Self {
        let started = Instant::now();
        let call = body.call();
        Self {
            method: call.map_or("call", |call| call.method),
            state: body.state(),
            started,
            ends: call.map_or_else(|| started + ANY_TIME, |call| call.ends),
        }
    }
}

impl Grpc {
    /// Sends a request and returns the response, whose body keeps the lease of the connection.
    async fn serve(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Error> {
        let facts = Facts::of(request.body());
        let pool = match &self.connections {
            Connections::Pools(pools) => pools.get()?,
            Connections::Service(_) => unreachable!("these layers are around our own connections"),
        };
        match self.lease_and_send(&pool, request, &facts).await {
            Ok((head, sent)) => {
                self.diagnosis.saw_reply();
                let (head, stream) = head.into_parts();
                let reply = Reply {
                    body: Incoming::new(stream),
                    sent: Some(sent),
                    grpc: self,
                    facts,
                };
                Ok(Response::from_parts(head, Body::new(reply)))
            }
            Err(failure) => Err(self.served_error(failure, &facts)),
        }
    }

    fn served_error(&self, failure: Failure, facts: &Facts) -> Error {
        let route = Route {
            method: facts.method,
            name: facts.method.into(),
            grpc_path: "",
        };
        self.error(&route, failure, &facts.state, facts.started)
    }

    /// Sends a request over a connection of the pool. One that the server has certainly not processed is sent again at
    /// once, if its bytes are known.
    async fn lease_and_send(
        &self,
        pool: &Arc<Pool>,
        request: Request<Body>,
        facts: &Facts,
    ) -> Result<Answer, Failure> {
        let (head, body) = request.into_parts();
        let body = match body.into_parts() {
            Parts::Whole(body) => body,
            Parts::Stream(body) => {
                let lease = pool.lease().await.map_err(Failure::Dial)?;
                return send_stream(lease, &head, body, facts).await;
            }
        };
        let mut repeated = 0;
        loop {
            let lease = pool.lease().await.map_err(Failure::Dial)?;
            match send_whole(lease, &head, body.clone(), facts).await {
                Err(Failure::Lost(_)) if facts.state.is_unsent() && repeated < MAX_REPEATED => {
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
    lease: Lease,
    head: &request::Parts,
    body: EncodedBody,
    facts: &Facts,
) -> Result<Answer, Failure> {
    let writes = lease.connection.activity().writes();
    let (response, stream) = open(&lease.connection, head_of(head)).await?;
    if !facts.state.send(0) {
        return Err(Failure::lost(Abandoned));
    }
    let sent = Sent::new(lease, facts.ends);
    // If the stream has ended already, the response says why.
    let _ = send(stream, body);
    match response.await {
        Ok(response) => Ok((response, sent)),
        Err(error) => {
            let connection = sent.connection();
            if diagnosis::is_refused(&error) || connection.activity().writes() == writes {
                facts.state.take_back();
            }
            let failure = lost(connection, error);
            sent.has_ended();
            Err(failure)
        }
    }
}

/// Sends a request whose body is a layer's.
async fn send_stream(
    lease: Lease,
    head: &request::Parts,
    mut body: Body,
    facts: &Facts,
) -> Result<Answer, Failure> {
    let (response, mut stream) = open(&lease.connection, head_of(head)).await?;
    // Nothing tells when it leaves.
    facts.state.send(0);
    let sent = Sent::new(lease, facts.ends);
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
    facts: Facts,
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
                self.grpc.served_error(failure, &self.facts).into()
            })
        });
        sent.has_ended();
        Poll::Ready(frame)
    }
}
