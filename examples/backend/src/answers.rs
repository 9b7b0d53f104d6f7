//! Streamed answers, as language models give them: in order, batched by time, resumed after a reload, stopped when nobody waits.
//!
//! The database has the text of an answer, and a channel such as `answer:lobby/8b1f…` what is added to it. A page that opens in the
//! middle loads the text, and continues from the position that it got with the text.

use std::pin::pin;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use centrifugo_api::{PresenceStatsRequest, PublishRequest};
use centrifugo_postgres::Error;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_stream::{Stream, StreamExt};
use uuid::Uuid;

use crate::login::Member;
use crate::rooms::{OUTBOX, message_text, position, store};
use crate::{App, AppState, Refusal, Reply};

/// The time for which words are collected. Ten publications per second look like typing, and cost little.
const BATCH: Duration = Duration::from_millis(100);

/// Returns the words of an answer as they come. Here you call a language model, and stop it when the stream is dropped.
fn model(question: &str) -> impl Stream<Item = String> + use<> {
    let text = include_str!("../answer.txt").trim();
    let answer = format!("“{question}” is a good question. {text}");
    let words: Vec<_> = answer.split_inclusive(' ').map(str::to_owned).collect();
    tokio_stream::iter(words).throttle(Duration::from_millis(50))
}

/// Asks a question. All in the room see it, and may read the answer, whose channel is returned.
pub async fn ask(
    State(app): AppState,
    asker: Member,
    Json(question): Json<String>,
) -> Reply<Json<String>> {
    let question = message_text(question).ok_or(Refusal(StatusCode::BAD_REQUEST))?;
    let channel = format!("answer:{}/{}", asker.room, Uuid::new_v4());
    let mut transaction = app.database.begin().await?;
    let sql = "INSERT INTO answers (channel, asker) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let insert = sqlx::query(sql).bind(&channel).bind(&asker.name);
    if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Err(Refusal(StatusCode::CONFLICT)); // another one is being written
    }
    store(&mut transaction, &asker, &question, Some(&channel)).await?;
    transaction.commit().await?;

    let writing = write(app, channel.clone(), asker, question);
    app.tasks.spawn(writing);
    Ok(Json(channel))
}

/// Writes an answer from its first word on, and ends it.
#[tracing::instrument(skip(app, asker, question), err(Debug))] // after an error, `end_silent` ends it
async fn write(app: &App, channel: String, asker: Member, question: String) -> Result<(), Error> {
    let mut batches = pin!(model(&question).chunks_timeout(1000, BATCH));
    let mut no_readers = pin!(no_readers(app, &channel));
    let mut from = 0;
    let state = loop {
        let words = tokio::select! {
            words = batches.next() => words,
            () = &mut no_readers => break "abandoned",
            () = app.stopping.cancelled() => break "interrupted",
        };
        let Some(words) = words else { break "complete" };
        let text = words.concat();
        // The database first: what a page has loaded is never behind what it then hears.
        let sql = "UPDATE answers SET text = text || $2, written = now()
                   WHERE channel = $1 AND state = 'streaming'";
        let append = sqlx::query(sql).bind(&channel).bind(&text);
        if append.execute(&app.database).await?.rows_affected() == 0 {
            break "stopped"; // by a request to whichever instance of this backend
        }
        // The next words wait for these, so the order is kept. If this fails, a page sees it by the next ones.
        let publication = publication(&channel, from, &text, "streaming");
        app.centrifugo.publish(publication).await.ok();
        from += text.encode_utf16().count();
    };
    end(app, &channel, &asker.name, state).await
}

/// Returns the publication of words, of their place, and whether more come.
///
/// The place is in units of UTF-16, as JavaScript counts. A page sees by it what it has already, and what it lacks.
fn publication(channel: &str, from: usize, text: &str, state: &str) -> PublishRequest {
    let data = json!({ "from": from, "text": text, "state": state });
    PublishRequest::new(channel, data).idempotency_key(format!("{channel}-{from}-{state}"))
}

/// Returns when nobody has been reading an answer for so long that further words would be wasted.
async fn no_readers(app: &App, channel: &str) {
    let mut last_seen = Instant::now();
    while last_seen.elapsed() < app.config.readers_may_be_away_seconds {
        sleep(Duration::from_secs(1)).await;
        let stats = PresenceStatsRequest::new(channel);
        let stats = app.centrifugo.presence_stats(stats).await;
        // A failure says nothing about readers.
        if !stats.is_ok_and(|stats| stats.num_clients == 0) {
            last_seen = Instant::now();
        }
    }
}

/// Ends an answer, unless it has ended already. The outbox publishes that too: no reader waits for ever.
pub async fn end(app: &App, channel: &str, asker: &str, state: &str) -> Result<(), Error> {
    let mut transaction = app.database.begin().await?;
    let sql = "UPDATE answers SET state = $3
               WHERE channel = $1 AND asker = $2 AND state = 'streaming' RETURNING text";
    let update = sqlx::query_scalar(sql).bind(channel).bind(asker);
    let text: Option<String> = update.bind(state).fetch_optional(&mut *transaction).await?;
    let Some(text) = text else { return Ok(()) };
    let publication = publication(channel, text.encode_utf16().count(), "", state);
    OUTBOX.send(&mut *transaction, &publication).await?;
    transaction.commit().await?;
    tracing::info!(channel, state, "the answer has ended");
    app.centrifugo.publish(publication).await.ok();
    Ok(())
}

/// Ends answers that no longer grow, because their instance has crashed or their model hangs. Each instance looks for them.
pub async fn end_silent(app: &App) {
    loop {
        sleep(Duration::from_secs(5)).await;
        let silent = sqlx::query_as("SELECT channel, asker FROM silent_answers");
        let silent: sqlx::Result<Vec<(String, String)>> = silent.fetch_all(&app.database).await;
        for (channel, asker) in silent.unwrap_or_default() {
            end(app, &channel, &asker, "interrupted").await.ok(); // or in the next round
        }
    }
}

/// Returns the text of an answer so far, and the position from which on its channel has the rest.
pub async fn show(
    State(app): AppState,
    _: Member,
    Path((room, id)): Path<(String, String)>,
) -> Reply<Json<Value>> {
    let channel = format!("answer:{room}/{id}");
    let position = position(app, &channel).await;
    let sql = "SELECT text, state FROM answers WHERE channel = $1";
    let answer = sqlx::query_as(sql).bind(channel);
    let answer: Option<(String, String)> = answer.fetch_optional(&app.database).await?;
    let (text, state) = answer.ok_or(Refusal(StatusCode::NOT_FOUND))?;
    let answer = json!({ "text": text, "state": state, "position": position });
    Ok(Json(answer))
}
