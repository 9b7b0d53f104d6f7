//! Publishes from a web handler of axum: `POST /messages` with `{"text": "…"}` goes into a channel.
//!
//! `cargo run --example axum` sends two requests, and prints the responses. The embedded Centrifugo is
//! not available during the second one.

mod support;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use centrifugo_api::{Client, Error, PublishRequest, Status, json};
use centrifugo_api_testing::Fault;
use serde::{Deserialize, Serialize};
use support::{Report, Viewer};
use tokio::net::TcpListener;

#[derive(Deserialize, Serialize)]
struct Message {
    text: String,
}

/// The client is cheap to clone: each request has one.
async fn publish(client: State<Client>, message: Json<Message>) -> Result<String, StatusCode> {
    let data = json(&message.0).map_err(failed)?;
    let request = PublishRequest::new(support::channel("messages"), data);
    let result = client.publish(request).await.map_err(failed)?;
    Ok(format!("published at offset {}", result.offset))
}

/// Logs an error, whose details are not for the caller.
fn failed(error: Error) -> StatusCode {
    println!("  log: {error}");
    StatusCode::BAD_GATEWAY
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, server) = support::start()?;
    let mut alice = Viewer::new("alice", &server, &support::channel("messages"))?;
    let router = Router::new()
        .route("/messages", post(publish))
        .with_state(client);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/messages", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, router).into_future());

    for text in ["hello", "are you there?"] {
        println!("POST /messages with the text {text:?}:");
        let request = reqwest::Client::new().post(&url);
        let response = request
            .json(&serde_json::json!({ "text": text }))
            .send()
            .await?;
        println!("  {} {}", response.status(), response.text().await?);
        alice.print_received();
        if let Some(server) = &server {
            server.fail_always(Fault::status(Status::Http(503)))?;
        }
    }
    Ok(())
}
