//! The questions of Centrifugo about clients, and the configuration by which it does.

use std::sync::Arc;

use centrifugo_api::PublishRequest;
use centrifugo_proxy::{
    Caller, ChannelOptions, ClientError, ConnectEvent, ConnectReply, Disconnect, EventKind,
    Handlers, ProxyConfiguration, PublishEvent, PublishReply, Reject, RpcEvent, RpcReply,
    SubscribeEvent, SubscribeReply,
};
use centrifugo_token::TokenConfiguration;
use serde_json::{Value, json};

use crate::chat::{Text, store};
use crate::database::{OUTBOX, membership, session_user, sql};
use crate::{App, BoxError};

const NO_SESSION: Disconnect = Disconnect::constant(4501, "no session");
const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
const NO_SUCH_METHOD: ClientError = ClientError::constant(404, "no such method");
const NOT_A_MESSAGE: ClientError = ClientError::constant(400, "1 to 1000 characters");

/// Decides about clients without a token, by the cookie of their session.
///
/// Cookies come along when Centrifugo is below the site of the page. Elsewhere, and by default in this page, clients have tokens,
/// about which Centrifugo asks nobody.
///
/// These connections do not expire; the function `block` ends them. A handler for `refresh` would be asked about connections with
/// tokens too, whose clients would then not ask for the next token.
async fn connect(app: Arc<App>, event: ConnectEvent) -> Result<ConnectReply, Reject> {
    let cookie = event.header("cookie").unwrap_or_default();
    let name = session_user(&app.database, cookie)
        .await?
        .ok_or(NO_SESSION)?;
    let info = json!({ "name": name });
    Ok(ConnectReply::user(name).info(info))
}

/// Lets members subscribe to their rooms.
async fn subscribe(app: Arc<App>, event: SubscribeEvent) -> Result<SubscribeReply, Reject> {
    member(&app, event.user(), event.channel()).await?;
    Ok(SubscribeReply::allow())
}

/// Stores a message that a client publishes, and lets Centrifugo publish what was stored.
///
/// The outbox has it too, in case that Centrifugo does not get this reply. Both have the same key: it is published once.
async fn publish(app: Arc<App>, event: PublishEvent) -> Result<PublishReply, Reject> {
    let (name, room) = member(&app, event.user(), event.channel()).await?;
    let text: Text = event.json().map_err(|_| NOT_A_MESSAGE)?;
    let mut transaction = app.database.begin().await?;
    let message = store(&mut transaction, room, name, &text.0, None).await;
    let message = message.map_err(Reject::Failed)?;
    transaction.commit().await?;
    let reply = PublishReply::allow().data(message.json);
    Ok(reply.idempotency_key(message.key))
}

/// Answers what clients ask over their connections.
async fn rpc(app: Arc<App>, event: RpcEvent) -> Result<RpcReply, Reject> {
    match event.method() {
        "rooms" => {
            let text = "SELECT room, is_owner FROM members JOIN users USING (name)
                        WHERE name = $1 AND NOT blocked ORDER BY room DESC";
            let rooms = sql!(query_as, text, event.user());
            let rooms: Vec<(String, bool)> = rooms.fetch_all(&app.database).await?;
            Ok(RpcReply::json(&rooms)?)
        }
        "typing" => {
            let channel: String = event.json()?;
            let (name, _) = member(&app, event.user(), &channel).await?;
            // Nobody waits for it, and nobody who comes later wants it.
            let typing = PublishRequest::new(channel.as_str(), json!({ "typing": name }));
            app.background.send(typing.skip_history(true));
            Ok(RpcReply::empty())
        }
        _ => Err(NO_SUCH_METHOD.into()),
    }
}

/// Returns the user, and the room of a channel such as `room:lobby`, of which the user must be a member.
async fn member<'a>(
    app: &App,
    user: Option<&'a str>,
    channel: &'a str,
) -> Result<(&'a str, &'a str), Reject> {
    let name = user.ok_or(NOT_A_MEMBER)?;
    let room = channel.strip_prefix("room:").ok_or(NOT_A_MEMBER)?;
    let membership = membership(&app.database, room, name).await?;
    membership.ok_or(NOT_A_MEMBER)?;
    Ok((name, room))
}

/// Gives a handler the application.
fn with<E, F>(app: &Arc<App>, handler: fn(Arc<App>, E) -> F) -> impl Fn(E) -> F + use<E, F> {
    let app = app.clone();
    move |event| handler(app.clone(), event)
}

/// Returns the handlers. Their failures are warnings in the log, by the feature `tracing`.
pub(crate) fn handlers(app: &Arc<App>) -> Result<Handlers, BoxError> {
    Ok(
        Handlers::new(Caller::with_secret(&app.config.proxy_secret)?)
            .connect(with(app, connect))
            .subscribe(with(app, subscribe))
            .publish(with(app, publish))
            .rpc(with(app, rpc)),
    )
}

/// Returns the whole configuration of Centrifugo, most of it from the code that it belongs to.
pub(crate) fn configuration(app: &Arc<App>) -> Result<Value, BoxError> {
    let config = &app.config;
    let room = ChannelOptions::new([EventKind::Subscribe, EventKind::Publish])
        .option("presence", true)
        .option("join_leave", true)
        .option("force_push_join_leave", true)
        .option("history_size", 100)
        .option("history_ttl", "10m")
        .option("force_recovery", true);
    let proxies = ProxyConfiguration::new(&handlers(app)?)
        .http(format!("{}/centrifugo", config.internal_url))
        .http_headers(["cookie"])
        .namespace("room", room)
        .rpc_without_namespace();
    let jwks = format!("{}/token/jwks", config.internal_url);
    let tokens = TokenConfiguration::new().jwks_endpoint(jwks)?;
    let outbox = OUTBOX.consumer(&config.database_url);
    // The namespace of answers is without a proxy. It keeps them for as long as one takes, and a reload.
    let mut all = json!({
        "http_api": { "key": config.api_key },
        "grpc_api": { "enabled": true, "key": config.api_key },
        "health": { "enabled": true },
        "usage_stats": { "disabled": true },
        "client": { "allowed_origins": [config.origin] },
        "channel": { "namespaces": [{
            "name": "answer",
            "presence": true,
            "history_size": 1000,
            "history_ttl": "5m",
            "force_recovery": true,
        }] },
    });
    for part in [proxies.to_json()?, tokens.to_json(), outbox.to_json()] {
        merge(&mut all, serde_json::from_str(&part)?);
    }
    Ok(all)
}

/// Adds a part of a configuration.
fn merge(all: &mut Value, part: Value) {
    match (all, part) {
        (Value::Object(all), Value::Object(part)) => {
            for (name, value) in part {
                merge(all.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(all), Value::Array(part)) => all.extend(part),
        (all, part) => *all = part,
    }
}
