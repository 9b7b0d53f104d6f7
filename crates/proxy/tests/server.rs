//! The gRPC service on a server of tonic: beside other services, and while the server shuts down.
#![cfg(feature = "grpc")]

use std::error::Error;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use centrifugo_proxy::messages::{
    RpcRequest, RpcResponse, StreamSubscribeResponse, SubscribeRequest,
};
use centrifugo_proxy::{
    Caller, Failed, GrpcService, Handlers, RpcReply, StreamPublication, StreamSubscribeReply,
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tonic::client::Grpc;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A server, until it is told to shut down.
struct Running {
    address: SocketAddr,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Running {
    fn start(handlers: &Handlers, shutdown: watch::Receiver<bool>) -> Outcome<Self> {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
        let address = incoming.local_addr()?;
        let server = Server::builder().add_service(handlers.grpc());
        let server = server.serve_with_incoming_shutdown(incoming, shut_down(shutdown));
        let server = tokio::spawn(server);
        Ok(Self { address, server })
    }

    async fn client(&self) -> Outcome<Grpc<Channel>> {
        let channel = Endpoint::try_from(format!("http://{}", self.address))?;
        let mut client = Grpc::new(channel.connect().await?);
        client.ready().await?;
        Ok(client)
    }

    /// Begins the shutdown, and waits until no more connections are accepted.
    async fn begin_shutdown(&self, begin: &watch::Sender<bool>) {
        begin.send_replace(true);
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

/// Waits for the shutdown.
async fn shut_down(mut shutdown: watch::Receiver<bool>) {
    // It has begun too if nobody can tell.
    let _ = shutdown.wait_for(|has_begun| *has_begun).await;
}

async fn rpc(
    mut client: Grpc<Channel>,
    request: RpcRequest,
) -> Result<Response<RpcResponse>, Status> {
    let path = "/centrifugal.centrifugo.proxy.CentrifugoProxy/RPC".parse();
    let path = path.expect("the path is valid");
    let codec = ProstCodec::<RpcRequest, RpcResponse>::default();
    client.unary(Request::new(request), path, codec).await
}

/// Opens a stream, and reads its first message, the answer.
async fn subscribe(
    mut client: Grpc<Channel>,
) -> Result<Streaming<StreamSubscribeResponse>, Status> {
    let path = "/centrifugal.centrifugo.proxy.CentrifugoProxy/SubscribeUnidirectional";
    let path = path.parse().expect("the path is valid");
    let codec = ProstCodec::<SubscribeRequest, StreamSubscribeResponse>::default();
    let request = Request::new(SubscribeRequest::default());
    let response = client.server_streaming(request, path, codec).await?;
    let mut stream = response.into_inner();
    stream.message().await?;
    Ok(stream)
}

fn anyone() -> Handlers {
    Handlers::new(Caller::anyone())
}

#[tokio::test]
async fn handlers_are_served_beside_service_of_health() -> Outcome {
    let handlers = anyone().rpc(|_| async { Ok(RpcReply::new("1")) });
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<GrpcService>().await;
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
    let address = format!("http://{}", incoming.local_addr()?);
    let server = Server::builder()
        .add_service(health)
        .add_service(handlers.grpc());
    tokio::spawn(server.serve_with_incoming(incoming));

    let channel = Endpoint::try_from(address)?.connect().await?;
    let mut health = HealthClient::new(channel.clone());
    let mut status = async || -> Outcome<ServingStatus> {
        let service = "centrifugal.centrifugo.proxy.CentrifugoProxy".to_owned();
        let response = health.check(HealthCheckRequest { service }).await?;
        Ok(response.into_inner().status())
    };
    assert_eq!(status().await?, ServingStatus::Serving);
    reporter.set_not_serving::<GrpcService>().await;
    assert_eq!(status().await?, ServingStatus::NotServing);

    let mut client = Grpc::new(channel);
    client.ready().await?;
    let response = rpc(client, RpcRequest::default()).await?.into_inner();
    assert_eq!(response.result.unwrap_or_default().data, "1");
    Ok(())
}

#[tokio::test]
async fn event_in_flight_is_answered_while_server_shuts_down() -> Outcome {
    let started = Arc::new(Notify::new());
    let answer = Arc::new(Notify::new());
    let handlers = {
        let started = Arc::clone(&started);
        let answer = Arc::clone(&answer);
        anyone().rpc(move |_| {
            let started = Arc::clone(&started);
            let answer = Arc::clone(&answer);
            async move {
                started.notify_one();
                answer.notified().await;
                Ok(RpcReply::new("1"))
            }
        })
    };
    let (begin, shutdown) = watch::channel(false);
    let running = Running::start(&handlers, shutdown)?;
    let mut call = tokio::spawn(rpc(running.client().await?, RpcRequest::default()));
    tokio::select! {
        () = started.notified() => {}
        early = &mut call => panic!("the answer does not wait: {early:?}"),
    }
    running.begin_shutdown(&begin).await;
    assert!(!running.server.is_finished());
    answer.notify_one();
    let response = call.await??.into_inner();
    assert_eq!(response.result.unwrap_or_default().data, "1");
    running.server.await??;
    Ok(())
}

/// Returns a stream that fails when the server shuts down, as the documentation of [`GrpcService`] shows it.
fn until<S>(
    shutdown: watch::Receiver<bool>,
    publications: S,
) -> impl Stream<Item = Result<StreamPublication, Failed>>
where
    S: Stream<Item = Result<StreamPublication, Failed>>,
{
    let failure = stream::once(async move {
        shut_down(shutdown).await;
        Some(Err(Failed("the server shuts down".into())))
    });
    let publications = publications.map(Some).chain(stream::iter([None]));
    stream::select(failure, publications).scan((), |(), item| ready(item))
}

/// Returns handlers of streams of these publications.
fn streams<S>(publications: impl Fn() -> S + Send + Sync + 'static) -> Handlers
where
    S: Stream<Item = Result<StreamPublication, Failed>> + Send + 'static,
{
    anyone().subscribe_unidirectional(move |_| {
        let publications = publications();
        async move { Ok((StreamSubscribeReply::allow(), publications)) }
    })
}

fn first() -> impl Stream<Item = Result<StreamPublication, Failed>> {
    stream::iter([Ok(StreamPublication::new("1"))])
}

async fn next(stream: &mut Streaming<StreamSubscribeResponse>) -> Outcome<Option<Bytes>> {
    let publication = stream.message().await?.and_then(|next| next.publication);
    Ok(publication.map(|publication| publication.data))
}

#[tokio::test]
async fn streams_fail_when_server_shuts_down() -> Outcome {
    let (begin, shutdown) = watch::channel(false);
    let until_then = shutdown.clone();
    let handlers = streams(move || until(until_then.clone(), first().chain(stream::pending())));
    let running = Running::start(&handlers, shutdown)?;
    let mut stream = subscribe(running.client().await?).await?;
    assert_eq!(next(&mut stream).await?, Some("1".into()));
    running.begin_shutdown(&begin).await;
    // Centrifugo then lets the client subscribe again, rather than never.
    let status = stream.message().await.expect_err("the stream fails");
    assert_eq!(status.code(), Code::Internal);
    running.server.await??;
    Ok(())
}

#[tokio::test]
async fn stream_that_ends_by_itself_does_not_fail() -> Outcome {
    let (begin, shutdown) = watch::channel(false);
    let until_then = shutdown.clone();
    let handlers = streams(move || until(until_then.clone(), first()));
    let running = Running::start(&handlers, shutdown)?;
    let mut stream = subscribe(running.client().await?).await?;
    assert_eq!(next(&mut stream).await?, Some("1".into()));
    assert_eq!(stream.message().await?, None);
    drop(begin);
    Ok(())
}

#[tokio::test]
async fn open_streams_go_on_while_server_shuts_down() -> Outcome {
    let (begin, shutdown) = watch::channel(false);
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Mutex::new(Some(receiver));
    let handlers = streams(move || {
        let receiver = receiver.lock().expect("no other test panics").take();
        let receiver = receiver.expect("there is one stream");
        stream::unfold(receiver, async |mut receiver| {
            let data: &str = receiver.recv().await?;
            Some((Ok(StreamPublication::new(data)), receiver))
        })
    });
    let running = Running::start(&handlers, shutdown)?;
    let mut stream = subscribe(running.client().await?).await?;
    sender.send("1")?;
    assert_eq!(next(&mut stream).await?, Some("1".into()));
    running.begin_shutdown(&begin).await;
    sender.send("2")?;
    assert_eq!(next(&mut stream).await?, Some("2".into()));
    assert!(!running.server.is_finished());
    drop(sender);
    assert_eq!(stream.message().await?, None);
    running.server.await??;
    Ok(())
}
