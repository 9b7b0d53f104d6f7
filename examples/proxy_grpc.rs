//! A backend on tonic that Centrifugo asks over gRPC: subscriptions to streams of publications.
//!
//! `cargo run --example proxy_grpc` lets a client of an embedded Centrifugo read a countdown and talk to
//! an echo. `cargo run --example proxy_grpc 4000` serves a real one, whose configuration it prints.

mod support;

use centrifugo_api_testing::{ConnectingClient, Server, SubscribeOptions};
use centrifugo_proxy::{Caller, ConnectReply, EventKind, Handlers};
use centrifugo_proxy::{ProxyConfiguration, StreamPublication, StreamSubscribeReply};
use futures_util::{StreamExt as _, stream};
use support::{Report, in_words};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

#[tokio::main]
async fn main() -> Result<(), Report> {
    let handlers = Handlers::new(Caller::with_secret("s3cret")?)
        .connect(|_| async { Ok(ConnectReply::user("anna")) })
        // Counts down, and ends: then the client is unsubscribed.
        .subscribe_unidirectional(|event| async move {
            let numbers = stream::iter((1..=event.json::<u32>()?).rev());
            let numbers = numbers.map(|number| Ok(StreamPublication::new(number.to_string())));
            Ok((StreamSubscribeReply::allow(), numbers))
        })
        // What the client publishes comes as a stream too, and its answers are another.
        .subscribe_bidirectional(|_, publications| async {
            let echo = publications.map(|data| Ok(StreamPublication::new(data)));
            Ok((StreamSubscribeReply::allow(), echo))
        });
    let port = support::port()?;
    let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
    let configuration = ProxyConfiguration::new(&handlers)
        .grpc(format!("grpc://{}", listener.local_addr()?))
        .namespace("countdown", [EventKind::SubscribeUnidirectional])
        .namespace("echo", [EventKind::SubscribeBidirectional]);
    let backend = tonic::transport::Server::builder()
        .max_concurrent_streams(10_000) // each subscription has one
        .add_service(handlers.grpc())
        .serve_with_incoming(TcpIncoming::from(listener));
    let serving = tokio::spawn(backend);
    if port.is_some() {
        println!("{}", configuration.to_yaml()?);
        return Ok(serving.await??);
    }
    // The embedded Centrifugo reads the configuration as a real one does.
    let json = configuration.to_json()?;
    let server = Server::builder().configuration(&json).start()?;
    let mut anna = server.connect_client(ConnectingClient::new()).await?;
    let options = SubscribeOptions::new().data("3");
    anna.subscribe_with("countdown:1", options).await?;
    anna.subscribe("echo:1").await?;
    anna.publish("echo:1", r#""hello""#).await?;
    for _ in 0..5 {
        let event = anna.next().await.ok_or("disconnected")?;
        println!("anna {}", in_words(&event));
    }
    Ok(())
}
