//! Transports of the user's own, and layers around transports.

use std::error::Error as StdError;

use bytes::Bytes;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::ClientBuilder;
use crate::transport::service::{Body, HttpTransport};

type BoxError = Box<dyn StdError + Send + Sync>;

/// # Transports of your own
///
/// The module [`service`](crate::service) says what they must do, and what this crate promises with them.
impl ClientBuilder {
    /// Sends the calls over HTTP through a service of your own, instead of connections of this crate: for tests, for
    /// another HTTP client, and for WebAssembly. Several nodes share the service; the request's URI names the node.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use centrifugo_api::http::{Request, Response};
    /// use centrifugo_api::service::Body;
    /// use centrifugo_api::{Client, PublishRequest};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), centrifugo_api::Error> {
    /// let double = tower::service_fn(async |request: Request<Body>| {
    ///     assert_eq!(request.uri().path(), "/api/publish");
    ///     Ok::<_, Infallible>(Response::new(r#"{"result":{"offset":7}}"#.to_owned()))
    /// });
    /// let client = Client::builder("http://centrifugo/api").http_service(double).build()?;
    /// let result = client.publish(PublishRequest::new("news", "{}")).await?;
    /// assert_eq!(result.offset, 7);
    /// # Ok(()) }
    /// ```
    ///
    /// The double is one of the crate `tower`, with its feature `util`. That crate is not needed: the module
    /// [`service`](crate::service) has a service without it.
    #[cfg(feature = "service")]
    #[cfg_attr(docsrs, doc(cfg(feature = "service")))]
    pub fn http_service<S, B>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.own.http.service = Some(HttpTransport::of_service(service));
        self
    }

    /// Puts a layer around the HTTP transport, to sign, record or disturb requests: around the connections of this
    /// crate, or around an [`http_client`](Self::http_client) or [`http_service`](Self::http_service), whichever is
    /// given first. Each attempt of each call passes it.
    ///
    /// A request passes the layers in the order in which they were added, as with tower's `ServiceBuilder`: the first
    /// one is the outermost. Each node gets its own service from the layer.
    ///
    /// ```
    /// use std::task::{Context, Poll};
    ///
    /// use centrifugo_api::Client;
    /// use centrifugo_api::http::{HeaderValue, Request};
    /// use centrifugo_api::service::{Body, HttpTransport};
    /// use tower_layer::layer_fn;
    ///
    /// /// Signs each request.
    /// #[derive(Clone)]
    /// struct Signed(HttpTransport);
    ///
    /// impl tower_service::Service<Request<Body>> for Signed {
    ///     type Response = <HttpTransport as tower_service::Service<Request<Body>>>::Response;
    ///     type Error = <HttpTransport as tower_service::Service<Request<Body>>>::Error;
    ///     type Future = <HttpTransport as tower_service::Service<Request<Body>>>::Future;
    ///
    ///     fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
    ///         self.0.poll_ready(context)
    ///     }
    ///
    ///     fn call(&mut self, mut request: Request<Body>) -> Self::Future {
    ///         let signature = sign(&request.body().peek().unwrap_or_default());
    ///         request.headers_mut().insert("x-signature", signature);
    ///         self.0.call(request)
    ///     }
    /// }
    ///
    /// fn sign(body: &[u8]) -> HeaderValue {
    ///     HeaderValue::from(body.len())
    /// }
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let client = Client::builder("http://localhost:8000/api").http_layer(layer_fn(Signed)).build()?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "service")]
    #[cfg_attr(docsrs, doc(cfg(feature = "service")))]
    pub fn http_layer<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<HttpTransport> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.own.http.add(layer);
        self
    }

    /// Sends the calls over gRPC through a service of your own. A request is a whole gRPC request: a POST to
    /// `/package.Service/Method` whose body is one message in a frame; the response's body ends with the trailers. The
    /// service speaks HTTP/2 to the authority in the request's URI.
    ///
    /// A tonic channel is given to [`grpc_channel`](Self::grpc_channel) instead.
    #[cfg(feature = "grpc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
    pub fn grpc_service<S, B>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.own.grpc.service = Some(HttpTransport::of_service(service));
        self
    }

    /// Puts a layer around the gRPC transport: around the connections of this crate, or around a
    /// [`grpc_channel`](Self::grpc_channel) or [`grpc_service`](Self::grpc_service). The same as
    /// [`http_layer`](Self::http_layer), for gRPC requests; [`grpc_service`](Self::grpc_service) says what they are.
    #[cfg(feature = "grpc")]
    #[cfg_attr(docsrs, doc(cfg(feature = "grpc")))]
    pub fn grpc_layer<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<HttpTransport> + Send + Sync + 'static,
        L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.own.grpc.add(layer);
        self
    }
}
