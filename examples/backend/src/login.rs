//! Who somebody is: sessions, and the tokens for Centrifugo that a session gets.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use centrifugo_token::endpoints::{
    ConnectionTokenEndpoint, JwksEndpoint, Reject, SubscriptionTokenEndpoint,
};
use centrifugo_token::{ConnectionClaims, Expiry, SubscriptionClaims};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::{may_read, membership, session_user, sql};
use crate::{App, Refusal, Reply, Router};

/// The user of a request, by the session.
pub(crate) struct User(pub(crate) String);

/// The user of a request about a room, of which the user is a member.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) room: String,
    is_owner: bool,
    /// The other user that the request is about.
    other: Option<String>,
}

impl Member {
    /// Returns the user that the request is about, whom only the owner of the room may throw out.
    pub(crate) fn subject(&self) -> Result<&str, Refusal> {
        let other = self.other.as_deref().filter(|_| self.is_owner);
        other.ok_or(Refusal(StatusCode::FORBIDDEN))
    }
}

async fn user(app: &App, headers: &HeaderMap) -> sqlx::Result<Option<String>> {
    let cookie = headers.get(COOKIE).and_then(|value| value.to_str().ok());
    session_user(&app.database, cookie.unwrap_or_default()).await
}

impl FromRequestParts<Arc<App>> for User {
    type Rejection = Refusal;

    async fn from_request_parts(head: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let name = user(app, &head.headers).await?;
        name.map(Self).ok_or(Refusal(StatusCode::UNAUTHORIZED))
    }
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = Refusal;

    async fn from_request_parts(head: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let User(name) = User::from_request_parts(head, app).await?;
        let Path(path) = Path::<Vec<(String, String)>>::from_request_parts(head, app).await?;
        let mut path = path.into_iter().map(|(_, value)| value);
        let room = path.next().unwrap_or_default();
        let other = path.next();
        let is_owner = membership(&app.database, &room, &name).await?;
        let is_owner = is_owner.ok_or(Refusal(StatusCode::FORBIDDEN))?;
        Ok(Self {
            name,
            room,
            is_owner,
            other,
        })
    }
}

/// Starts a session. A real application asks for a password here.
async fn login(
    State(app): State<Arc<App>>,
    Json(name): Json<String>,
) -> Result<impl IntoResponse, Refusal> {
    let session = Uuid::new_v4().to_string();
    let text = "INSERT INTO sessions SELECT $1, name FROM users WHERE name = $2 AND NOT blocked";
    let started = sql!(query, text, &session, &name)
        .execute(&app.database)
        .await?;
    if started.rows_affected() == 0 {
        return Err(Refusal(StatusCode::FORBIDDEN));
    }
    tracing::info!(name, "logged in");
    let cookie = format!("session={session}; HttpOnly; SameSite=Strict; Path=/");
    Ok([(SET_COOKIE, cookie)])
}

async fn me(State(app): State<Arc<App>>, User(name): User) -> Reply<Value> {
    Ok(Json(
        json!({ "name": name, "websocket": app.config.websocket_url }),
    ))
}

/// Returns the claims for a connection. Without a session there are none: after 403 the page stops asking.
async fn connection(app: Arc<App>, head: Parts) -> Result<ConnectionClaims, Reject> {
    let name = user(&app, &head.headers).await?.ok_or(Reject::Forbidden)?;
    let info = json!({ "name": name });
    Ok(ConnectionClaims::new(name, Expiry::after(app.config.token_lifetime)).info(info))
}

/// Returns the claims for a subscription to an answer, as in `answer:42`. Subscriptions to rooms need no token.
async fn subscription(
    app: Arc<App>,
    head: Parts,
    channel: String,
) -> Result<SubscriptionClaims, Reject> {
    let name = user(&app, &head.headers).await?.ok_or(Reject::Forbidden)?;
    let answer = channel
        .strip_prefix("answer:")
        .and_then(|id| id.parse().ok());
    if !may_read(&app.database, answer.ok_or(Reject::Forbidden)?, &name).await? {
        return Err(Reject::Forbidden);
    }
    let expiry = Expiry::after(app.config.token_lifetime);
    Ok(SubscriptionClaims::user(name).channel(channel, expiry))
}

pub(crate) fn routes(app: &Arc<App>) -> Router {
    let keys = || app.config.keys.clone();
    let one = app.clone();
    let other = app.clone();
    let connection =
        ConnectionTokenEndpoint::new(keys(), move |head| connection(one.clone(), head));
    let subscription = SubscriptionTokenEndpoint::new(keys(), move |head, channel| {
        subscription(other.clone(), head, channel)
    });
    Router::new()
        .route("/login", post(login))
        .route("/me", get(me))
        .route_service("/token/connection", connection)
        .route_service("/token/subscription", subscription)
        .route_service("/token/jwks", JwksEndpoint::new(keys()))
}
