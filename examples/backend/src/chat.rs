//! Rooms: their messages, who is there, and who must leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use centrifugo_api::{
    ConsumerCommand, Disconnect, DisconnectRequest, HistoryRequest, PresenceRequest,
    PublishRequest, StreamPosition,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::database::{OUTBOX, sql};
use crate::login::Member;
use crate::{App, BoxError, Reply, Router};

/// The message that a user writes.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(pub(crate) String);

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_valid = !text.trim().is_empty() && text.chars().count() <= 1000;
        if is_valid {
            Ok(Self(text))
        } else {
            Err("1 to 1000 characters")
        }
    }
}

/// A message that is stored, and the key by which Centrifugo publishes it once, whoever asks for that.
pub(crate) struct Message {
    pub(crate) json: Value,
    pub(crate) key: String,
}

/// Stores a message, and its publication in the outbox. Both are there when the transaction commits, or neither.
pub(crate) async fn store(
    transaction: &mut PgConnection,
    room: &str,
    author: &str,
    text: &str,
    answer: Option<i64>,
) -> Result<Message, BoxError> {
    let insert = "INSERT INTO messages (room, author, text, answer) VALUES ($1, $2, $3, $4)
                  RETURNING id";
    let insert = sql!(query_scalar, insert, room, author, text, answer);
    let id: i64 = insert.fetch_one(&mut *transaction).await?;
    let json = json!({ "id": id, "author": author, "text": text, "answer": answer });
    let key = format!("message-{id}");
    let publication = PublishRequest::new(format!("room:{room}"), json.clone());
    let command = ConsumerCommand::new(&publication.idempotency_key(&key))?;
    OUTBOX.write(transaction, &command).await?;
    Ok(Message { json, key })
}

/// Posts a message by HTTP, as programs do. The page publishes over its connection.
async fn write(
    State(app): State<Arc<App>>,
    member: Member,
    Json(text): Json<Text>,
) -> Reply<Value> {
    let mut transaction = app.database.begin().await?;
    let message = store(&mut transaction, &member.room, &member.name, &text.0, None).await?;
    transaction.commit().await?;
    Ok(Json(message.json))
}

/// Returns the position of a channel, from which on a page hears what comes after that which it loads.
///
/// Ask for the position before you read the data: then nothing falls between the two.
pub(crate) async fn position(app: &App, channel: String) -> Option<StreamPosition> {
    let request = HistoryRequest::new(channel); // without publications
    let history = app.centrifugo.history(request).await.ok()?;
    Some(StreamPosition::new(history.offset, history.epoch))
}

/// Returns the latest messages of a room, and the position of its channel.
async fn show(State(app): State<Arc<App>>, member: Member) -> Reply<Value> {
    let position = position(&app, format!("room:{}", member.room)).await;
    let text =
        "SELECT to_json(messages)::text FROM messages WHERE room = $1 ORDER BY id DESC LIMIT 50";
    let rows = sql!(query_scalar, text, &member.room);
    let rows: Vec<String> = rows.fetch_all(&app.database).await?;
    let messages: serde_json::Result<Vec<Value>> = rows
        .iter()
        .rev()
        .map(|row| serde_json::from_str(row))
        .collect();
    Ok(Json(json!({ "messages": messages?, "position": position })))
}

/// Returns the names of those who are in a room now.
async fn presence(State(app): State<Arc<App>>, member: Member) -> Reply<BTreeSet<String>> {
    let request = PresenceRequest::new(format!("room:{}", member.room));
    let clients = app.centrifugo.presence(request).await?.presence;
    Ok(Json(
        clients.into_values().map(|client| client.user).collect(),
    ))
}

/// Ends the connections of a user, who may come back.
async fn kick(State(app): State<Arc<App>>, member: Member) -> Reply<()> {
    let name = member.subject()?;
    let request = end(name, 4502, "kicked");
    app.centrifugo.disconnect(request).await?;
    Ok(Json(()))
}

/// Blocks a user: the sessions end, the room is told and the connections are ended, or nothing of that happens.
///
/// Without a session there is no next token; handlers refuse what an old token would still allow.
async fn block(State(app): State<Arc<App>>, member: Member) -> Reply<()> {
    let name = member.subject()?;
    let mut transaction = app.database.begin().await?;
    let block = sql!(
        query,
        "UPDATE users SET blocked = true WHERE name = $1",
        name
    );
    block.execute(&mut *transaction).await?;
    let text = format!("{} has blocked {name}.", member.name);
    store(&mut transaction, &member.room, "", &text, None).await?;
    let command = ConsumerCommand::new(&end(name, 4503, "blocked"))?;
    OUTBOX.write(&mut *transaction, &command).await?;
    transaction.commit().await?;
    Ok(Json(()))
}

/// Returns the request to end all connections of a user. From code 4500 on, clients do not reconnect.
fn end(name: &str, code: u32, reason: &str) -> DisconnectRequest {
    DisconnectRequest::new(name).disconnect(Disconnect::new(code, reason))
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/rooms/{room}", get(show))
        .route("/rooms/{room}/messages", post(write))
        .route("/rooms/{room}/presence", get(presence))
        .route("/rooms/{room}/kick/{name}", post(kick))
        .route("/rooms/{room}/block/{name}", post(block))
}
