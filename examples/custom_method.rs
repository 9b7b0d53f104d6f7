//! Calls a method with messages of your own, over both transports, as for one that the schema lacks.
//!
//! `cargo run --example custom_method` prints a field of the result. The method is `presence_stats`.

mod support;

use centrifugo_api::prost::Message;
use centrifugo_api::{Method, api};
use serde::{Deserialize, Serialize};
use support::{Report, Viewer};

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
    let (client, server) = support::start()?;
    let channel = support::channel("room");
    let _alice = Viewer::new("alice", &server, &channel)?;
    let users = client.call(OnlineRequest { channel }).await?.num_users;
    println!("Users who are there, as a message of our own says: {users}.");
    Ok(())
}
