//! Bad clients of real servers: they hang, send too much, or go away.
#![cfg(all(feature = "http", feature = "grpc"))]

use std::error::Error;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use centrifugo_proxy::messages::{RpcRequest, RpcResponse};
use centrifugo_proxy::{
    Caller, EventEnd, EventObserver, EventStart, Handlers, Observer, Reject, RpcReply,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tonic::client::Grpc;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic_prost::ProstCodec;

type Outcome = Result<(), Box<dyn Error>>;

/// The head of a request without its length.
const HEAD: &str = "POST /rpc HTTP/1.1\r\nhost: backend\r\ncontent-type: application/json\r\n";

/// Tells when events start and how they end.
#[derive(Clone)]
struct Told(UnboundedSender<&'static str>);

impl Observer for Told {
    fn event(&self, _: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        self.tell("started");
        Some(Box::new(self.clone()))
    }
}

impl EventObserver for Told {
    fn ends(self: Box<Self>, end: &EventEnd<'_>) {
        self.tell(end.outcome.name());
    }
}

impl Told {
    fn tell(&self, what: &'static str) {
        self.0.send(what).expect("the test listens");
    }
}

/// Returns handlers, of which that of `hang` hangs, and what is told of events.
fn handlers() -> (Handlers, UnboundedReceiver<&'static str>) {
    let (sender, told) = unbounded_channel();
    let handlers = Handlers::new(Caller::anyone())
        .body_limit(1000)
        .observer(Told(sender))
        .rpc(|event| async move {
            if event.method() == "hang" {
                pending::<()>().await;
            }
            Ok::<_, Reject>(RpcReply::new("1"))
        });
    (handlers, told)
}

async fn serve_http(handlers: &Handlers) -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = axum::Router::new().fallback_service(handlers.http());
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(address)
}

async fn serve_grpc(handlers: &Handlers) -> Result<SocketAddr, Box<dyn Error>> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = incoming.local_addr()?;
    let server = Server::builder().add_service(handlers.grpc());
    tokio::spawn(server.serve_with_incoming(incoming));
    Ok(address)
}

/// Sends a request, and returns all that the server sends until it closes the connection.
async fn response(address: SocketAddr, request: &str) -> Result<String, Box<dyn Error>> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    // The server may reset the connection after its response.
    let _ = connection.read_to_end(&mut response).await;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

#[tokio::test]
async fn client_that_hangs_within_its_body_gets_a_status_and_is_cut_off() -> Outcome {
    let (handlers, mut told) = handlers();
    let address = serve_http(&handlers.timeout(Duration::from_millis(50))).await?;
    for request in [
        format!("{HEAD}content-length: 10\r\n\r\n{{"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n"),
    ] {
        let response = response(address, &request).await?;
        assert!(response.starts_with("HTTP/1.1 504 "), "{response}");
        assert_eq!(told.recv().await, Some("started"));
        assert_eq!(told.recv().await, Some("timeout"));
    }
    Ok(())
}

#[tokio::test]
async fn client_that_sends_too_much_gets_a_status_and_is_cut_off() -> Outcome {
    let (handlers, mut told) = handlers();
    let address = serve_http(&handlers.timeout(Duration::from_secs(3600))).await?;
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
    for request in [
        format!("{HEAD}content-length: 99999999999\r\n\r\n{{"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n{chunk}"),
    ] {
        let response = response(address, &request).await?;
        assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
        assert_eq!(told.recv().await, Some("started"));
        assert_eq!(told.recv().await, Some("too_large"));
    }
    Ok(())
}

#[tokio::test]
async fn headers_of_1_mb_are_refused_and_the_server_goes_on() -> Outcome {
    let (handlers, mut told) = handlers();
    let headers = "x".repeat(1_000_000);
    let address = serve_http(&handlers).await?;
    let request = format!("{HEAD}x: {headers}\r\n\r\n");
    // The server may reset the connection while this is sent.
    let refused = response(address, &request).await.unwrap_or_default();
    assert!(
        refused.is_empty() || refused.starts_with("HTTP/1.1 431 "),
        "{refused}"
    );
    assert!(told.is_empty());
    let request = format!("{HEAD}connection: close\r\ncontent-length: 2\r\n\r\n{{}}");
    let accepted = response(address, &request).await?;
    assert!(accepted.starts_with("HTTP/1.1 200 "), "{accepted}");
    assert_eq!(told.recv().await, Some("started"));
    assert_eq!(told.recv().await, Some("accepted"));

    let address = serve_grpc(&handlers).await?;
    let mut client = Grpc::new(connect_grpc(address).await?);
    let mut request = tonic::Request::new(RpcRequest::default());
    request.metadata_mut().insert("x", headers.parse()?);
    let refused = call_grpc(&mut client, request).await;
    refused.expect_err("the metadata is too large");
    assert!(told.is_empty());
    let mut client = Grpc::new(connect_grpc(address).await?);
    call_grpc(&mut client, tonic::Request::new(RpcRequest::default())).await?;
    assert_eq!(told.recv().await, Some("started"));
    assert_eq!(told.recv().await, Some("accepted"));
    Ok(())
}

async fn connect_grpc(address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::try_from(format!("http://{address}"))?;
    endpoint.connect().await
}

/// Calls a method over gRPC.
async fn call_grpc(
    client: &mut Grpc<Channel>,
    request: tonic::Request<RpcRequest>,
) -> Result<(), Box<dyn Error>> {
    client.ready().await?;
    let path = "/centrifugal.centrifugo.proxy.CentrifugoProxy/RPC".parse()?;
    let codec = ProstCodec::<RpcRequest, RpcResponse>::default();
    client.unary(request, path, codec).await?;
    Ok(())
}

#[tokio::test]
async fn event_of_a_client_that_goes_away_is_told_as_dropped_once() -> Outcome {
    let (handlers, mut told) = handlers();
    let handlers = handlers.timeout(Duration::from_secs(3600));
    let mut connection = TcpStream::connect(serve_http(&handlers).await?).await?;
    let request = format!("{HEAD}content-length: 17\r\n\r\n{{\"method\":\"hang\"}}");
    connection.write_all(request.as_bytes()).await?;
    assert_eq!(told.recv().await, Some("started"));
    drop(connection);
    assert_eq!(told.recv().await, Some("dropped"));

    let address = serve_grpc(&handlers).await?;
    let mut client = Grpc::new(connect_grpc(address).await?);
    let request = tonic::Request::new(RpcRequest::default().method("hang"));
    tokio::select! {
        _ = call_grpc(&mut client, request) => panic!("the handler hangs"),
        first = told.recv() => assert_eq!(first, Some("started")),
    }
    assert_eq!(told.recv().await, Some("dropped"));
    assert!(told.is_empty());
    Ok(())
}
