//! Handlers over gRPC with tonic: subscriptions that get their publications from a stream of the backend.
//!
//! ```sh
//! cargo run --example proxy_grpc --features grpc
//! ```
//!
//! prints the configuration for a Centrifugo that is to ask them, and serves them on port 4000. With `--once` it lets a client
//! of an embedded Centrifugo read such a stream, and ends.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use centrifugo_api_testing::{ConnectingClient, Event, Namespace, ProxyOptions, Server};
use centrifugo_proxy::{
    Caller, ClientPublications, ConnectReply, EventKind, Handlers, ProxyConfiguration, Reject,
    StreamPublication, StreamSubscribeReply, SubscribeEvent,
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Each subscription has one HTTP/2 stream.
const SUBSCRIPTIONS: u32 = 10_000;

type Item = Result<StreamPublication, centrifugo_proxy::Failed>;

/// Counts down, and ends: the client is unsubscribed then.
async fn countdown(
    event: SubscribeEvent,
) -> Result<(StreamSubscribeReply, impl Stream<Item = Item>), Reject> {
    let start: u32 = event.json()?;
    let numbers = stream::iter((1..=start).rev()).then(async |number| {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(StreamPublication::new(number.to_string()))
    });
    Ok((StreamSubscribeReply::allow(), numbers))
}

/// Answers what the client publishes.
async fn echo(
    _: SubscribeEvent,
    publications: ClientPublications,
) -> Result<(StreamSubscribeReply, impl Stream<Item = Item>), Reject> {
    let answers = publications.map(|data| Ok(StreamPublication::new(data)));
    Ok((StreamSubscribeReply::allow(), answers))
}

fn handlers() -> Outcome<Handlers> {
    Ok(Handlers::new(Caller::with_secret("s3cret")?)
        .connect(|_| async { Ok(ConnectReply::user("anna")) })
        .subscribe_unidirectional(countdown)
        .subscribe_bidirectional(echo)
        .on_failure(|failed| eprintln!("{failed}")))
}

fn configuration(handlers: &Handlers) -> ProxyConfiguration {
    ProxyConfiguration::new(handlers)
        .grpc("grpc://127.0.0.1:4000")
        .namespace("countdown", [EventKind::SubscribeUnidirectional])
        .namespace("echo", [EventKind::SubscribeBidirectional])
}

/// Lets a client of an embedded Centrifugo, which asks the handlers over gRPC, read a stream.
async fn play(address: SocketAddr, handlers: &Handlers) -> Outcome {
    let countdown = Namespace::new("countdown").subscribe_stream_proxy_enabled(true);
    let server = Server::builder()
        .namespace(countdown)
        .proxy_url(format!("grpc://{address}"), handlers.kinds())
        .proxy_options(ProxyOptions::new().static_header("x-centrifugo-secret", "s3cret"))
        .start()?;
    let mut anna = server.connect_client(ConnectingClient::new()).await?;
    let options = centrifugo_api_testing::SubscribeOptions::new().data("3");
    anna.subscribe_with("countdown:1", options).await?;
    while let Some(event) = anna.next().await {
        match event {
            Event::Publication { publication, .. } => {
                println!("{}", String::from_utf8_lossy(&publication.data));
            }
            Event::Unsubscribed { code, reason, .. } => {
                println!("unsubscribed: {code} {reason}");
                return Ok(());
            }
            _ => {}
        }
    }
    Err("the connection ended".into())
}

#[tokio::main]
async fn main() -> Outcome {
    let handlers = handlers()?;
    let is_once = std::env::args().any(|argument| argument == "--once");
    let port = if is_once { 0 } else { 4000 };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let serving = tonic::transport::Server::builder()
        .max_concurrent_streams(SUBSCRIPTIONS)
        .add_service(handlers.grpc())
        .serve_with_incoming(TcpIncoming::from(listener));
    if is_once {
        tokio::spawn(serving);
        return play(address, &handlers).await;
    }
    println!("{}", configuration(&handlers).to_yaml()?);
    Ok(serving.await?)
}
