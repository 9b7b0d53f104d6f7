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

use centrifugo_proxy::{
    Caller, ClientError, ConnectEvent, ConnectReply, Disconnect, Handlers, MapPublishReply,
    MapRemoveReply, PublishReply, RefreshReply, Reject, RpcReply, SharedPollItem,
    SharedPollRefreshReply, SubRefreshReply, SubscribeReply,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const NO_SESSION: Disconnect = Disconnect::constant(4501, "no session");
const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
const NO_SUCH_METHOD: ClientError = ClientError::constant(404, "no such method");
const TOO_LONG: ClientError = ClientError::constant(413, "the message is too long");

/// How long a connection or a subscription goes on until Centrifugo asks again.
const LEASE: Duration = Duration::from_secs(60);

/// The state of the application: the user of each session, and prices.
#[derive(Clone, Default)]
struct App {
    sessions: Arc<Mutex<BTreeMap<String, String>>>,
}

impl App {
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
        Ok(ConnectReply::user(user).info(info).channel("news").expire_in(LEASE))
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
        .on_failure(|kind, failure| eprintln!("{kind:?}: {failure}")))
}

#[tokio::main]
async fn main() -> Outcome {
    let app = App::default();
    let handlers = handlers(&app)?;
    let router = axum::Router::new().nest_service("/centrifugo", handlers.http());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, router).await?)
}
