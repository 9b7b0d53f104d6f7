//! The backend over gRPC.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{HeaderMap, HeaderValue, Request, Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use centrifugo_proxy::messages::{
    ConnectRequest, MapPublishRequest, MapRemoveRequest, PublishRequest, RefreshRequest,
    RpcRequest, SharedPollRefreshRequest, StreamSubscribeResponse, SubRefreshRequest,
    SubscribeRequest,
};
use centrifugo_proxy::{EventKind, EventMessage, GrpcService};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::Service;

use super::{Backend, Call};
use crate::harness::answer::Raw;

/// A message begins with its length, after a byte that tells whether it is compressed.
const PREFIX: usize = 5;
const COMPRESSED: u8 = 1;

const MOST_STREAMS: u32 = 10_000;

impl Backend {
    /// Serves on a free port, and returns the URL.
    pub(crate) async fn serve_grpc(&self) -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("grpc://{}", listener.local_addr()?);
        let service = Intercepted {
            backend: self.clone(),
            service: self.handlers().grpc(),
        };
        let server = Server::builder()
            .max_concurrent_streams(MOST_STREAMS)
            .add_service(service);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        tokio::spawn(server.serve_with_incoming(incoming));
        Ok(url)
    }
}

/// Gives the answers that no handler can give.
#[derive(Clone)]
struct Intercepted {
    backend: Backend,
    service: GrpcService,
}

impl NamedService for Intercepted {
    const NAME: &'static str = GrpcService::NAME;
}

impl Service<Request<Body>> for Intercepted {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(this.respond(request))
    }
}

impl Intercepted {
    async fn respond(mut self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let rpc = request.uri().path().rsplit('/').next().unwrap_or_default();
        let mut kinds = EventKind::ALL.iter();
        // The request of a bidirectional stream has no end.
        let kind =
            kinds.find(|kind| kind.rpc() == rpc && **kind != EventKind::SubscribeBidirectional);
        let Some(kind) = kind.copied() else {
            return self.service.call(request).await;
        };
        let (parts, body) = request.into_parts();
        let body = body.collect().await;
        let body = body.expect("Centrifugo sends the whole body").to_bytes();
        if body.first() == Some(&COMPRESSED) {
            let body = Body::new(Full::new(body));
            return self.service.call(Request::from_parts(parts, body)).await;
        }
        let call = Call {
            kind,
            headers: parts.headers.clone(),
            body: as_json(kind, &body[PREFIX..]),
        };
        let (raw, _told) = self.backend.intercept(call);
        let message = match raw {
            None => {
                let body = Body::new(Full::new(body));
                return self.service.call(Request::from_parts(parts, body)).await;
            }
            Some(Raw::Response(response)) => as_protobuf(kind, response),
            Some(Raw::Garbage) => vec![0xff],
            Some(Raw::Status(status)) => panic!("gRPC has no status {status}"),
        };
        Ok(answer(&message))
    }
}

/// Returns the response with a message.
fn answer(message: &[u8]) -> Response<Body> {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("the message is short"));
    framed.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::<Bytes>::new(framed.freeze());
    let body = body.with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    response
}

/// Calls a function with the message of an event.
macro_rules! for_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            EventKind::Connect => $function::<ConnectRequest>($($argument),*),
            EventKind::Refresh => $function::<RefreshRequest>($($argument),*),
            EventKind::Subscribe | EventKind::SubscribeUnidirectional => {
                $function::<SubscribeRequest>($($argument),*)
            }
            EventKind::Publish => $function::<PublishRequest>($($argument),*),
            EventKind::Rpc => $function::<RpcRequest>($($argument),*),
            EventKind::SubRefresh => $function::<SubRefreshRequest>($($argument),*),
            EventKind::MapPublish => $function::<MapPublishRequest>($($argument),*),
            EventKind::MapRemove => $function::<MapRemoveRequest>($($argument),*),
            EventKind::SharedPollRefresh => $function::<SharedPollRefreshRequest>($($argument),*),
            kind => panic!("{kind} is none of these events"),
        }
    };
}

fn as_json(kind: EventKind, message: &[u8]) -> Value {
    fn read<M: EventMessage>(message: &[u8]) -> Value {
        let message = M::decode(message).expect("Centrifugo sends a message");
        let json = serde_json::to_string(&message).expect("its payload is JSON");
        serde_json::from_str(&json).expect("it is JSON")
    }
    for_kind!(kind, read(message))
}

fn as_protobuf(kind: EventKind, response: Value) -> Vec<u8> {
    fn write<M: EventMessage>(response: Value) -> Vec<u8> {
        let response: M::Response =
            serde_json::from_str(&response.to_string()).expect("the answer is one");
        response.encode_to_vec()
    }
    if kind == EventKind::SubscribeUnidirectional {
        let message = serde_json::from_str::<StreamSubscribeResponse>(&response.to_string());
        return message.expect("the answer is one").encode_to_vec();
    }
    for_kind!(kind, write(response))
}
