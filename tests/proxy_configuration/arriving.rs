//! A server that was started with the printed environment asks the handlers, and sends the secret.

use std::io;
use std::time::Duration;

use axum::Router;
use centrifuge::Client;
use centrifugo_proxy::{Caller, EventKind, Handlers, ProxyConfiguration, Secrets};
use futures_util::StreamExt as _;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

use crate::Outcome;
use crate::handlers;
use crate::server::{Backend, Server, Version};

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// The sections that have nothing to do with proxies. Nobody may connect or subscribe by other ways.
pub(crate) const GENERAL: [(&str, &str); 3] = [
    ("CENTRIFUGO_HTTP_SERVER_ADDRESS", "127.0.0.1"),
    ("CENTRIFUGO_HEALTH_ENABLED", "true"),
    ("CENTRIFUGO_USAGE_STATS_DISABLED", "true"),
];

/// Serves the handlers over HTTP, and returns their URL.
async fn serve_http(handlers: &Handlers) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/centrifugo/", listener.local_addr()?);
    let router = Router::new().nest_service("/centrifugo", handlers.http());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// Serves the handlers over gRPC, and returns their address.
async fn serve_grpc(handlers: &Handlers) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let server = tonic::transport::Server::builder().add_service(handlers.grpc());
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    Ok(address)
}

/// Starts a server that has the printed configuration and what every server needs.
async fn start(configuration: ProxyConfiguration) -> Result<Server, Box<dyn std::error::Error>> {
    let printed = configuration
        .namespace("chat", [EventKind::Subscribe, EventKind::Publish])
        .namespace("feed", [EventKind::SubscribeUnidirectional])
        .rpc_namespace("shop")
        .to_environment()?;
    let printed = printed.iter().map(|(name, value)| (&**name, &**value));
    let options: Vec<_> = GENERAL.into_iter().chain(printed).collect();
    Ok(Server::start_bare(Backend::Real(Version::V6), &options).await)
}

/// Lets a client do what needs each handler, at last with a secret that the server does not know.
async fn assert_events_arrive(server: &Server, secrets: &Secrets) -> Outcome {
    let client = Client::builder(server.websocket_url()).build()?;
    client.connect()?;
    client.ready(Some(DEADLINE)).await?;

    let reply = client.rpc("shop:order", "\"rpc\"").await?;
    assert_eq!(reply.data, "\"rpc\"");

    let chat = client.new_subscription("chat:a").build()?;
    chat.subscribe();
    chat.ready(Some(DEADLINE)).await?;
    chat.publish("\"from a client\"").await?;

    let feed = client.new_subscription("feed:a").build()?;
    let mut publications = feed.publications();
    feed.subscribe();
    let publication = tokio::time::timeout(DEADLINE, publications.next()).await?;
    let data = publication.map(|event| event.publication.data);
    assert_eq!(data.as_deref(), Some(&b"\"from the stream\""[..]));

    secrets.replace(["another one"])?;
    let error = client.rpc("shop:order", "1").await;
    let error = error.expect_err("the secret is another one").to_string();
    assert!(error.contains("100"), "{error}");
    Ok(())
}

fn handlers(secrets: &Secrets) -> Handlers {
    handlers::with_unidirectional(handlers::chat(Caller::with_secrets(secrets)))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn events_arrive_over_http_and_streams_over_grpc() -> Outcome {
    let secrets = Secrets::new(["the \"new\" one", "the old one"])?;
    let handlers = handlers(&secrets);
    let configuration = ProxyConfiguration::new(&handlers)
        .http(serve_http(&handlers).await?)
        .grpc(serve_grpc(&handlers).await?);
    let server = start(configuration).await?;
    assert_events_arrive(&server, &secrets).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn events_arrive_over_grpc() -> Outcome {
    let secrets = Secrets::new(["the \"new\" one", "the old one"])?;
    let handlers = handlers(&secrets);
    let address = serve_grpc(&handlers).await?;
    let configuration = ProxyConfiguration::new(&handlers).grpc(format!("grpc://{address}"));
    let server = start(configuration).await?;
    assert_events_arrive(&server, &secrets).await
}
