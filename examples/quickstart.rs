//! Publishes to a channel, reads its history and its presence, and says in words what it did.
//!
//! ```sh
//! cargo run --example quickstart    # on the embedded server
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example quickstart
//! CENTRIFUGO_URL=grpc://localhost:10000 CENTRIFUGO_API_KEY=… cargo run --features grpc --example quickstart
//! ```
//!
//! `CENTRIFUGO_CHANNEL` sets another channel than `quickstart`.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use centrifugo_api::{
    ApiError, Client, ClientBuilder, HistoryRequest, InfoRequest, PayloadExt as _, PresenceRequest,
    PublishRequest, json,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
struct Message {
    text: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match env::var("CENTRIFUGO_URL") {
        Ok(url) => on_the_server_at(&url).await,
        Err(_) => on_the_embedded_server().await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn on_the_server_at(url: &str) -> Result<(), Box<dyn Error>> {
    let client = ClientBuilder::from_env()?.build()?;
    tour(url, &client, &channel()).await
}

async fn on_the_embedded_server() -> Result<(), Box<dyn Error>> {
    let server = centrifugo_api_testing::Server::start()?;
    println!(
        "On the embedded server; set CENTRIFUGO_URL and CENTRIFUGO_API_KEY to use a real Centrifugo."
    );
    let alice = server.connect("alice");
    alice.subscribe(&channel())?;
    tour(&server.url(), &server.client(), &channel()).await
}

fn channel() -> String {
    env::var("CENTRIFUGO_CHANNEL").unwrap_or_else(|_| "quickstart".to_owned())
}

async fn tour(url: &str, client: &Client, channel: &str) -> Result<(), Box<dyn Error>> {
    for node in client.info(InfoRequest::new()).await?.nodes {
        println!(
            "Connected to {url}: node {}, Centrifugo {}.",
            node.name, node.version
        );
    }

    let message = Message {
        text: "hello from Rust".to_owned(),
    };
    let position = client
        .publish(PublishRequest::new(channel, json(&message)?))
        .await?;
    match position.offset {
        0 => println!("Published {message:?} to {channel:?}, which keeps no history."),
        offset => println!(
            "Published {message:?} to {channel:?}, at offset {offset} of epoch {}.",
            position.epoch
        ),
    }

    match client
        .history(HistoryRequest::new(channel).limit(3).reverse(true))
        .await
    {
        Ok(history) => {
            println!("The newest publications of {channel:?}:");
            for publication in history.publications {
                println!(
                    "  {}: {:?}",
                    publication.offset,
                    publication.data.decode::<Message>()?
                );
            }
        }
        Err(error) => explain(error, "history_size and history_ttl")?,
    }

    match client.presence(PresenceRequest::new(channel)).await {
        Ok(result) if result.presence.is_empty() => {
            println!("Nobody is subscribed to {channel:?} now.")
        }
        Ok(result) => {
            for info in result.presence.values() {
                println!(
                    "Subscribed to {channel:?}: user {:?}, client {}.",
                    info.user, info.client
                );
            }
        }
        Err(error) => explain(error, "presence")?,
    }
    Ok(())
}

/// Continues if the feature is disabled.
fn explain(error: centrifugo_api::Error, option: &str) -> Result<(), centrifugo_api::Error> {
    match error.api_code() {
        Some(ApiError::NOT_AVAILABLE) => {
            println!(
                "Disabled for this channel. Set {option} in the server's configuration to see it: {error}"
            );
            Ok(())
        }
        _ => Err(error),
    }
}
