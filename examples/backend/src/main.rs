//! A chat with streamed answers: a backend for Centrifugo. README.md tells how to start it, and which file shows what.

mod answers;
mod chat;
mod config;
mod database;
mod login;
mod realtime;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use centrifugo_api::{Background, BackgroundSender, Client, ClientBuilder, InfoRequest};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use config::Config;
use database::OUTBOX;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
pub(crate) type Router = axum::Router<Arc<App>>;

/// The state that all requests and tasks share.
pub(crate) struct App {
    config: Config,
    database: PgPool,
    centrifugo: Client,
    /// For what may get lost, and nobody waits for.
    background: BackgroundSender,
    /// The answers that are being written.
    tasks: TaskTracker,
    /// Cancelled when the program is to end.
    stopping: CancellationToken,
}

/// The reply to a request.
pub(crate) type Reply<T> = Result<axum::Json<T>, Refusal>;

/// The refusal of a request, by its status.
pub(crate) struct Refusal(pub(crate) StatusCode);

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

/// Tells whether requests can be served: the database and Centrifugo answer, and the outbox is read.
async fn ready(State(app): State<Arc<App>>) -> Result<String, Refusal> {
    let info = app.centrifugo.info(InfoRequest::new()).await?;
    let lag = OUTBOX.lag(&app.database).await?;
    let nodes = info.nodes.len();
    let oldest = lag.oldest().unwrap_or_default().as_millis();
    Ok(format!(
        "{nodes} nodes, {} rows in the outbox for {oldest} ms\n",
        lag.rows()
    ))
}

fn router(app: &Arc<App>) -> Result<axum::Router, BoxError> {
    // The id of a request is in all lines of the log about it, and in the response.
    let trace = TraceLayer::new_for_http().make_span_with(|request: &Request| {
        let id = request.headers().get("x-request-id");
        let id = id.and_then(|id| id.to_str().ok());
        tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
    });
    Ok(Router::new()
        .merge(login::routes(app))
        .merge(chat::routes())
        .merge(answers::routes())
        .nest_service("/centrifugo", realtime::handlers(app)?.http())
        .route("/health", get(|| async { "alive\n" }))
        .route("/ready", get(ready))
        .fallback_service(ServeDir::new(&app.config.web))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(trace)
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .with_state(app.clone()))
}

async fn run() -> Result<(), BoxError> {
    let config = Config::from_env()?;
    // CENTRIFUGO_URL, CENTRIFUGO_API_KEY and so on. Pages do not wait long; what must not be lost is in the outbox.
    let centrifugo = ClientBuilder::from_env()?.timeout(Duration::from_secs(3));
    let centrifugo = centrifugo.request_ids().build()?;
    let app = Arc::new(App {
        database: PgPool::connect_lazy(&config.database_url)?,
        background: centrifugo.background(Background::default()),
        centrifugo,
        tasks: TaskTracker::new(),
        stopping: CancellationToken::new(),
        config,
    });
    if std::env::args().nth(1).as_deref() == Some("configuration") {
        println!("{:#}", realtime::configuration(&app)?);
        return Ok(());
    }

    database::create(&app.database).await?;
    let listener = TcpListener::bind(app.config.listen).await?;
    tracing::info!("{}", app.config.origin);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stopping = app.stopping.clone();
    let until = async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
        stopping.cancel();
    };
    axum::serve(listener, router(&app)?)
        .with_graceful_shutdown(until)
        .await?;

    // No more requests come: the answers say that they were interrupted, and the last calls are made.
    app.tasks.close();
    app.tasks.wait().await;
    app.centrifugo.close(Duration::from_secs(5)).await?;
    app.database.close().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let levels = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .with(levels.parse::<Targets>()?)
        .init();
    run().await
}
