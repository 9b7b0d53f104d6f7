//! The embedded server, built from the same schema.

use centrifugo_api::{HistoryRequest, PublishRequest};
use centrifugo_api_testing::Server;

use crate::Tested;

#[tokio::test]
async fn methods_of_schema_are_served() -> Tested {
    let server = Server::start()?;
    for (offset, client) in (1..).zip([server.client(), server.grpc_client()]) {
        client.publish(PublishRequest::new("news", "1")).await?;
        let history = client.history(HistoryRequest::new("news")).await?;
        assert_eq!(history.offset, offset);
    }
    Ok(())
}
