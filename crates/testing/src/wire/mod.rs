//! The protocols of the server: HTTP and gRPC on one port.

mod body;
mod grpc;
mod http;
mod legacy;
mod path;
mod protobuf;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use centrifugo_api::Status;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

use self::body::ResponseBody;
use crate::engine::{Call, EncodedReply, Engine, Route};
use crate::faults::WireFault;
use crate::recorder::{Endpoint, Recorded};

/// The limit for the headers of a request, in bytes; the same as in Go.
const MAX_HEADER_SIZE: usize = 1 << 20;

/// The pause after an error of accepting a connection.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(10);

/// The interval at which expired entries are removed.
const EXPIRY_INTERVAL: Duration = Duration::from_millis(500);

/// The default API key.
const DEFAULT_KEY: &str = "secret";

/// The default of gRPC in Go, and of Centrifugo's `grpc_api.max_receive_message_size`.
const DEFAULT_MAX_RECEIVE_MESSAGE_SIZE: usize = 4 * 1024 * 1024;

/// The options of the protocols.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    /// The API key for HTTP; `None` if calls need none.
    pub(crate) http_key: Option<String>,
    /// The API key for gRPC; `None` if calls need none.
    pub(crate) grpc_key: Option<String>,
    /// True if errors are always reported as HTTP statuses.
    pub(crate) http_error_mode_transport: bool,
    /// True if errors are always reported as gRPC codes.
    pub(crate) grpc_error_mode_transport: bool,
    /// The path of the HTTP API, without a slash at its end.
    pub(crate) prefix: String,
    /// The limit for a message over gRPC, in bytes.
    pub(crate) max_receive_message_size: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            http_key: Some(DEFAULT_KEY.to_owned()),
            grpc_key: Some(DEFAULT_KEY.to_owned()),
            http_error_mode_transport: false,
            grpc_error_mode_transport: false,
            prefix: "/api".to_owned(),
            max_receive_message_size: DEFAULT_MAX_RECEIVE_MESSAGE_SIZE,
        }
    }
}

/// The service of one connection, which can also close the connection.
#[derive(Clone)]
struct Service {
    engine: Arc<Engine>,
    config: Arc<ServerConfig>,
    close: Arc<Notify>,
}

/// Serves connections until `stopped` is resolved.
pub(crate) async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    config: Arc<ServerConfig>,
    stopped: oneshot::Receiver<()>,
) {
    tokio::select! {
        () = accept(&listener, &engine, &config) => {}
        () = expire(&engine) => {}
        _ = stopped => {}
    }
}

async fn accept(listener: &TcpListener, engine: &Arc<Engine>, config: &Arc<ServerConfig>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = Service {
                    engine: Arc::clone(engine),
                    config: Arc::clone(config),
                    close: Arc::default(),
                };
                tokio::spawn(serve_connection(stream, service));
            }
            // Transient errors, such as too many open files, must not stop the server.
            Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
}

async fn expire(engine: &Arc<Engine>) {
    loop {
        tokio::time::sleep(EXPIRY_INTERVAL).await;
        engine.expire();
    }
}

async fn serve_connection(stream: TcpStream, service: Service) {
    // Small responses are sent sooner; the server works without it too.
    let _ = stream.set_nodelay(true);
    let close = Arc::clone(&service.close);
    let handler = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.respond(request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(MAX_HEADER_SIZE);
    builder
        .http2()
        .max_header_list_size(u32::try_from(MAX_HEADER_SIZE).unwrap_or(u32::MAX));
    tokio::select! {
        // Connection errors are the client's concern.
        _ = builder.serve_connection(TokioIo::new(stream), handler) => {}
        () = close.notified() => {}
    }
}

impl Service {
    async fn respond(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        if grpc::is_grpc(request.headers()) {
            self.grpc(request).await
        } else {
            self.http(request).await
        }
    }

    /// Runs a request in protobuf.
    fn run(
        &self,
        route: &Route,
        request: Bytes,
        nulls: &HashSet<usize>,
    ) -> Result<EncodedReply, prost::DecodeError> {
        let call = Call {
            engine: &self.engine,
            nulls,
        };
        (route.serve)(&call, request)
    }

    /// Records a request, if the recorder is on.
    fn record(&self, route: &Route, endpoint: Endpoint, headers: &HeaderMap, request: &Bytes) {
        if self.engine.recorder.is_on() {
            let recorded = Recorded::new(route.name, endpoint, headers, request.clone());
            self.engine.recorder.add(recorded);
        }
    }

    /// Takes the fault that is planned for a request.
    fn take_fault(&self, route: &Route, endpoint: Endpoint, request: &Bytes) -> Option<WireFault> {
        let faults = &self.engine.faults;
        faults.wire_fault(route.name, endpoint, || (route.channels)(request.clone()))
    }

    /// Closes the connection. Never returns: the caller is dropped with the connection.
    async fn close_connection(&self) -> Response<ResponseBody> {
        self.close.notify_one();
        std::future::pending().await
    }

    /// Applies a fault that precedes the call; returns a response that replaces it.
    async fn fault_before_call(&self, fault: Option<&WireFault>) -> Option<Response<ResponseBody>> {
        match fault? {
            WireFault::CloseBefore => Some(self.close_connection().await),
            WireFault::Status {
                status: Status::Http(status),
                headers,
                body,
            } => {
                let mut response = Response::new(ResponseBody::whole(body.clone().into()));
                *response.status_mut() = StatusCode::from_u16(*status).unwrap_or_default();
                *response.headers_mut() = headers.clone();
                Some(response)
            }
            WireFault::Status {
                status: Status::Grpc(code),
                headers,
                body,
            } => {
                let mut response = grpc::error_response(*code, body);
                response.headers_mut().extend(headers.clone());
                Some(response)
            }
            WireFault::Status { .. }
            | WireFault::Delay(_)
            | WireFault::CloseAfter
            | WireFault::HalfBody
            | WireFault::Garbage => None,
        }
    }

    /// Applies a fault to the response of a call that has run.
    async fn fault_after_call(
        &self,
        fault: Option<&WireFault>,
        mut response: Response<ResponseBody>,
    ) -> Response<ResponseBody> {
        match fault {
            Some(WireFault::Delay(duration)) => tokio::time::sleep(*duration).await,
            Some(WireFault::CloseAfter) => return self.close_connection().await,
            Some(WireFault::HalfBody) => response.body_mut().cut(Arc::clone(&self.close)),
            Some(WireFault::Garbage) => {
                *response.body_mut() = ResponseBody::whole("<garbage>".into());
            }
            _ => {}
        }
        response
    }
}

/// Checks whether a request asks for errors as HTTP statuses or gRPC codes.
fn is_transport_mode(headers: &HeaderMap) -> bool {
    headers
        .get("x-centrifugo-error-mode")
        .is_some_and(|mode| mode == "transport")
}
