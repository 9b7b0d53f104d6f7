//! The embedded server itself: what a test can do with it.
#![cfg(all(feature = "testing", feature = "http", feature = "grpc"))]

use centrifugo_api::testing::Server;
use centrifugo_api::{HistoryRequest, InfoRequest, PublishRequest};

#[tokio::test]
async fn what_is_published_over_one_transport_is_read_over_the_other() -> Result<(), centrifugo_api::Error> {
    let server = Server::start()?;
    let (http, grpc) = (server.client(), server.grpc_client());
    let first = http.publish(PublishRequest::new("news", r#"{"n": 1}"#)).await?;
    let second = grpc.publish(PublishRequest::new("news", "2")).await?;
    assert_eq!((first.offset, second.offset, &first.epoch), (1, 2, &second.epoch));
    for (client, expected) in [(&http, r#"{"n":1}"#), (&grpc, r#"{"n": 1}"#)] {
        let history = client.history(HistoryRequest::new("news").limit(-1)).await?;
        assert_eq!(history.publications[0].data, expected);
        assert_eq!(history.publications[1].data, "2");
    }
    assert_eq!(http.info(InfoRequest::new()).await?.nodes[0].version, "6.9.1 OSS");
    let lines = server.client_builder().legacy_commands().build()?;
    assert_eq!(lines.history(HistoryRequest::new("news").limit(-1)).await?.publications.len(), 2);
    Ok(())
}
