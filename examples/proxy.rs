//! A backend on axum that Centrifugo asks about its clients, with a handler for every event over HTTP.
//!
//! `cargo run --example proxy` lets a client of an embedded Centrifugo cause all events.
//! `cargo run --example proxy 3000` serves a real one, whose configuration it prints.

mod support;

use std::time::Duration;

use axum::Router;
use centrifugo_api::PayloadExt as _;
use centrifugo_api_testing::{ConnectingClient, Release, Server, SubscribeOptions};
use centrifugo_proxy::EventKind::{self, MapPublish, MapRemove, Publish, SubRefresh, Subscribe};
use centrifugo_proxy::{
    Caller, ChannelOptions, ClientError, ConnectReply, Disconnect, Handlers, MapPublishReply,
    MapRemoveReply, ProxyConfiguration, PublishReply, RefreshReply, RpcReply, SharedPollItem,
    SharedPollRefreshReply, SubRefreshReply, SubscribeReply,
};
use serde_json::json;
use support::{Report, print_events};

// The compiler checks codes and texts.
const NO_SESSION: Disconnect = Disconnect::constant(4501, "no session");
const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
const MINUTE: Duration = Duration::from_secs(60);

fn handlers() -> Result<Handlers, Report> {
    Ok(Handlers::new(Caller::with_secret("s3cret")?)
        .connect(|event| async move {
            // A real backend looks the session of the cookie up.
            let cookie = event.header("cookie").ok_or(NO_SESSION)?;
            let user = cookie.strip_prefix("session=").ok_or(NO_SESSION)?;
            Ok(ConnectReply::user(user).expire_in(MINUTE))
        })
        // `RefreshReply::expired()` ends the connection of a session that is over.
        .refresh(|_| async { Ok(RefreshReply::for_the_next(60 * MINUTE)) })
        .subscribe(|event| async move {
            let info = json!({ "name": event.user().ok_or(NOT_A_MEMBER)? }); // presence shows it
            Ok(SubscribeReply::allow().info(info).expire_in(MINUTE))
        })
        .sub_refresh(|_| async { Ok(SubRefreshReply::for_the_next(60 * MINUTE)) })
        .publish(|event| async move {
            let text: String = event.json()?;
            Ok(PublishReply::allow().data(json!({"text": text, "by": event.user()})))
        })
        .rpc(|event| async move { Ok(RpcReply::json(&(2 * event.json::<u32>()?))?) })
        // Each user has one key of the map, whatever key the client says.
        .map_publish(|event| async move {
            Ok(MapPublishReply::allow().key(event.user().ok_or(NOT_A_MEMBER)?))
        })
        .map_remove(|event| async move {
            Ok(MapRemoveReply::allow().key(event.user().ok_or(NOT_A_MEMBER)?))
        })
        .shared_poll_refresh(|event| async move {
            let items = event.items().iter();
            let prices = items.map(|item| SharedPollItem::new(&item.key, item.version + 1, "42"));
            Ok(SharedPollRefreshReply::new().items(prices))
        })
        // Errors of handlers, and requests that are refused. The client gets error 100.
        .on_failure(|failed| eprintln!("{failed}")))
}

/// Lets a client cause all events.
async fn play(server: &Server) -> Result<(), Report> {
    let client = ConnectingClient::new().header("cookie", "session=anna");
    let mut anna = server.connect_client(client).await?;
    anna.subscribe("chat:1").await?;
    anna.publish("chat:1", r#""hello""#).await?;
    let double: u32 = anna.rpc("double", "21").await?.decode()?;
    println!("The double of 21 is {double}. Two minutes later:");
    server.advance(2 * MINUTE);
    server.refreshed().await; // of the connection and the subscription
    anna.map_publish("board:1", "any", r#"{"x":1}"#).await?;
    anna.map_remove("board:1", "any").await?;
    let options = SubscribeOptions::new().shared_poll();
    anna.subscribe_with("prices:1", options).await?;
    anna.track("prices:1", ["tea"]).await?;
    print_events("anna", || anna.try_next());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let port = support::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
    let handlers = handlers()?;
    let chat = ChannelOptions::new([Subscribe, SubRefresh, Publish]).option("presence", true);
    let board = ChannelOptions::new([MapPublish, MapRemove])
        .option("map.mode", "ephemeral")
        .option("map.key_ttl", "60s");
    let prices = ChannelOptions::new([EventKind::SharedPollRefresh])
        .option("allow_subscribe_for_client", true);
    let configuration = ProxyConfiguration::new(&handlers)
        .http(format!("http://{}/centrifugo", listener.local_addr()?))
        .http_headers(["cookie"])
        .namespace("chat", chat)
        .namespace("board", board)
        .namespace("prices", prices)
        .shared_poll_secret("another secret")
        .rpc_without_namespace();
    let router = Router::new().nest_service("/centrifugo", handlers.http());
    let serving = tokio::spawn(axum::serve(listener, router).into_future());
    if port.is_some() {
        println!("{}", configuration.to_yaml()?);
        return Ok(serving.await??);
    }
    // The embedded Centrifugo reads the configuration as a real one does.
    let server = Server::builder().configuration(&configuration.to_json()?);
    play(&server.release(Release::V6_10).start()?).await
}
