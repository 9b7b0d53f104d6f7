//! How calls come in and answers go out: HTTP and gRPC on one port.

mod grpc;
mod http;
mod legacy;
mod path;
mod protobuf;
mod body;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

use self::body::ResponseBody;
use super::engine::Engine;
use super::faults::WireFault;
use centrifugo_api::Status;

/// How large the headers of a request may be, as in Go.
const MAX_HEADERS: usize = 1 << 20;

/// How long no connection is accepted after one could not be.
const PAUSE: Duration = Duration::from_millis(10);

/// How often is looked for what has expired.
const EXPIRY_INTERVAL: Duration = Duration::from_millis(500);

/// What the wire asks of its configuration.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    /// The keys; none are asked for where there are none.
    pub(crate) http_key: Option<String>,
    pub(crate) grpc_key: Option<String>,
    /// Whether errors are statuses for all.
    pub(crate) http_error_mode: bool,
    pub(crate) grpc_error_mode: bool,
    /// The path of the HTTP API, without a slash at its end.
    pub(crate) prefix: String,
    /// The largest message that is read over gRPC, in bytes.
    pub(crate) max_receive_message_size: usize,
}

/// What serves a request, and the means to break the connection that it came by.
#[derive(Clone)]
struct Service {
    engine: Arc<Engine>,
    config: Arc<ServerConfig>,
    connection: Arc<Notify>,
}

/// Serves until it is told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    config: Arc<ServerConfig>,
    stopped: oneshot::Receiver<()>,
) {
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (engine, config) = (Arc::clone(&engine), Arc::clone(&config));
                    let service = Service {
                        engine,
                        config,
                        connection: Arc::default(),
                    };
                    tokio::spawn(serve_connection(stream, service));
                }
                // Nothing that ends by itself is a reason to stop, such as too many open files.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    let expire = async {
        loop {
            tokio::time::sleep(EXPIRY_INTERVAL).await;
            engine.expire();
        }
    };
    tokio::select! {
        () = accept => {}
        () = expire => {}
        _ = stopped => {}
    }
}

async fn serve_connection(stream: TcpStream, service: Service) {
    // It speeds small answers up, and nothing is lost without it.
    let _ = stream.set_nodelay(true);
    let broken = Arc::clone(&service.connection);
    let service = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(MAX_HEADERS);
    builder
        .http2()
        .max_header_list_size(u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX));
    tokio::select! {
        // Whatever a client did to its connection is the client's to know.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = broken.notified() => {}
    }
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        match grpc::is_grpc(request.headers()) {
            true => self.grpc(request).await,
            false => self.http(request).await,
        }
    }

    /// Breaks the connection, which ends the caller too.
    async fn hang_up(&self) -> Response<ResponseBody> {
        self.connection.notify_one();
        std::future::pending().await
    }

    /// Lets happen what is planned before a call runs; what it answers stands in the call's place.
    async fn before(&self, fault: Option<&WireFault>) -> Option<Response<ResponseBody>> {
        match fault? {
            WireFault::CloseBefore => Some(self.hang_up().await),
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
                let mut response = grpc::refusal(*code, body);
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

    /// Does to an answer what is planned for it.
    async fn after(
        &self,
        fault: Option<&WireFault>,
        mut response: Response<ResponseBody>,
    ) -> Response<ResponseBody> {
        match fault {
            Some(WireFault::Delay(duration)) => {
                tokio::time::sleep(*duration).await;
                response
            }
            Some(WireFault::CloseAfter) => self.hang_up().await,
            Some(WireFault::HalfBody) => {
                response.body_mut().cut(Arc::clone(&self.connection));
                response
            }
            Some(WireFault::Garbage) => {
                *response.body_mut() = ResponseBody::whole("<garbage>".into());
                response
            }
            _ => response,
        }
    }
}

fn is_transport_mode(headers: &HeaderMap) -> bool {
    headers
        .get("x-centrifugo-error-mode")
        .is_some_and(|mode| mode == "transport")
}
