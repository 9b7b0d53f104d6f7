//! Who somebody is: sessions, memberships, and the tokens for Centrifugo that a session gets.

use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use centrifugo_token::endpoints::{ConnectionTokenEndpoint, JwksEndpoint, Reject};
use centrifugo_token::{ConnectionClaims, Expiry, KeySet};
use serde_json::{Value, json};

use crate::{App, AppState, BoxError, Refusal, Reply};

/// Returns the user of the session whose cookie is in the headers, unless the user is blocked.
pub async fn session_user(app: &App, headers: &HeaderMap) -> sqlx::Result<Option<String>> {
    let cookies = headers.get(COOKIE).and_then(|value| value.to_str().ok());
    let mut cookies = cookies.unwrap_or_default().split("; ");
    let session = cookies.find_map(|cookie| cookie.strip_prefix("session="));
    let sql = "SELECT name FROM open_sessions WHERE id = $1";
    let name = sqlx::query_scalar(sql).bind(session);
    name.fetch_optional(&app.database).await
}

/// A user who may read and write in a room.
#[derive(sqlx::FromRow)]
pub struct Member {
    pub room: String,
    pub name: String,
    pub is_owner: bool,
}

/// Returns the member of a room, `None` for strangers and for those who are blocked.
pub async fn member(app: &App, room: &str, name: &str) -> sqlx::Result<Option<Member>> {
    let sql = "SELECT * FROM active_members WHERE room = $1 AND name = $2";
    let member = sqlx::query_as(sql).bind(room).bind(name);
    member.fetch_optional(&app.database).await
}

/// Lets handlers of paths such as `/rooms/{room}` take the member as an argument.
impl FromRequestParts<&'static App> for Member {
    type Rejection = Refusal;

    async fn from_request_parts(head: &mut Parts, app: &&'static App) -> Result<Self, Refusal> {
        let name = session_user(app, &head.headers).await?;
        let name = name.ok_or(Refusal(StatusCode::UNAUTHORIZED))?;
        let Path(path) = Path::<Vec<(String, String)>>::from_request_parts(head, app).await?;
        let (_, room) = &path[0];
        let member = member(app, room, &name).await?;
        member.ok_or(Refusal(StatusCode::FORBIDDEN))
    }
}

/// Starts a session. A real application asks for a password here.
pub async fn login(State(app): AppState, Json(name): Json<String>) -> Reply<Response> {
    let sql = "INSERT INTO sessions (name) SELECT name FROM users
               WHERE name = $1 AND NOT blocked RETURNING id";
    let session = sqlx::query_scalar(sql).bind(name);
    let session: Option<String> = session.fetch_optional(&app.database).await?;
    let session = session.ok_or(Refusal(StatusCode::FORBIDDEN))?;
    let cookie = format!("session={session}; HttpOnly; SameSite=Strict; Path=/");
    Ok([(SET_COOKIE, cookie)].into_response())
}

/// Returns what the page needs to begin.
pub async fn me(State(app): AppState, headers: HeaderMap) -> Reply<Json<Value>> {
    let name = session_user(app, &headers).await?;
    let name = name.ok_or(Refusal(StatusCode::UNAUTHORIZED))?;
    let sql = "SELECT room, is_owner FROM members WHERE name = $1 ORDER BY room DESC";
    let rooms = sqlx::query_as(sql).bind(&name);
    let rooms: Vec<(String, bool)> = rooms.fetch_all(&app.database).await?;
    let page = json!({ "name": name, "rooms": rooms, "websocket": app.config.websocket_url });
    Ok(Json(page))
}

/// Returns the paths for tokens, and for the keys by which Centrifugo verifies them.
pub fn tokens(app: &'static App) -> Result<Router<&'static App>, BoxError> {
    let keys = KeySet::new(app.config.token_lifetime_seconds);
    let keys = keys.publish_all(app.config.token_keys.clone())?;
    let tokens = ConnectionTokenEndpoint::new(keys.clone(), move |head| async move {
        // Without a session there is no token: after 403 the page stops asking.
        let name = session_user(app, &head.headers).await?;
        let name = name.ok_or(Reject::Forbidden)?;
        let expiry = Expiry::after(app.config.token_lifetime_seconds);
        Ok(ConnectionClaims::new(name, expiry))
    });
    Ok(Router::new()
        .route_service("/token", tokens)
        .route_service("/token/jwks", JwksEndpoint::new(keys)))
}
