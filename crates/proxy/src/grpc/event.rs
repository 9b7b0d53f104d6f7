//! Events with one answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tonic::{Code, Status};
use tower_service::Service;

use super::{GrpcService, kind, status};
use crate::event::{EventMessage, Head};
use crate::failure::{BoxError, Failure};
use crate::handlers::{Handlers, Work, begin};
use crate::observe::{EventStart, Summary, Transport};

/// The outcome of a handler, which the code around tonic's does not see in the response.
pub(super) type Told = Arc<Mutex<Option<Result<Summary, Failure>>>>;

impl GrpcService {
    pub(super) async fn event<M, B>(self, request: Request<B>) -> Result<Response<Body>, Infallible>
    where
        M: EventMessage,
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let told = Told::default();
        let unary = Unary::<M> {
            handlers: self.handlers.clone(),
            told: Arc::clone(&told),
            message: std::marker::PhantomData,
        };
        let mut codec = self.codec::<M, M::Response>(request.headers());
        self.observe(request, told, async move |request| {
            codec.unary(unary, request).await
        })
        .await
    }

    /// Answers a call to an rpc that is not in the schema.
    pub(super) async fn unknown<B: HttpBody>(
        self,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible> {
        let path = request.uri().path().to_owned();
        let told = Told::default();
        tell(&told, Err(Failure::NoHandler(path)));
        self.observe(request, told, async |_| Response::new(Body::empty()))
            .await
    }

    /// Lets observers see the work on a request, whose outcome is in `told` afterwards.
    pub(super) async fn observe<B>(
        &self,
        request: Request<B>,
        told: Told,
        work: impl AsyncFnOnce(Request<B>) -> Response<Body>,
    ) -> Result<Response<Body>, Infallible> {
        let start = EventStart {
            kind: kind(request.uri().path()),
            transport: Transport::Grpc,
            headers: request.headers(),
            extensions: request.extensions(),
        };
        let limit = self.handlers.parts().body_limit;
        let answered = match begin(&self.handlers, &start) {
            Ok(begun) => {
                let work = async {
                    check_head(&request)?;
                    let response = work(request).await;
                    outcome(&told, response, limit)
                };
                begun.run(work).await
            }
            Err(failure) => Err(failure),
        };
        Ok(answered.unwrap_or_else(|failure| status(&failure).into_http()))
    }
}

/// Checks that a request is one of gRPC, which tonic does not.
fn check_head<B>(request: &Request<B>) -> Result<(), Failure> {
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

pub(super) fn tell(told: &Told, outcome: Result<Summary, Failure>) {
    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
}

/// Returns the outcome that the handler told, or else that of a message which could not be read.
fn outcome(told: &Told, response: Response<Body>, limit: usize) -> Work<Response<Body>> {
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
    match told {
        Some(Ok(summary)) => Ok((response, summary)),
        Some(Err(failure)) => Err(failure),
        None => Err(unreadable(&response, limit)),
    }
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
struct Unary<M> {
    handlers: Handlers,
    told: Told,
    message: std::marker::PhantomData<fn() -> M>,
}

impl<M: EventMessage> Service<tonic::Request<M>> for Unary<M> {
    type Response = tonic::Response<M::Response>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<M>) -> Self::Future {
        let handlers = self.handlers.clone();
        let told = Arc::clone(&self.told);
        let (metadata, extensions, message) = request.into_parts();
        let head = Head::new(metadata.into_headers(), extensions);
        let started = handlers.start(message, head, |format| format);
        Box::pin(async move {
            let answer = match started {
                Ok(answer) => answer.await,
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(answer) => {
                    tell(&told, Ok(answer.summary));
                    Ok(tonic::Response::new(answer.response))
                }
                Err(failure) => {
                    let status = status(&failure);
                    tell(&told, Err(failure));
                    Err(status)
                }
            }
        })
    }
}
