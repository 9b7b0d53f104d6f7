//! A web handler that publishes: `POST /messages` with `{"text": "…"}` goes into a channel.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example axum
//! curl http://localhost:3000/messages -H 'content-type: application/json' -d '{"text": "hello"}'
//! ```
//!
//! With `--once` it calls itself once and ends.

mod support;

use std::net::SocketAddr;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::routing::post;
use centrifugo_api::{Client, PublishRequest, json};
use serde::{Deserialize, Serialize};
use support::Report;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The state of every request. The client is cheap to clone.
#[derive(Clone)]
struct App {
    client: Client,
    channel: String,
}

#[derive(Deserialize, Serialize)]
struct Message {
    text: String,
}

async fn publish(
    State(app): State<App>,
    Json(message): Json<Message>,
) -> Result<String, StatusCode> {
    let request = PublishRequest::new(app.channel, json(&message).map_err(failed)?);
    let result = app.client.publish(request).await.map_err(failed)?;
    Ok(format!("published at offset {}", result.offset))
}

/// Logs an error. Do not leak details to callers.
fn failed(error: centrifugo_api::Error) -> StatusCode {
    eprintln!("{error}");
    if error.is_retryable() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let app = App {
        client: support::builder()?.build()?,
        channel: support::channel(),
    };
    let router = axum::Router::new()
        .route("/messages", post(publish))
        .with_state(app);
    if std::env::args().any(|argument| argument == "--once") {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(axum::serve(listener, router).into_future());
        println!("The handler answered: {}", post_hello(address).await?);
        return Ok(());
    }
    println!("Waiting for POST http://localhost:3000/messages.");
    Ok(axum::serve(TcpListener::bind("127.0.0.1:3000").await?, router).await?)
}

async fn post_hello(address: SocketAddr) -> Result<String, Report> {
    let message = r#"{"text":"hello"}"#;
    let head = "POST /messages HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length";
    let mut connection = TcpStream::connect(address).await?;
    connection
        .write_all(format!("{head}: {}\r\n\r\n{message}", message.len()).as_bytes())
        .await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer.replace("\r\n", " | "))
}
