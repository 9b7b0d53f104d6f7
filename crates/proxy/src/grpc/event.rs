//! Events with one answer.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tonic::{Code, Status};
use tower_service::Service;

use super::{GrpcFuture, GrpcService, status};
use crate::event::{DetailsSlot, EventKind, EventMessage, Head};
use crate::failure::{BoxError, Failure};
use crate::handlers::{Answer, Begun, Caught, Handlers, Work, begin};
use crate::observe::{EventStart, Summary, Transport};

/// The outcome of a handler, which the code around tonic's does not see in the response.
#[derive(Default)]
pub(super) struct Told(OnceLock<Result<Summary, Failure>>);

impl Told {
    pub(super) fn tell(&self, outcome: Result<Summary, Failure>) {
        // This is called once per event, since a handler answers once.
        let _ = self.0.set(outcome);
    }

    /// Tells a failure, and returns its status.
    pub(super) fn failed(&self, failure: Failure) -> Status {
        let status = status(&failure);
        self.tell(Err(failure));
        status
    }

    /// Returns the outcome that the handler told, or else that of a message which could not be read.
    pub(super) fn outcome(self, response: Response<Body>, limit: usize) -> Work<Response<Body>> {
        match self.0.into_inner() {
            Some(Ok(summary)) => Ok((response, summary)),
            Some(Err(failure)) => Err(failure),
            None => Err(unreadable(&response, limit)),
        }
    }
}

impl GrpcService {
    /// Returns the response. Each event has a future of its own, so that none is as large as the largest; it is created in its
    /// box, since it is large.
    pub(super) fn event<M, B>(self, request: Request<B>) -> GrpcFuture
    where
        M: EventMessage,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        Box::pin(async move {
            let begun = self.begin(Some(M::KIND), &request);
            let details = details(&begun);
            let work = pin!(async {
                check_head(&request)?;
                let told = Told::default();
                let unary = Unary::<M> {
                    handlers: &self.handlers,
                    told: &told,
                    details: &details,
                    message: PhantomData,
                };
                let mut codec = self.codec::<M, M::Response>(request.headers());
                let response = codec.unary(unary, request).await;
                told.outcome(response, self.handlers.parts().body_limit)
            });
            respond(begun, work).await
        })
    }

    /// Answers a call to an rpc that is not in the schema.
    pub(super) async fn unknown<B>(
        self,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible> {
        let begun = self.begin(None, &request);
        let work = pin!(async move {
            check_head(&request)?;
            Err(Failure::NoHandler(request.uri().path().to_owned()))
        });
        respond(begun, work).await
    }

    /// Begins an event, of which observers see the head.
    pub(super) fn begin<B>(
        &self,
        kind: Option<EventKind>,
        request: &Request<B>,
    ) -> Result<Begun<'_>, Failure> {
        let start = EventStart {
            kind,
            transport: Transport::Grpc,
            headers: request.headers(),
            extensions: request.extensions(),
        };
        begin(&self.handlers, &start)
    }
}

/// Returns where the work on an event puts its details. Nothing works on an event whose caller may not ask.
pub(super) fn details(begun: &Result<Begun<'_>, Failure>) -> DetailsSlot {
    begun.as_ref().map(Begun::details).unwrap_or_default()
}

/// Returns the response to an event that has begun, unless the caller may not ask.
pub(super) async fn respond(
    begun: Result<Begun<'_>, Failure>,
    work: Pin<&mut impl Future<Output = Work<Response<Body>>>>,
) -> Result<Response<Body>, Infallible> {
    let answered = match begun {
        Ok(begun) => begun.run(work).await,
        Err(failure) => Err(failure),
    };
    Ok(answered.unwrap_or_else(|failure| status(&failure).into_http()))
}

/// Checks that a request is one of gRPC, which tonic does not.
pub(super) fn check_head<B>(request: &Request<B>) -> Result<(), Failure> {
    if request.method() != Method::POST {
        return Err(Failure::Method);
    }
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.map_or(&[][..], HeaderValue::as_bytes);
    // As in `application/grpc+proto`.
    let Some(rest) = content_type.strip_prefix(b"application/grpc") else {
        return Err(Failure::ContentType("application/grpc"));
    };
    if matches!(rest.first(), None | Some(b'+' | b';')) {
        return Ok(());
    }
    Err(Failure::ContentType("application/grpc"))
}

fn unreadable(response: &Response<Body>, limit: usize) -> Failure {
    let status = Status::from_header_map(response.headers());
    let status = status.unwrap_or_else(|| Status::unknown("there is no message"));
    unread(&status, limit)
}

/// Returns the failure of a message that tonic could not read.
pub(super) fn unread(status: &Status, limit: usize) -> Failure {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Failure::TooLarge(limit),
        _ => Failure::request(status.message()),
    }
}

/// A handler as tonic calls it, once per request.
struct Unary<'a, M> {
    handlers: &'a Handlers,
    told: &'a Told,
    details: &'a DetailsSlot,
    message: PhantomData<fn() -> M>,
}

impl<'a, M: EventMessage> Service<tonic::Request<M>> for Unary<'a, M> {
    type Response = tonic::Response<M::Response>;
    type Error = Status;
    type Future = Answering<'a, M::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<M>) -> Self::Future {
        let (metadata, extensions, message) = request.into_parts();
        let head = Head::new(metadata.into_headers(), extensions);
        let handlers = self.handlers;
        Answering {
            answer: handlers.start(message, head, self.details, |format| format),
            told: self.told,
        }
    }
}

/// The answer of a handler, for tonic.
struct Answering<'a, R: 'static> {
    answer: Caught<Answer<R>>,
    told: &'a Told,
}

impl<R> Future for Answering<'_, R> {
    type Output = Result<tonic::Response<R>, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(Pin::new(&mut self.answer).poll(context));
        Poll::Ready(match answered {
            Ok(answer) => {
                self.told.tell(Ok(answer.summary));
                Ok(tonic::Response::new(answer.response))
            }
            Err(failure) => Err(self.told.failed(failure)),
        })
    }
}
