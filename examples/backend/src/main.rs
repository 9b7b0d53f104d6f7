//! A chat with streamed answers: a backend for Centrifugo. README.md tells how to start it, and which file shows what.

mod answers;
mod config;
mod login;
mod realtime;
mod rooms;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use centrifugo_api::{Client, ClientBuilder};
use clap::Parser;
use sqlx::{Executor, PgPool};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::services::ServeDir;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};

use config::Config;
use rooms::OUTBOX;

/// What all requests and tasks share. There is one, for as long as the program runs.
pub struct App {
    config: Config,
    database: PgPool,
    centrifugo: Client,
    /// The answers that are being written.
    tasks: TaskTracker,
    /// Cancelled when the program is to end.
    stopping: CancellationToken,
}

pub type AppState = State<&'static App>;
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub type Reply<T> = Result<T, Refusal>;

/// The refusal of a request, by its status.
pub struct Refusal(pub StatusCode);

/// Failures are for us, in the log, and not for whoever asks.
impl<E: Into<BoxError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        tracing::error!(error = error.into(), "the request has failed");
        Self(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// Tells that requests can be served, for which the database is enough, and how much waits for Centrifugo.
async fn ready(State(app): AppState) -> Reply<String> {
    let lag = OUTBOX.lag(&app.database).await?;
    let age = lag.oldest().unwrap_or_default();
    Ok(format!("{} rows in the outbox for {age:?}\n", lag.rows()))
}

fn router(app: &'static App) -> Result<Router, BoxError> {
    // Lines of the log about a request name its method and path.
    let span = DefaultMakeSpan::new().level(tracing::Level::INFO);
    Ok(Router::new()
        .route("/login", post(login::login))
        .route("/me", get(login::me))
        .route("/rooms/{room}", get(rooms::show))
        .route("/rooms/{room}/messages", post(rooms::write))
        .route("/rooms/{room}/removals", post(rooms::remove))
        .route("/rooms/{room}/questions", post(answers::ask))
        .route("/rooms/{room}/answers/{id}", get(answers::show))
        .merge(login::tokens(app)?)
        .nest_service("/centrifugo", realtime::handlers(app)?.http())
        .route("/health", get(|| async { "alive\n" }))
        .route("/ready", get(ready))
        .fallback_service(ServeDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web")))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .with_state(app))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let config = Config::parse();
    if !config.print_configuration {
        tracing_subscriber::fmt::init();
    }
    // CENTRIFUGO_URL, CENTRIFUGO_API_KEY and so on. Pages do not wait long; what must not be lost is in the outbox.
    let centrifugo = ClientBuilder::from_env()?.timeout(Duration::from_secs(3));
    // A plain reference to what lives as long as the program is easier to hand around than a counted one.
    let app: &'static App = Box::leak(Box::new(App {
        database: PgPool::connect_lazy(&config.database_url)?,
        centrifugo: centrifugo.request_ids().build()?,
        tasks: TaskTracker::new(),
        stopping: CancellationToken::new(),
        config,
    }));
    if app.config.print_configuration {
        println!("{}", realtime::configuration(app)?);
        return Ok(());
    }

    // A real application has migrations.
    app.database.execute(include_str!("../schema.sql")).await?;
    OUTBOX.create(&app.database).await?;
    tokio::spawn(answers::end_silent(app));
    let listener = TcpListener::bind(app.config.listen).await?;
    tracing::info!("{}", app.config.origin);
    ctrlc::set_handler(|| app.stopping.cancel())?; // also SIGTERM, as Docker and Kubernetes send it
    axum::serve(listener, router(app)?)
        .with_graceful_shutdown(app.stopping.cancelled())
        .await?;

    // No more requests come: the answers say that they were interrupted, and the last calls are made.
    app.tasks.close();
    app.tasks.wait().await;
    app.centrifugo.close(Duration::from_secs(5)).await?;
    app.database.close().await;
    Ok(())
}
