//! A backend on axum that Centrifugo asks about its clients, with a handler for every event over HTTP.
//!
//! `cargo run --example proxy` lets a client of an embedded Centrifugo cause all events.
//! `cargo run --example proxy 3000` serves a real one, whose configuration it prints.

mod support;

use std::time::Duration;

use axum::Router;
use centrifugo_api::{MapReadStateRequest, PayloadExt as _};
use centrifugo_api_testing::{ConnectingClient, Release, Server, SubscribeOptions};
use centrifugo_proxy::{
    Caller, ChannelOptions, ClientError, ConnectReply, Disconnect, EventKind, EventObserver,
    EventStart, Handlers, MapPublishReply, MapRemoveReply, Observer, ProxyConfiguration,
    PublishReply, RefreshReply, RpcReply, SharedPollItem, SharedPollRefreshReply, SubRefreshReply,
    SubscribeReply,
};
use serde_json::json;
use support::{Report, print_events};
use tokio::net::TcpListener;

// The compiler checks codes and texts.
const NO_SESSION: Disconnect = Disconnect::constant(4501, "no session");
const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
const NO_SUCH_METHOD: ClientError = ClientError::constant(404, "no such method");

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
            event.user().ok_or(NOT_A_MEMBER)?;
            Ok(SubscribeReply::allow().presence(true).expire_in(MINUTE))
        })
        .sub_refresh(|_| async { Ok(SubRefreshReply::for_the_next(60 * MINUTE)) })
        .publish(|event| async move {
            let text: String = event.json()?;
            Ok(PublishReply::allow().data(json!({"text": text, "by": event.user()})))
        })
        .rpc(|event| async move {
            match event.method() {
                "double" => Ok(RpcReply::json(&(2 * event.json::<u32>()?))?),
                _ => Err(NO_SUCH_METHOD.into()),
            }
        })
        // Each user has one key of the map, whatever key the client says.
        .map_publish(|event| async move {
            Ok(MapPublishReply::allow().key(event.user().ok_or(NOT_A_MEMBER)?))
        })
        .map_remove(|event| async move {
            Ok(MapRemoveReply::allow().key(event.user().ok_or(NOT_A_MEMBER)?))
        })
        .shared_poll_refresh(|event| async move {
            let prices = event.items().iter().map(|item| {
                let version = item.version + 1;
                SharedPollItem::new(&item.key, version, json!({ "price": version }))
            });
            Ok(SharedPollRefreshReply::new().items(prices))
        })
        .observer(EventLog)
        // Errors of handlers, and requests that are refused. The client gets error 100.
        .on_failure(|failed| eprintln!("{failed}")))
}

struct EventLog;

impl Observer for EventLog {
    fn event(&self, event: &EventStart<'_>) -> Option<Box<dyn EventObserver>> {
        println!("  Centrifugo asks: {}", event.kind?.name());
        None
    }
}

fn configuration(handlers: &Handlers, url: String) -> ProxyConfiguration {
    let chat = [
        EventKind::Subscribe,
        EventKind::SubRefresh,
        EventKind::Publish,
    ];
    let board = ChannelOptions::new([EventKind::MapPublish, EventKind::MapRemove])
        .option("map.mode", "ephemeral")
        .option("map.key_ttl", "60s");
    let prices = ChannelOptions::new([EventKind::SharedPollRefresh])
        .option("allow_subscribe_for_client", true);
    ProxyConfiguration::new(handlers)
        .http(url)
        .http_headers(["cookie"])
        .namespace("chat", chat)
        .namespace("board", board)
        .namespace("prices", prices)
        .shared_poll_secret("another secret")
        .rpc_without_namespace()
}

/// Lets a client cause all events.
async fn play(server: &Server) -> Result<(), Report> {
    let stranger = server.connect_client(ConnectingClient::new()).await;
    println!(
        "Without a cookie: {}",
        stranger.err().ok_or("a stranger is in")?
    );
    let client = ConnectingClient::new().header("cookie", "session=anna");
    let mut anna = server.connect_client(client).await?;
    println!("{} is connected.", anna.user());

    anna.subscribe("chat:1").await?;
    anna.publish("chat:1", r#""hello""#).await?;
    print_events("anna", || anna.try_next());
    let double: u32 = anna.rpc("double", "21").await?.decode()?;
    println!("The double of 21 is {double}.");
    let error = anna.rpc("fly", "{}").await.err().ok_or("anna can fly")?;
    println!("Another method: {error}");

    println!("Two minutes later:");
    server.advance(2 * MINUTE);
    server.refreshed().await;

    anna.map_publish("board:1", "any", r#"{"x":1}"#).await?;
    let state = server
        .client()
        .map_read_state(MapReadStateRequest::new("board:1").limit(-1))
        .await?;
    println!("The map has the key {:?}.", state.entries[0].key);
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
    let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
    let url = format!("http://{}/centrifugo", listener.local_addr()?);
    let handlers = handlers()?;
    let configuration = configuration(&handlers, url);
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
