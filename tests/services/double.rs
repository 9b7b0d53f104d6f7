//! A service that a function is, and its replies over both protocols.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use centrifugo_api::bytes::Bytes;
use centrifugo_api::prost::Message;
use centrifugo_api::service::Body;
use centrifugo_api::{Client, ClientBuilder, PublishResponse, PublishResult};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use tower_service::Service;

use crate::KEY;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;
pub(crate) type Answer = Result<Response<Body>, BoxError>;
pub(crate) type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A protocol of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Http,
    Grpc,
}

impl Over {
    /// Returns the protocols that are compiled in.
    pub(crate) fn all() -> Vec<Self> {
        let compiled = [
            (Self::Http, cfg!(feature = "service")),
            (Self::Grpc, cfg!(feature = "grpc")),
        ];
        let compiled = compiled.into_iter().filter(|(_, is_compiled)| *is_compiled);
        compiled.map(|(over, _)| over).collect()
    }

    pub(crate) fn url(self) -> &'static str {
        match self {
            Self::Http => "http://centrifugo:8000/api",
            Self::Grpc => "grpc://centrifugo:10000",
        }
    }

    /// Returns the builder of a client whose calls a service takes.
    pub(crate) fn service<S>(self, service: S) -> ClientBuilder
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        self.service_of(Client::builder(self.url()).api_key(KEY), service)
    }

    pub(crate) fn service_of<S>(self, builder: ClientBuilder, service: S) -> ClientBuilder
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        match self {
            #[cfg(feature = "service")]
            Self::Http => builder.http_service(service),
            #[cfg(feature = "grpc")]
            Self::Grpc => builder.grpc_service(service),
            #[allow(unreachable_patterns)]
            _ => unreachable!("the protocol is not compiled in"),
        }
    }

    /// Returns the builder of a client whose calls a function answers.
    pub(crate) fn double<F, A>(self, answer: F) -> ClientBuilder
    where
        F: Fn(Request<Body>) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        self.service(Double::new(answer))
    }

    /// Returns the reply of a publication.
    pub(crate) fn published(self, offset: u64) -> Response<Body> {
        let mut result = PublishResult::default();
        result.offset = offset;
        let mut response = PublishResponse::default();
        response.result = Some(result);
        match self {
            Self::Http => self.reply(serde_json::to_vec(&response).expect("it has a JSON form")),
            Self::Grpc => self.reply(framed(&response.encode_to_vec())),
        }
    }

    /// Returns a reply with that body, which over gRPC ends without an error.
    pub(crate) fn reply(self, body: impl Into<Bytes>) -> Response<Body> {
        let body = body.into();
        match self {
            Self::Http => Response::new(body.into()),
            Self::Grpc => {
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
                let frames = [Ok(Frame::data(body)), Ok(Frame::trailers(trailers))];
                Response::new(Body::new(Frames::from(frames)))
            }
        }
    }
}

/// Returns a gRPC frame around a message.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    let mut frame = vec![0];
    frame.extend(length.to_be_bytes());
    frame.extend(message);
    frame
}

/// A service that a function is, and the number of requests that it got.
#[derive(Clone)]
pub(crate) struct Double {
    answer: Arc<dyn Fn(Request<Body>) -> Answering + Send + Sync>,
    uris: Arc<Mutex<Vec<String>>>,
}

impl Double {
    pub(crate) fn new<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Body>) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        Self {
            answer: Arc::new(move |request| Box::pin(answer(request))),
            uris: Arc::default(),
        }
    }

    /// Returns the URIs of the requests so far.
    pub(crate) fn uris(&self) -> Vec<String> {
        let uris = self.uris.lock().unwrap_or_else(PoisonError::into_inner);
        uris.clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.uris().len()
    }
}

impl Service<Request<Body>> for Double {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answering;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let uri = request.uri().to_string();
        let uris = self.uris.lock();
        uris.unwrap_or_else(PoisonError::into_inner).push(uri);
        (self.answer)(request)
    }
}

/// A body of these frames. With an empty queue it ends.
pub(crate) struct Frames(VecDeque<Result<Frame<Bytes>, BoxError>>);

impl<const N: usize> From<[Result<Frame<Bytes>, BoxError>; N]> for Frames {
    fn from(frames: [Result<Frame<Bytes>, BoxError>; N]) -> Self {
        Self(frames.into())
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// Reads all bytes of a request, after which it counts as sent.
pub(crate) async fn read(request: Request<Body>) -> Result<Bytes, BoxError> {
    request.into_body().bytes().await
}
