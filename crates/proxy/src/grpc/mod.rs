//! gRPC: a service of tonic with the same handlers.

mod event;
mod stream;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tower_service::Service;

use crate::event::EventKind;
use crate::failure::{BoxError, Failure};
use crate::handlers::Handlers;
use crate::messages::{
    ConnectRequest, MapPublishRequest, MapRemoveRequest, NotifyCacheEmptyRequest,
    NotifyChannelStateRequest, PublishRequest, RefreshRequest, RpcRequest,
    SharedPollRefreshRequest, SubRefreshRequest, SubscribeRequest,
};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The future of a response of [`GrpcService`].
pub type GrpcFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The handlers as a gRPC service, for a server of tonic, beside services of the application.
///
/// It reads messages with and without gzip, and compresses the response if the request was compressed. A failure is a status:
/// `Unauthenticated`, `Unimplemented` without a handler, `ResourceExhausted` above the limit, `InvalidArgument`,
/// `DeadlineExceeded`, or `Internal` without the cause. Centrifugo makes error 100 of all of them.
///
/// ```no_run
/// use centrifugo_proxy::{Caller, Handlers};
/// use tonic::transport::Server;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let handlers = Handlers::new(Caller::with_secret("s3cret")?);
/// Server::builder()
///     .max_concurrent_streams(10_000) // Each subscription with a stream takes one.
///     .add_service(handlers.grpc())
///     .serve("127.0.0.1:4000".parse()?)
///     .await?;
/// # Ok(()) }
/// ```
///
/// # Shutdown
///
/// When tonic's server shuts down (`serve_with_shutdown`), events in flight are answered. A stream stays open as long as the
/// handler's stream goes on, and holds the shutdown up. Give handlers' streams to [`stream_until`](crate::stream_until), which ends
/// them with the shutdown so that their clients subscribe again. After the usual end of a stream they never do.
///
/// A program that ends without waiting for its streams has the same effect, once Centrifugo sees their connection break.
#[derive(Clone)]
pub struct GrpcService {
    handlers: Handlers,
}

impl Handlers {
    /// Returns the gRPC service of all events.
    #[must_use]
    pub fn grpc(&self) -> GrpcService {
        GrpcService {
            handlers: self.clone(),
        }
    }
}

impl GrpcService {
    /// Returns the response.
    fn respond<B>(self, request: Request<B>) -> GrpcFuture
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        match kind(request.uri().path()) {
            Some(EventKind::Connect) => self.event::<ConnectRequest, B>(request),
            Some(EventKind::Refresh) => self.event::<RefreshRequest, B>(request),
            Some(EventKind::Subscribe) => self.event::<SubscribeRequest, B>(request),
            Some(EventKind::Publish) => self.event::<PublishRequest, B>(request),
            Some(EventKind::Rpc) => self.event::<RpcRequest, B>(request),
            Some(EventKind::SubRefresh) => self.event::<SubRefreshRequest, B>(request),
            Some(EventKind::MapPublish) => self.event::<MapPublishRequest, B>(request),
            Some(EventKind::MapRemove) => self.event::<MapRemoveRequest, B>(request),
            Some(EventKind::SharedPollRefresh) => {
                self.event::<SharedPollRefreshRequest, B>(request)
            }
            Some(EventKind::CacheEmpty) => self.event::<NotifyCacheEmptyRequest, B>(request),
            Some(EventKind::ChannelState) => self.event::<NotifyChannelStateRequest, B>(request),
            Some(EventKind::SubscribeUnidirectional) => Box::pin(self.unidirectional(request)),
            Some(EventKind::SubscribeBidirectional) => Box::pin(self.bidirectional(request)),
            None => Box::pin(self.unknown(request)),
        }
    }

    /// Returns what reads the messages of a request and writes those of its response, with gzip if the request has it: Go's
    /// clients say that they accept gzip even where nobody asked for compression.
    fn codec<M, R>(&self, headers: &HeaderMap) -> Grpc<ProstCodec<R, M>>
    where
        M: prost::Message + Default + 'static,
        R: prost::Message + Default + 'static,
    {
        let grpc = Grpc::new(ProstCodec::default())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(self.handlers.parts().body_limit);
        let encoding = headers.get(GRPC_ENCODING);
        if encoding.is_some_and(|encoding| encoding == "gzip") {
            grpc.send_compressed(CompressionEncoding::Gzip)
        } else {
            grpc
        }
    }
}

/// Returns the kind that a path names: `/centrifugal.centrifugo.proxy.CentrifugoProxy/Connect`.
fn kind(path: &str) -> Option<EventKind> {
    let rest = path
        .strip_prefix('/')?
        .strip_prefix(crate::messages::SERVICE_NAME)?;
    let rpc = rest.strip_prefix('/')?;
    let mut kinds = EventKind::ALL.iter().copied();
    kinds.find(|kind| kind.rpc() == rpc)
}

/// Returns the status of a failure.
fn status(failure: &Failure) -> Status {
    if failure.is_subscribe_again() {
        return Status::unavailable("the stream has ended, and its client shall subscribe again");
    }
    let code = match failure {
        Failure::Unauthenticated(_) => Code::Unauthenticated,
        Failure::NoHandler(_) | Failure::StreamOverHttp(_) => Code::Unimplemented,
        Failure::Request(_) | Failure::Method | Failure::ContentType(_) => Code::InvalidArgument,
        Failure::TooLarge(_) => Code::ResourceExhausted,
        Failure::Timeout(_) => Code::DeadlineExceeded,
        Failure::Handler(_) | Failure::Panic(_) | Failure::Reply(_) => Code::Internal,
    };
    let is_told = !matches!(code, Code::Unauthenticated | Code::Internal);
    let text = if is_told {
        failure.to_string()
    } else {
        String::new()
    };
    Status::new(code, text)
}

impl<B> Service<Request<B>> for GrpcService
where
    B: HttpBody + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = GrpcFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> GrpcFuture {
        self.clone().respond(request)
    }
}

impl NamedService for GrpcService {
    const NAME: &'static str = crate::messages::SERVICE_NAME;
}

impl fmt::Debug for GrpcService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("GrpcService");
        shown.field("handlers", &self.handlers).finish()
    }
}
