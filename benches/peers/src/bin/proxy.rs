//! A subscribe handler over HTTP and gRPC: that of `centrifugo-proxy`, that of Rust `cent` 0.1.0, and hand-written ones.
//!
//! Each server has a thread of its own, whose CPU time is measured: requests per second of one core. The servers take turns
//! within each round, so that all are measured under the same conditions. `--memory SECONDS` shows the memory of the process
//! while the handlers of this project are called.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use centrifugo_proxy::messages::{SubscribeRequest, SubscribeResponse, SubscribeResult};
use centrifugo_proxy::{Caller, EventKind, Handlers, SubscribeReply};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic_prost::ProstCodec;
use tower_service::Service;

type Failure = Box<dyn std::error::Error>;

/// A request of Centrifugo, for a user in a channel.
const REQUEST: &str = r#"{"client":"2a8b0b5e-5b0f-4d6e-9c3b-0d2f0c1f7a11","transport":"websocket","protocol":"json","encoding":"json","user":"42","channel":"chat:index"}"#;

/// The connections over which requests are sent at once.
const CONNECTIONS: usize = 16;

/// The path over gRPC.
const RPC: &str = "/centrifugal.centrifugo.proxy.CentrifugoProxy/Subscribe";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut after_memory = arguments
        .iter()
        .skip_while(|argument| *argument != "--memory");
    if let Some(seconds) = after_memory.nth(1) {
        return show_memory(Duration::from_secs(seconds.parse()?));
    }
    let is_short = arguments.iter().any(|argument| argument == "--short");
    println!("requests per second of one core, and the ratio to the hand-written one; medians");
    let http = [
        ("this over HTTP", Server::http(ours())?),
        ("cent 0.1.0", Server::http(cents())?),
        ("axum, serde_json", Server::http(hand_written())?),
    ];
    compare(&http, is_short, |server, requests| {
        http_requests(server.address, requests)
    })?;
    let grpc = [
        ("this over gRPC", Server::grpc(handlers().grpc())?),
        (
            "tonic, by hand",
            Server::grpc(ByHand(Arc::new(Application)))?,
        ),
    ];
    compare(&grpc, is_short, |server, requests| {
        grpc_requests(server.address, requests)
    })
}

/// Measures servers of which the last one is the hand-written one.
fn compare(
    servers: &[(&str, Server)],
    is_short: bool,
    send: impl Fn(&Server, usize) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let rounds = if is_short { 1 } else { 21 };
    let requests = if is_short { 10 } else { 4_000 };
    let mut rates = vec![Vec::new(); servers.len()];
    for _ in 0..rounds {
        for ((_, server), rates) in servers.iter().zip(&mut rates) {
            let before = server.cpu_time()?;
            send(server, requests)?;
            let seconds = (server.cpu_time()? - before).as_secs_f64();
            rates.push((requests * CONNECTIONS) as f64 / seconds);
        }
    }
    // The machine's speed changes from round to round, and is the same within one.
    let by_hand = rates.last().cloned().unwrap_or_default();
    for ((name, _), rates) in servers.iter().zip(rates) {
        let ratios = rates
            .iter()
            .zip(&by_hand)
            .map(|(rate, by_hand)| rate / by_hand);
        let ratio = median(ratios.collect());
        println!("{name:<20} {:>10.0} {ratio:>6.2}", median(rates));
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Calls the handlers over HTTP for a while, and prints the memory of the process.
fn show_memory(duration: Duration) -> Result<(), Failure> {
    let server = Server::http(ours())?;
    http_requests(server.address, 2_000)?;
    let started = Instant::now();
    let mut requests = 0;
    let mut shown = Duration::ZERO;
    while started.elapsed() < duration {
        http_requests(server.address, 2_000)?;
        requests += 2_000 * CONNECTIONS;
        if started.elapsed() - shown > duration / 6 {
            shown = started.elapsed();
            println!(
                "{:>4} s {requests:>10} requests {:>8} KiB",
                shown.as_secs(),
                memory()?
            );
        }
    }
    println!(
        "{:>4} s {requests:>10} requests {:>8} KiB",
        duration.as_secs(),
        memory()?
    );
    Ok(())
}

/// Returns the resident memory of the process in KiB.
fn memory() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mut lines = status
        .lines()
        .filter_map(|line| line.strip_prefix("VmRSS:"));
    let value = lines.next().and_then(|line| line.split_whitespace().next());
    Ok(value.ok_or("the system tells no memory")?.parse()?)
}

/// A server in a thread of its own.
struct Server {
    address: SocketAddr,
    /// Asks the thread for its CPU time.
    asking: tokio::sync::mpsc::UnboundedSender<mpsc::Sender<Duration>>,
}

impl Server {
    fn http(router: Router) -> Result<Self, Failure> {
        Self::start(|listener| async move { axum::serve(listener, router).await.is_ok() })
    }

    fn grpc<S>(service: S) -> Result<Self, Failure>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self::start(|listener| async move {
            let incoming = tonic::transport::server::TcpIncoming::from(listener);
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await.is_ok()
        })
    }

    fn start<F, R>(serve: F) -> Result<Self, Failure>
    where
        F: FnOnce(tokio::net::TcpListener) -> R + Send + 'static,
        R: Future<Output = bool>,
    {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (asking, mut asked) = tokio::sync::mpsc::unbounded_channel::<mpsc::Sender<Duration>>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("the runtime starts");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener);
                let server = serve(listener.expect("the listener is valid"));
                let answers = async {
                    while let Some(answer) = asked.recv().await {
                        let _ = answer.send(thread_time());
                    }
                };
                tokio::select! { _ = server => {}, () = answers => {} }
            });
        });
        Ok(Self { address, asking })
    }

    fn cpu_time(&self) -> Result<Duration, Failure> {
        let (sender, answer) = mpsc::channel();
        self.asking.send(sender)?;
        Ok(answer.recv()?)
    }
}

/// Returns the CPU time of this thread.
fn thread_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("the system tells the time");
    let microseconds = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let total = microseconds(usage.user_time()) + microseconds(usage.system_time());
    Duration::from_micros(u64::try_from(total).unwrap_or_default())
}

/// Sends requests over each of the connections, as Centrifugo does, and reads the responses.
fn http_requests(address: SocketAddr, requests: usize) -> Result<(), Failure> {
    let request = format!(
        "POST /centrifugo/subscribe HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: {}\r\nContent-Type: application/json\r\nX-Centrifugo-Secret: s3cret\r\n\
         Accept-Encoding: gzip\r\n\r\n{REQUEST}",
        REQUEST.len()
    );
    let connections = (0..CONNECTIONS).map(|_| TcpStream::connect(address));
    let mut connections = connections.collect::<Result<Vec<_>, _>>()?;
    let mut response = [0; 4096];
    for _ in 0..requests {
        for connection in &mut connections {
            connection.write_all(request.as_bytes())?;
        }
        for connection in &mut connections {
            let mut length = 0;
            while !response[..length].ends_with(b"}") {
                length += connection.read(&mut response[length..])?;
            }
            if !response.starts_with(b"HTTP/1.1 200") {
                return Err("a response is not 200".into());
            }
        }
    }
    Ok(())
}

/// Sends requests over a connection, as many at once as there are connections over HTTP.
fn grpc_requests(address: SocketAddr, requests: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let endpoint = tonic::transport::Endpoint::new(format!("http://{address}"))?;
        let channel = endpoint.connect().await?;
        let calls = (0..CONNECTIONS).map(|_| tokio::spawn(grpc_calls(channel.clone(), requests)));
        for calls in calls.collect::<Vec<_>>() {
            calls.await??;
        }
        Ok(())
    })
}

async fn grpc_calls(channel: tonic::transport::Channel, requests: usize) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel);
    let message: SubscribeRequest = serde_json::from_str(REQUEST).expect("the request is JSON");
    for _ in 0..requests {
        let ready = client.ready().await;
        ready.map_err(|error| Status::unknown(error.to_string()))?;
        let mut request = tonic::Request::new(message.clone());
        let secret = tonic::metadata::MetadataValue::from_static("s3cret");
        request.metadata_mut().insert("x-centrifugo-secret", secret);
        let path = axum::http::uri::PathAndQuery::from_static(RPC);
        let codec = ProstCodec::<SubscribeRequest, SubscribeResponse>::default();
        client.unary(request, path, codec).await?;
    }
    Ok(())
}

fn handlers() -> Handlers {
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    Handlers::new(caller).subscribe(|event| async move {
        let user = event.user().unwrap_or_default();
        Ok(SubscribeReply::allow().info(format!(r#"{{"id":"{user}"}}"#)))
    })
}

fn ours() -> Router {
    let subscribe = handlers().http_event(EventKind::Subscribe);
    with_others(Router::new().route_service("/centrifugo/subscribe", subscribe))
}

fn cents() -> Router {
    let subscribe = cent::proxy::Handlers::new().subscribe(|_, request| async move {
        let mut result = cent::proxy::SubscribeResult::new();
        result.info = Some(serde_json::value::RawValue::from_string(format!(
            r#"{{"id":"{}"}}"#,
            request.user
        ))?);
        Ok(result)
    });
    with_others(Router::new().route_service("/centrifugo/subscribe", subscribe))
}

fn hand_written() -> Router {
    with_others(Router::new().route("/centrifugo/subscribe", post(subscribe)))
}

/// Adds a route of the application, so that all routers route.
fn with_others(router: Router) -> Router {
    router.route("/", get(|| async { "the application" }))
}

#[derive(Deserialize)]
#[allow(dead_code)] // As an application would have it.
struct ByHandRequest {
    client: String,
    transport: String,
    protocol: String,
    encoding: String,
    user: String,
    channel: String,
}

#[derive(Serialize)]
struct ByHandResponse {
    result: ByHandResult,
}

#[derive(Serialize)]
struct ByHandResult {
    info: ByHandInfo,
}

#[derive(Serialize)]
struct ByHandInfo {
    id: String,
}

async fn subscribe(
    headers: axum::http::HeaderMap,
    Json(request): Json<ByHandRequest>,
) -> Result<Json<ByHandResponse>, axum::http::StatusCode> {
    let secret = headers.get("x-centrifugo-secret");
    if secret.is_none_or(|secret| secret != "s3cret") || !headers.contains_key(CONTENT_TYPE) {
        return Err(axum::http::StatusCode::UNAUTHORIZED);
    }
    let info = ByHandInfo { id: request.user };
    let result = ByHandResult { info };
    Ok(Json(ByHandResponse { result }))
}

/// A gRPC service as tonic's generator writes it.
#[derive(Clone)]
struct ByHand(Arc<Application>);

type BoxFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

impl Service<Request<Body>> for ByHand {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match request.uri().path() {
            RPC => {
                let application = Arc::clone(&self.0);
                Box::pin(async move {
                    let mut grpc = Grpc::new(ProstCodec::default())
                        .apply_compression_config(Default::default(), Default::default())
                        .apply_max_message_size_config(None, None);
                    Ok(grpc.unary(Subscribe(application), request).await)
                })
            }
            _ => Box::pin(async { Ok(Status::unimplemented("").into_http()) }),
        }
    }
}

/// The call of one method.
struct Subscribe(Arc<Application>);

impl Service<tonic::Request<SubscribeRequest>> for Subscribe {
    type Response = tonic::Response<SubscribeResponse>;
    type Error = Status;
    type Future = BoxFuture<'static, Self::Response, Status>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<SubscribeRequest>) -> Self::Future {
        let application = Arc::clone(&self.0);
        Box::pin(async move { application.subscribe(request).await })
    }
}

/// The application's own code.
struct Application;

impl Application {
    /// An async function of a trait, as `async_trait` writes it.
    fn subscribe(
        &self,
        request: tonic::Request<SubscribeRequest>,
    ) -> BoxFuture<'_, tonic::Response<SubscribeResponse>, Status> {
        Box::pin(async move {
            let secret = request.metadata().get("x-centrifugo-secret");
            if secret.is_none_or(|secret| secret != "s3cret") {
                return Err(Status::unauthenticated(""));
            }
            let info = format!(r#"{{"id":"{}"}}"#, request.get_ref().user);
            let result = SubscribeResult::default().info(info);
            let response = SubscribeResponse::default().result(result);
            Ok(tonic::Response::new(response))
        })
    }
}

impl NamedService for ByHand {
    const NAME: &'static str = "centrifugal.centrifugo.proxy.CentrifugoProxy";
}
