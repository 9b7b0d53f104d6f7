//! Compression over gRPC.

use centrifugo_api::{HistoryRequest, PublishRequest};

use crate::harness::{Env, Outcome, failure};
use crate::server::Transport;

behaviours!(everywhere: payloads_travel_compressed_over_grpc);

async fn payloads_travel_compressed_over_grpc(env: &Env) -> Outcome {
    let built = env.server.client_builder(env.transport).grpc_gzip().build();
    if env.transport == Transport::Http {
        let message = failure(built).to_string();
        assert!(
            message.contains("grpc_gzip needs a grpc or grpcs URL: omit it"),
            "{message}"
        );
        return Ok(());
    }
    let client = built?;
    let payloads = ["1".to_owned(), format!("\"{}\"", "long".repeat(100_000))];
    for payload in &payloads {
        client
            .publish(PublishRequest::new("plain:a", payload.clone()))
            .await?;
    }
    let read = client
        .history(HistoryRequest::new("plain:a").limit(-1))
        .await?
        .publications;
    assert!(
        read.iter()
            .map(|publication| &publication.data[..])
            .eq(payloads.iter().map(String::as_bytes))
    );
    // A message of 8 MB, above the server's limit though it is sent as a few KB.
    let large = PublishRequest::new("plain:a", format!("\"{}\"", "long".repeat(2_000_000)));
    let message = failure(client.publish(large).await).to_string();
    assert!(
        message.contains("grpc_api.max_receive_message_size"),
        "{message}"
    );
    Ok(())
}
