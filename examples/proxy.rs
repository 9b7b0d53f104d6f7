//! The handlers of a backend for all events of clients, on axum: who connects, may subscribe, publish and call.
//!
//! ```sh
//! cargo run --example proxy
//! ```
//!
//! prints the configuration for a Centrifugo that is to ask them, and serves them on port 3000. With `--once` it lets a client
//! of an embedded Centrifugo go through all events, and ends.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use centrifugo_api_testing::{ConnectingClient, Namespace, ProxyOptions, Server};
use centrifugo_proxy::{
    Caller, ChannelOptions, ClientError, ConnectEvent, ConnectReply, Disconnect, EventKind,
    Handlers, MapPublishReply, MapRemoveReply, ProxyConfiguration, PublishReply, RefreshReply,
    Reject, RpcReply, SharedPollItem, SharedPollRefreshReply, SubRefreshReply, SubscribeReply,
};
use tokio::net::TcpListener;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const NO_SESSION: Disconnect = Disconnect::constant(4501, "no session");
const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
const NO_SUCH_METHOD: ClientError = ClientError::constant(404, "no such method");
const TOO_LONG: ClientError = ClientError::constant(413, "the message is too long");

/// The time for which a connection or a subscription goes on until Centrifugo asks again.
const LEASE: Duration = Duration::from_secs(60);

/// The state of the application: the user of each session.
#[derive(Clone, Default)]
struct App {
    sessions: Arc<Mutex<BTreeMap<String, String>>>,
}

impl App {
    fn sign_in(&self, session: &str, user: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.to_owned(), user.to_owned());
    }

    fn user(&self, session: &str) -> Option<String> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(session).cloned()
    }

    fn is_known(&self, user: Option<&str>) -> bool {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.values().any(|known| Some(known.as_str()) == user)
    }

    /// The browser's cookie comes with `http_headers: [cookie]`.
    async fn connect(self, event: ConnectEvent) -> Result<ConnectReply, Reject> {
        let cookie = event.header("cookie").ok_or(NO_SESSION)?;
        let session = cookie.strip_prefix("session=").ok_or(NO_SESSION)?;
        let user = self.user(session).ok_or(NO_SESSION)?;
        let info = serde_json::json!({ "name": user });
        Ok(ConnectReply::user(user)
            .info(info)
            .channel("news")
            .expire_in(LEASE))
    }
}

/// Returns the handlers, which share the application.
fn handlers(app: &App) -> Outcome<Handlers> {
    let connect = app.clone();
    let refresh = app.clone();
    Ok(Handlers::new(Caller::with_secret("s3cret")?)
        .connect(move |event| connect.clone().connect(event))
        // The session may have ended meanwhile.
        .refresh(move |event| {
            let is_known = refresh.is_known(event.user());
            async move {
                if is_known {
                    Ok(RefreshReply::for_the_next(LEASE))
                } else {
                    Ok(RefreshReply::expired())
                }
            }
        })
        .subscribe(|event| async move {
            let user = event.user().ok_or(NOT_A_MEMBER)?;
            println!("{user} subscribes to {}", event.channel());
            Ok(SubscribeReply::allow().presence(true).expire_in(LEASE))
        })
        .sub_refresh(|_| async { Ok(SubRefreshReply::for_the_next(LEASE)) })
        .publish(|event| async move {
            if event.data().len() > 1000 {
                return Err(TOO_LONG.into());
            }
            let text: String = event.json()?;
            Ok(PublishReply::allow().data(serde_json::json!({ "text": text, "by": event.user() })))
        })
        .rpc(|event| async move {
            match event.method() {
                "time" => Ok(RpcReply::json(&std::time::SystemTime::now())?),
                _ => Err(NO_SUCH_METHOD.into()),
            }
        })
        // Each user has one key of the map.
        .map_publish(|event| async move {
            Ok(MapPublishReply::allow().key(event.user().ok_or(NOT_A_MEMBER)?))
        })
        .map_remove(|event| async move {
            Ok(MapRemoveReply::allow().key(event.user().ok_or(NOT_A_MEMBER)?))
        })
        .shared_poll_refresh(|event| async move {
            let prices = event.items().iter().map(|item| {
                let version = item.version + 1;
                SharedPollItem::new(&item.key, version, format!(r#"{{"price":{version}}}"#))
            });
            Ok(SharedPollRefreshReply::new().items(prices))
        })
        .on_failure(|failed| eprintln!("{failed}")))
}

/// Returns the configuration for a Centrifugo that asks these handlers.
fn configuration(handlers: &Handlers) -> ProxyConfiguration {
    let chat = [
        EventKind::Subscribe,
        EventKind::SubRefresh,
        EventKind::Publish,
    ];
    let board = ChannelOptions::new([EventKind::MapPublish, EventKind::MapRemove]);
    let board = board
        .option("map.mode", "ephemeral")
        .option("map.key_ttl", "60s");
    ProxyConfiguration::new(handlers)
        .http("http://127.0.0.1:3000/centrifugo")
        .http_headers(["cookie"])
        .namespace("chat", chat)
        .namespace("board", board)
        .namespace("prices", [EventKind::SharedPollRefresh])
        .shared_poll_secret("another secret")
        .rpc_without_namespace()
}

/// Lets a client of an embedded Centrifugo, which asks the handlers within the process, go through the events.
async fn play(handlers: &Handlers) -> Outcome {
    let chat = Namespace::new("chat")
        .subscribe_proxy_enabled(true)
        .sub_refresh_proxy_enabled(true)
        .publish_proxy_enabled(true);
    let server = Server::builder()
        .namespace(chat)
        .namespace(Namespace::new("")) // of the channel `news`
        .proxy(handlers)
        .proxy_options(ProxyOptions::new().http_headers(["cookie"]))
        .start()?;
    let stranger = server.connect_client(ConnectingClient::new()).await;
    println!(
        "a stranger: {}",
        stranger.err().ok_or("the stranger is let in")?
    );
    let client = ConnectingClient::new().header("cookie", "session=1");
    let mut anna = server.connect_client(client).await?;
    println!("{} is connected", anna.user());
    anna.subscribe("chat:index").await?;
    anna.publish("chat:index", r#""hello""#).await?;
    let publication = anna
        .next_publication()
        .await
        .ok_or("the connection ended")?;
    println!("published: {}", String::from_utf8_lossy(&publication.data));
    println!(
        "the time: {}",
        String::from_utf8_lossy(&anna.rpc("time", "{}").await?)
    );
    let error = anna.rpc("fly", "{}").await;
    println!(
        "another method: {}",
        error.err().ok_or("the method is there")?
    );
    server.advance(LEASE + Duration::from_secs(1));
    server.refreshed().await;
    anna.publish("chat:index", r#""still here""#).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let app = App::default();
    app.sign_in("1", "anna");
    let handlers = handlers(&app)?;
    if std::env::args().any(|argument| argument == "--once") {
        return play(&handlers).await;
    }
    println!("{}", configuration(&handlers).to_yaml()?);
    let router = Router::new().nest_service("/centrifugo", handlers.http());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, router).await?)
}
