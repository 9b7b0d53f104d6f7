//! Transports of your own, and layers around transports.
//!
//! A transport is a [`tower_service::Service`](https://docs.rs/tower-service) that takes an HTTP request and returns its
//! response: [`ClientBuilder::http_service`] for `http` and `https` URLs, `ClientBuilder::grpc_service` for `grpc` and
//! `grpcs` URLs. A layer is around a transport, that of this crate or yours: [`ClientBuilder::http_layer`] and
//! `ClientBuilder::grpc_layer`. The examples there are a test double and a signature. The types are those of the crates
//! `http`, `http-body` and `tower-service`.
//!
//! # What a service gets and gives
//!
//! - Each attempt of each call is one request; so is each batch that calls share. The URI is complete, and the method is
//!   POST. The key, the headers of the client and those of the call are set, apart from those that belong to a connection,
//!   such as `host` and `content-length`.
//! - Each request gets a clone of the service. It waits until the clone is ready.
//! - The service must follow no redirects: it would send the key to whatever server it is redirected to. The client
//!   follows none; a redirect is [`Error::Transport`].
//! - The client reads the body of the response up to
//!   [`max_response_size`](crate::ClientBuilder::max_response_size). A body that is shorter than its `content-length` is a
//!   lost connection.
//! - An error of the service is [`Error::Network`], whose source it is. An [`enum@Error`](crate::Error) that the service
//!   returns is the error of the attempt: that is how a layer plays a timeout or an error of Centrifugo.
//! - A service that panics ends the call with its panic, as any future does. Other calls go on, apart from those of the same
//!   [batch](crate::Client::coalescing): they end with an error.
//!
//! # What was sent
//!
//! The client must know whether a failed call may have run. It asks the [`Body`] of the request: as long as nothing has
//! asked that for bytes, and there is no response, the call was certainly not sent. It then goes on to another node, or is
//! attempted again, whatever its method. So a service or a layer takes the bytes out of the request's own body, and fails
//! before that if it can. A layer that sends a request twice makes a call that may run twice.
//!
//! # What this crate promises
//!
//! Retries, deadlines, several nodes, limits, coalescing, observers, errors and the compression of gRPC messages are the
//! same with a service of yours. What belongs to connections is up to the service, and the options for it are refused:
//!
//! - Nothing but the timeout of the call bounds the time for connecting, and no second address is tried while one does not
//!   reply.
//! - Connections that have died silently are not replaced, and a request that the server has refused unread is not sent
//!   again at once.
//! - Idle connections should be closed before the server does so, after 30 s over HTTP.
//! - TLS, proxies and Unix sockets are the service's, and its connections belong to whichever runtime made them.
//!
//! With layers around the transport of this crate all of that is as without them, as long as the layers pass the bodies of
//! requests and responses on. A body that a layer has put in the place of a request's is sent over one connection, without
//! the tries beside it.
//!
//! # WebAssembly
//!
//! With the feature `service` alone the crate builds for `wasm32-unknown-unknown`, for JavaScript's environments such as
//! Cloudflare Workers, whose `fetch` a service can call. Clock, timers and random numbers are JavaScript's. Futures and
//! values of JavaScript are not [`Send`], which a service must be: wrap them in `SendWrapper` of the crate
//! [`send_wrapper`](https://docs.rs/send_wrapper). There is one thread, so that this is safe.
//!
//! ```
//! use std::error::Error;
//! use std::future::{Future, Ready, ready};
//! use std::pin::Pin;
//! use std::task::{Context, Poll};
//!
//! use centrifugo_api::http::{Request, Response};
//! use centrifugo_api::service::Body;
//! # async fn fetch(_: String, _: Vec<u8>) -> Result<(u16, Vec<u8>), std::io::Error> { Ok((200, Vec::new())) }
//! # struct SendWrapper;
//! # impl SendWrapper { fn new<F>(future: F) -> F { future } }
//!
//! #[derive(Clone)]
//! struct Fetch;
//!
//! impl tower_service::Service<Request<Body>> for Fetch {
//!     type Response = Response<Body>;
//!     type Error = Box<dyn Error + Send + Sync>;
//!     type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;
//!
//!     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
//!         Poll::Ready(Ok(()))
//!     }
//!
//!     fn call(&mut self, request: Request<Body>) -> Self::Future {
//!         Box::pin(SendWrapper::new(async move {
//!             let (head, body) = request.into_parts();
//!             // The headers of `head` go with it.
//!             let (status, reply) = fetch(head.uri.to_string(), body.bytes().await?.to_vec()).await?;
//!             Ok(Response::builder().status(status).body(reply.into())?)
//!         }))
//!     }
//! }
//! ```
//!
//! [`ClientBuilder::http_service`]: crate::ClientBuilder::http_service
//! [`ClientBuilder::http_layer`]: crate::ClientBuilder::http_layer
//! [`Error::Network`]: crate::Error::Network
//! [`Error::Transport`]: crate::Error::Transport

mod body;
mod failure;
#[cfg(feature = "service")]
mod http;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{Request, Response};
use bytes::Bytes;
use tower_layer::Layer;
use tower_service::Service;

use super::diagnosis::BoxError;
#[cfg(any(feature = "grpc", feature = "_http"))]
pub(super) use body::Attempt;
pub use body::Body;
pub(super) use body::Call;
#[cfg(any(feature = "grpc", feature = "http"))]
pub(super) use body::Parts;
pub(super) use failure::Facts;
#[cfg(feature = "service")]
pub(super) use http::HttpService;

/// The transport to a node, as layers see it: a service that takes a request and returns its response.
///
/// [`ClientBuilder::http_layer`](crate::ClientBuilder::http_layer) and
/// `grpc_layer` hand it to the layer, one for each node. It is always ready, and
/// cheap to clone. Its errors are an [`enum@Error`](crate::Error) in a box, unless the transport is a service of your
/// own.
#[derive(Clone)]
pub struct HttpTransport(Arc<dyn Transport>);

/// The response of a transport.
pub(super) type Responding = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Outcome = Result<Response<Body>, BoxError>;

/// A transport of any type.
pub(super) trait Transport: Send + Sync {
    fn respond(self: Arc<Self>, request: Request<Body>) -> Responding;
}

/// A service of the user, of which each request gets a clone.
struct OwnService<S>(S);

impl<S, B> Transport for OwnService<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn respond(self: Arc<Self>, request: Request<Body>) -> Responding {
        let mut service = self.0.clone();
        Box::pin(async move {
            let is_ready = poll_fn(|context| service.poll_ready(context)).await;
            is_ready.map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(response.map(Body::new))
        })
    }
}

impl HttpTransport {
    /// Returns the transport that a service is.
    pub(crate) fn of_service<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Arc::new(OwnService(service)))
    }

    /// Returns a transport of this crate as layers see it.
    #[cfg(any(feature = "grpc", feature = "_http"))]
    pub(super) fn built_in(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }

    /// Sends a request.
    pub(super) fn send(&self, request: Request<Body>) -> Responding {
        Arc::clone(&self.0).respond(request)
    }
}

impl Service<Request<Body>> for HttpTransport {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.send(request)
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpTransport")
            .finish_non_exhaustive()
    }
}

/// The service and the layers that the user gave for one of the protocols.
#[derive(Clone, Default)]
pub(crate) struct Services {
    pub(crate) service: Option<HttpTransport>,
    /// In the order in which they were added.
    layers: Vec<Arc<dyn Fn(HttpTransport) -> HttpTransport + Send + Sync>>,
}

impl Services {
    /// Adds a layer within those that were added before.
    pub(crate) fn add<L, B>(&mut self, layer: L)
    where
        L: Layer<HttpTransport> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let wrap = move |transport| HttpTransport::of_service(layer.layer(transport));
        self.layers.push(Arc::new(wrap));
    }

    pub(crate) fn has_layers(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Returns whether there is a service or a layer.
    pub(super) fn are_used(&self) -> bool {
        self.service.is_some() || self.has_layers()
    }

    /// Returns a transport with the layers around it, of which the first is the outermost.
    pub(super) fn around(&self, transport: HttpTransport) -> HttpTransport {
        let layers = self.layers.iter().rev();
        layers.fold(transport, |inner, layer| layer(inner))
    }
}
