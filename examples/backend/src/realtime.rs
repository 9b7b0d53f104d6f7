//! The questions of Centrifugo about clients, and the configuration by which it asks them.

use centrifugo_proxy::{
    Caller, ClientError, ConnectReply, Disconnect, EventKind, Handlers, ProxyConfiguration,
    PublishEvent, PublishReply, Reject, RpcEvent, RpcReply, SubscribeReply,
};
use centrifugo_token::TokenConfiguration;
use serde_json::json;

use crate::login::{Member, member, session_user};
use crate::rooms::{OUTBOX, message_text, store};
use crate::{App, BoxError, answers};

const NO_SESSION: Disconnect = Disconnect::constant(4501, "no session");
const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
const BAD_TEXT: ClientError = ClientError::constant(400, "a message has 1 to 1,000 characters");
const NO_SUCH_METHOD: ClientError = ClientError::constant(404, "no such method");

/// Returns the member who does something in a channel of a room, such as `room:lobby` or `answer:lobby/42`.
async fn member_of(app: &App, channel: &str, user: Option<&str>) -> Result<Member, Reject> {
    let room = channel.split([':', '/']).nth(1).unwrap_or_default();
    let member = member(app, room, user.unwrap_or_default()).await?;
    Ok(member.ok_or(NOT_A_MEMBER)?)
}

/// Stores a message that a client publishes, and lets Centrifugo publish what was stored.
///
/// The outbox has it too, in case that Centrifugo does not get this reply. Both have the same key: it is published once.
async fn publish(app: &App, event: PublishEvent) -> Result<PublishReply, Reject> {
    let member = member_of(app, event.channel(), event.user()).await?;
    let text = event.json().ok().and_then(message_text).ok_or(BAD_TEXT)?;
    let mut transaction = app.database.begin().await?;
    let stored = store(&mut transaction, &member, &text, None).await?;
    transaction.commit().await?;
    let reply = PublishReply::allow().data(stored.data);
    Ok(reply.idempotency_key(stored.idempotency_key))
}

/// Does what clients ask for over their connections: here, to stop an answer.
async fn rpc(app: &App, event: RpcEvent) -> Result<RpcReply, Reject> {
    if event.method() != "stop" {
        return Err(NO_SUCH_METHOD.into());
    }
    let channel: String = event.json().unwrap_or_default(); // what is no channel has no members
    let asker = member_of(app, &channel, event.user()).await?.name;
    answers::end(app, &channel, &asker, "stopped").await?;
    Ok(RpcReply::empty())
}

/// Returns the handlers. Their failures are warnings in the log, by the feature `tracing`.
pub fn handlers(app: &'static App) -> Result<Handlers, BoxError> {
    let centrifugo = Caller::with_secret(&app.config.proxy_secret)?;
    Ok(Handlers::new(centrifugo)
        .connect(move |event| async move {
            // A client without a token has a session. README.md tells why there is no handler for `refresh`.
            let name = session_user(app, event.headers()).await?;
            Ok(ConnectReply::user(name.ok_or(NO_SESSION)?))
        })
        .subscribe(move |event| async move {
            member_of(app, event.channel(), event.user()).await?;
            Ok(SubscribeReply::allow())
        })
        .publish(move |event| publish(app, event))
        .rpc(move |event| rpc(app, event)))
}

/// Returns the whole configuration of Centrifugo: what follows from code and environment, and a file with the rest.
pub fn configuration(app: &'static App) -> Result<String, BoxError> {
    let config = &app.config;
    let tokens = TokenConfiguration::new();
    let tokens = tokens.jwks_endpoint(format!("{}/token/jwks", config.internal_url))?;
    let environment = json!({
        "http_api": { "key": config.centrifugo_api_key },
        "grpc_api": { "key": config.centrifugo_api_key },
        "client": { "allowed_origins": [config.origin] },
    });
    let configuration = ProxyConfiguration::new(&handlers(app)?)
        .http(format!("{}/centrifugo", config.internal_url))
        .http_headers(["cookie"])
        .namespace("answer", [EventKind::Subscribe])
        .namespace("typing", [EventKind::Subscribe])
        .namespace("room", [EventKind::Subscribe, EventKind::Publish])
        .rpc_without_namespace()
        .merge(tokens.to_json())
        .merge(OUTBOX.consumer(&config.database_url).to_json())
        .merge(environment.to_string())
        .merge(include_str!("../centrifugo.json"));
    Ok(configuration.to_json()?)
}
