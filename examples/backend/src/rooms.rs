//! Rooms: their messages, who is there, and who must leave.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use centrifugo_api::{Disconnect, DisconnectRequest, HistoryRequest, PublishRequest};
use centrifugo_postgres::{Error, Outbox};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::login::{self, Member};
use crate::{App, AppState, Refusal, Reply};

/// The table from which Centrifugo takes what it shall do, once the transaction that wrote it has committed.
pub const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox").partitions(4).notify();

/// Returns the text of a message, `None` if it is empty, too long, or has a zero byte, which PostgreSQL cannot store.
pub fn message_text(text: String) -> Option<String> {
    let is_valid = !text.trim().is_empty() && text.chars().count() <= 1000 && !text.contains('\0');
    is_valid.then_some(text)
}

/// Stores a message, and its publication in the outbox. Both are there when the transaction commits, or neither.
pub async fn store(
    transaction: &mut PgConnection,
    Member { room, name, .. }: &Member,
    text: &str,
    answer: Option<&str>,
) -> Result<PublishRequest, Error> {
    let sql = "INSERT INTO messages (room, author, text, answer)
               VALUES ($1, $2, $3, $4) RETURNING to_json(messages)";
    let insert = sqlx::query_scalar(sql).bind(room).bind(name);
    let insert = insert.bind(text).bind(answer);
    let message: Value = insert.fetch_one(&mut *transaction).await?;
    let key = format!("message-{}", message["id"]); // whoever publishes it too does not double it
    let publication = PublishRequest::new(format!("room:{room}"), message).idempotency_key(key);
    OUTBOX.send(transaction, &publication).await?;
    Ok(publication)
}

/// Posts a message by HTTP, as programs do. The page publishes over its connection.
pub async fn write(State(app): AppState, member: Member, Json(text): Json<String>) -> Reply<()> {
    let text = message_text(text).ok_or(Refusal(StatusCode::BAD_REQUEST))?;
    let mut transaction = app.database.begin().await?;
    store(&mut transaction, &member, &text, None).await?;
    transaction.commit().await?;
    Ok(())
}

/// Returns the position of a channel. Ask for it before you read what a page loads: then nothing falls between the two.
pub async fn position(app: &App, channel: &str) -> Option<Value> {
    let request = HistoryRequest::new(channel); // without publications
    let history = app.centrifugo.history(request).await.ok()?;
    Some(json!({ "offset": history.offset, "epoch": history.epoch }))
}

/// Returns the latest messages of a room, and the position of its channel.
pub async fn show(State(app): AppState, member: Member) -> Reply<Json<Value>> {
    let position = position(app, &format!("room:{}", member.room)).await;
    let sql = "SELECT coalesce(json_agg(latest ORDER BY id), '[]') FROM
               (SELECT * FROM messages WHERE room = $1 ORDER BY id DESC LIMIT 50) AS latest";
    let messages = sqlx::query_scalar(sql).bind(member.room);
    let messages: Value = messages.fetch_one(&app.database).await?;
    Ok(Json(json!({ "messages": messages, "position": position })))
}

/// Throws a member out, who may come back, or blocks the member.
///
/// The room is told and the connections end, or neither. Who is blocked gets no token; handlers refuse what an old one allows.
pub async fn remove(
    State(app): AppState,
    member: Member,
    Json((name, is_blocked)): Json<(String, bool)>,
) -> Reply<()> {
    if !member.is_owner {
        return Err(Refusal(StatusCode::FORBIDDEN));
    }
    let removed = login::member(app, &member.room, &name).await?;
    removed.ok_or(Refusal(StatusCode::NOT_FOUND))?;
    let reason = if is_blocked { "blocked" } else { "kicked" };
    let mut transaction = app.database.begin().await?;
    let update = sqlx::query("UPDATE users SET blocked = blocked OR $2 WHERE name = $1");
    let update = update.bind(&name).bind(is_blocked);
    update.execute(&mut *transaction).await?;
    let text = format!("I have {reason} {name}.");
    store(&mut transaction, &member, &text, None).await?;
    // After this code, and higher ones, clients do not reconnect.
    let request = DisconnectRequest::new(name).disconnect(Disconnect::new(4500, reason));
    OUTBOX.send(&mut *transaction, &request).await?;
    transaction.commit().await?;
    Ok(())
}
