//! Calls a method with your own messages, over both transports: for a method that the schema lacks.
//!
//! The method here is `presence_stats`, and only a part of its result is read.
//!
//! ```sh
//! CENTRIFUGO_URL=http://localhost:8000/api CENTRIFUGO_API_KEY=… cargo run --example custom_method
//! ```

mod support;

use centrifugo_api::prost::Message;
use centrifugo_api::{ApiError, Method, api};
use serde::{Deserialize, Serialize};
use support::Report;

/// The request. prost writes it for gRPC, serde for HTTP.
#[derive(Clone, PartialEq, Message, Serialize)]
#[prost(prost_path = "centrifugo_api::prost")]
struct OnlineRequest {
    #[prost(string, tag = "1")]
    channel: String,
}

/// The reply. Every reply has these two fields.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[prost(prost_path = "centrifugo_api::prost")]
struct OnlineResponse {
    #[prost(message, optional, tag = "1")]
    error: Option<api::Error>,
    #[prost(message, optional, tag = "2")]
    result: Option<Online>,
}

/// The result. Centrifugo leaves out zeros, and newer versions may add fields.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[prost(prost_path = "centrifugo_api::prost")]
#[serde(default)]
struct Online {
    #[prost(uint32, tag = "2")]
    num_users: u32,
}

impl Method for OnlineRequest {
    const NAME: &'static str = "presence_stats";
    const GRPC_PATH: &'static str = "/centrifugal.centrifugo.api.CentrifugoApi/PresenceStats";
    type Response = OnlineResponse;
    type Result = Online;

    fn outcome(response: OnlineResponse) -> Option<Result<Online, api::Error>> {
        response.error.map(Err).or(response.result.map(Ok))
    }
}

#[tokio::main]
async fn main() -> Result<(), Report> {
    let client = support::builder()?.build()?;
    let channel = support::channel();
    match client
        .call(OnlineRequest {
            channel: channel.clone(),
        })
        .await
    {
        Ok(online) => {
            println!(
                "{channel}: {} user(s) are subscribed, according to our own message.",
                online.num_users
            )
        }
        Err(error) if error.api_code() == Some(ApiError::NOT_AVAILABLE) => {
            println!("{channel}: presence is off; our own message carries errors too: {error}");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
