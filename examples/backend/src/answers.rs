//! Streamed answers, as language models give them: in order, batched by time, resumed after a reload, stopped when nobody waits.
//!
//! The database has the text of an answer, and the channel `answer:ID` what is added to it. A page that opens in the middle loads
//! the text, and continues from the position that it got with the text.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use centrifugo_api::{PresenceStatsRequest, PublishRequest};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use crate::chat::{Text, position, store};
use crate::database::{may_read, sql};
use crate::login::{Member, User};
use crate::{App, BoxError, Refusal, Reply, Router};

/// The time for which words are collected. Ten publications per second look like typing, and cost little.
const BATCH: Duration = Duration::from_millis(100);

/// The time for which the end of an answer is published again while Centrifugo is away.
const CENTRIFUGO_MAY_BE_AWAY: Duration = Duration::from_secs(60);

/// The text that was not published yet, and its place.
struct Unpublished {
    channel: String,
    /// In units of UTF-16, as JavaScript counts. A page sees by it what it has already, and what it lacks.
    from: usize,
    text: String,
}

impl Unpublished {
    /// Publishes the text, and whether more comes. If that fails, the text stays.
    ///
    /// With the key, an attempt whose reply was lost can be repeated. The next publication waits for this one: the order is kept.
    async fn publish(&mut self, app: &App, state: &str) -> Result<(), centrifugo_api::Error> {
        let Self {
            channel,
            from,
            text,
        } = &*self;
        let key = format!("{channel}-{from}-{}-{state}", text.len());
        let delta = json!({ "from": from, "text": text, "state": state });
        let publication = PublishRequest::new(channel.as_str(), delta).idempotency_key(key);
        app.centrifugo.publish(publication).await?;
        self.from += self.text.encode_utf16().count();
        self.text.clear();
        Ok(())
    }
}

/// Publishes an answer from its first word to its end, in one task.
async fn stream(app: &App, answer: i64, mut words: mpsc::Receiver<String>) -> Result<(), BoxError> {
    let channel = format!("answer:{answer}");
    let mut readers = Readers {
        channel: channel.clone(),
        last_seen: Instant::now(),
    };
    let mut unpublished = Unpublished {
        channel,
        from: 0,
        text: String::new(),
    };
    let end = loop {
        let mut batch = String::new();
        let collect = async {
            while let Some(word) = words.recv().await {
                batch.push_str(&word);
            }
        };
        let is_complete = timeout(BATCH, collect).await.is_ok();
        // The database first: what a page has loaded is never behind what it then hears. It also tells whether somebody has
        // pressed stop, on whichever instance of this backend.
        let append = "UPDATE answers SET text = text || $2 WHERE id = $1 RETURNING state";
        let append = sql!(query_scalar, append, answer, &batch);
        let state: String = append.fetch_one(&app.database).await?;
        unpublished.text.push_str(&batch);
        if is_complete {
            break "complete";
        } else if state == "stopping" {
            break "stopped";
        } else if app.stopping.is_cancelled() {
            break "interrupted";
        } else if readers.have_left(app).await {
            break "abandoned";
        }
        if !unpublished.text.is_empty() {
            // After a failure the text waits for the next batch.
            unpublished.publish(app, "streaming").await.ok();
        }
    };
    drop(words); // the model stops
    finish(app, answer, end).await?;
    let deadline = Instant::now() + CENTRIFUGO_MAY_BE_AWAY;
    while let Err(error) = unpublished.publish(app, end).await {
        if app.stopping.is_cancelled() || Instant::now() > deadline {
            tracing::warn!(answer, %error, "only pages that load the answer see its end");
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    tracing::info!(answer, end, "the answer has ended");
    Ok(())
}

async fn finish(app: &App, answer: i64, end: &str) -> sqlx::Result<()> {
    let text = "UPDATE answers SET state = $2 WHERE id = $1";
    let update = sql!(query, text, answer, end);
    update.execute(&app.database).await?;
    Ok(())
}

/// Those who have an answer on their screens.
struct Readers {
    channel: String,
    last_seen: Instant,
}

impl Readers {
    /// Returns whether there has been nobody for so long that words would be wasted.
    async fn have_left(&mut self, app: &App) -> bool {
        let silence = self.last_seen.elapsed();
        if silence < app.config.readers_may_be_away / 2 {
            return false; // it is not asked for each batch
        }
        let stats = PresenceStatsRequest::new(self.channel.as_str());
        let stats = app.centrifugo.presence_stats(stats).await;
        // A failure says nothing about readers.
        let are_away = stats.is_ok_and(|stats| stats.num_clients == 0);
        if !are_away {
            self.last_seen = Instant::now();
        }
        are_away && silence > app.config.readers_may_be_away
    }
}

/// Asks a question. All in the room see it, and may read the answer.
async fn ask(State(app): State<Arc<App>>, member: Member, Json(text): Json<Text>) -> Reply<i64> {
    let mut transaction = app.database.begin().await?;
    let insert =
        "INSERT INTO answers (room, asker) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id";
    let insert = sql!(query_scalar, insert, &member.room, &member.name);
    let answer: Option<i64> = insert.fetch_optional(&mut *transaction).await?;
    let answer = answer.ok_or(Refusal(StatusCode::CONFLICT))?; // another one is being written
    let Member { name, room, .. } = &member;
    store(&mut transaction, room, name, &text.0, Some(answer)).await?;
    transaction.commit().await?;

    let task = app.clone();
    app.tasks.spawn(async move {
        if let Err(error) = stream(&task, answer, model(text.0)).await {
            tracing::error!(answer, error, "the answer has failed");
            finish(&task, answer, "interrupted").await.ok();
        }
    });
    Ok(Json(answer))
}

/// Returns the text of an answer so far, and the position from which on its channel has the rest.
async fn show(
    State(app): State<Arc<App>>,
    User(name): User,
    Path(answer): Path<i64>,
) -> Reply<Value> {
    if !may_read(&app.database, answer, &name).await? {
        return Err(Refusal(StatusCode::FORBIDDEN));
    }
    let position = position(&app, format!("answer:{answer}")).await;
    let text = "SELECT text, state FROM answers WHERE id = $1";
    let answer = sql!(query_as, text, answer).fetch_one(&app.database);
    let (text, state): (String, String) = answer.await?;
    Ok(Json(
        json!({ "text": text, "state": state, "position": position }),
    ))
}

/// Stops an answer for the one who has asked. Its task sees that with its next batch.
async fn stop(State(app): State<Arc<App>>, User(name): User, Path(answer): Path<i64>) -> Reply<()> {
    let text = "UPDATE answers SET state = 'stopping' WHERE id = $1 AND asker = $2 AND state = 'streaming'";
    sql!(query, text, answer, name)
        .execute(&app.database)
        .await?;
    Ok(Json(()))
}

/// Returns the words of an answer as they come: here you call a language model, and stop it when the receiver is dropped.
fn model(question: String) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        let answer = format!("“{question}” is a good question. {}", ANSWER.trim());
        for word in answer.split_inclusive(' ') {
            sleep(Duration::from_millis(50)).await;
            if sender.send(word.to_owned()).await.is_err() {
                return;
            }
        }
    });
    receiver
}

const ANSWER: &str = include_str!("answer.txt");

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/rooms/{room}/questions", post(ask))
        .route("/answers/{answer}", get(show))
        .route("/answers/{answer}/stop", post(stop))
}
