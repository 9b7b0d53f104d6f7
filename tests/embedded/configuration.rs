//! Centrifugo's own configuration.

use centrifugo_api::{
    ApiError, Client, HistoryRequest, InfoRequest, MapPublishRequest, PresenceRequest,
    PublishRequest, SharedPollPublishRequest, Status,
};
use centrifugo_api_testing::Server;

use crate::{Outcome, clients, own_client, published};

/// Returns a configuration with `channel` as its section `channel`.
pub(crate) fn with_channel(channel: &str) -> String {
    format!(r#"{{"http_api": {{"key": "secret"}}, "channel": {channel}}}"#)
}

pub(crate) fn with_namespace(options: &str) -> String {
    with_channel(&format!(
        r#"{{"namespaces": [{{"name": "first"}}, {{"name": "chat", {options}}}]}}"#
    ))
}

#[tokio::test]
async fn configuration_of_a_real_server_is_accepted() -> Outcome {
    let server = Server::builder()
        .configuration(include_str!("../centrifugo/6.9.1.json"))
        .start()?;
    assert_eq!(
        (server.api_key(), server.grpc_api_key()),
        ("http-key", "grpc-key")
    );
    for (transport, client) in clients(&server) {
        client
            .info(InfoRequest::new())
            .await
            .map_err(|error| format!("{transport}: {error}"))?;
    }
    let client = server.grpc_client();
    client.publish(PublishRequest::new("bin:1", "")).await?;
    assert_eq!(
        client
            .publish(PublishRequest::new("plain:1", "1"))
            .await?
            .offset,
        1
    );
    client.presence(PresenceRequest::new("plain:1")).await?;
    client
        .map_publish(MapPublishRequest::new("map:1", "1").key("key"))
        .await?;
    client
        .shared_poll_publish(SharedPollPublishRequest::new("poll:1", "1", 1).key("key"))
        .await?;
    let off = client
        .history(HistoryRequest::new("nohist:1"))
        .await
        .unwrap_err();
    assert_eq!(off.api_code(), Some(ApiError::NOT_AVAILABLE));
    let off = client
        .history(HistoryRequest::new("news"))
        .await
        .unwrap_err();
    assert_eq!(off.api_code(), Some(ApiError::NOT_AVAILABLE));
    Ok(())
}

#[tokio::test]
async fn http_and_grpc_have_separate_keys() -> Outcome {
    let server = Server::builder()
        .configuration(r#"{"http_api":{"key":"h"},"grpc_api":{"key":"g"}}"#)
        .start()?;
    for (url, key, is_right) in [
        (server.url(), "h", true),
        (server.url(), "g", false),
        (server.grpc_url(), "g", true),
        (server.grpc_url(), "h", false),
    ] {
        let outcome = Client::new(&url, key)?.info(InfoRequest::new()).await;
        assert_eq!(outcome.is_ok(), is_right, "{url} {key}");
    }
    Ok(())
}

#[tokio::test]
async fn grpc_without_a_key_asks_for_none() -> Outcome {
    let server = Server::builder()
        .configuration(r#"{"http_api":{"key":"h"}}"#)
        .start()?;
    Client::builder(server.grpc_url())
        .build()?
        .info(InfoRequest::new())
        .await?;
    let error = Client::builder(server.url())
        .build()?
        .info(InfoRequest::new())
        .await
        .unwrap_err();
    assert!(error.is_unauthorized());
    Ok(())
}

#[tokio::test]
async fn insecure_http_asks_for_no_key() -> Outcome {
    for json in [
        r#"{"http_api":{"insecure":true}}"#,
        r#"{"http_api":{"insecure":true,"key":"h"}}"#,
    ] {
        let server = Server::builder().configuration(json).start()?;
        assert_eq!(server.api_key(), "");
        Client::builder(server.url())
            .build()?
            .info(InfoRequest::new())
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn channels_without_a_namespace_have_their_own_options() -> Outcome {
    let json = with_channel(r#"{"without_namespace": {"history_size": 2, "history_ttl": "1m"}}"#);
    let server = Server::builder().configuration(&json).start()?;
    let client = server.client();
    for data in ["1", "2", "3"] {
        client.publish(PublishRequest::new("news", data)).await?;
    }
    assert_eq!(published(&client, "news").await?, ["2", "3"]);
    Ok(())
}

#[tokio::test]
async fn prefix_and_error_mode_are_accepted() -> Outcome {
    for (prefix, path) in [("/my/api", "/my/api"), ("/my/api/", "/my/api"), ("/", "")] {
        let json = format!(
            r#"{{"http_api":{{"key":"h","handler_prefix":"{prefix}","error_mode":"transport"}}}}"#
        );
        let server = Server::builder().configuration(&json).start()?;
        assert!(
            server
                .url()
                .ends_with(&format!("1:{}{path}", port(&server))),
            "{}",
            server.url()
        );
        for (transport, client) in clients(&server)
            .into_iter()
            .filter(|(transport, _)| *transport != "grpc")
        {
            client
                .info(InfoRequest::new())
                .await
                .map_err(|error| format!("{prefix} {transport}: {error}"))?;
        }
        let status = status_of(&server, "/history", r#"{"channel":"a:b"}"#).await?;
        assert_eq!(status, 404, "{prefix}");
    }
    Ok(())
}

fn port(server: &Server) -> String {
    server
        .grpc_url()
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Returns the HTTP status of a response.
pub(crate) async fn status_of(
    server: &Server,
    path: &str,
    body: &'static str,
) -> Result<u16, Box<dyn std::error::Error>> {
    let client = own_client::builder()?.build()?;
    let request = client
        .post(server.url() + path)
        .header("x-api-key", server.api_key())
        .body(body);
    Ok(request.send().await?.status().as_u16())
}

#[tokio::test]
async fn size_of_messages_is_bounded_as_configured() -> Outcome {
    let json = r#"{"http_api":{"key":"h"},"grpc_api":{"max_receive_message_size":1000}}"#;
    let server = Server::builder().configuration(json).start()?;
    let client = server.grpc_client();
    let large = |length| PublishRequest::new("news", format!("\"{}\"", "a".repeat(length)));
    client.publish(large(900)).await?;
    match client.publish(large(1000)).await.unwrap_err() {
        centrifugo_api::Error::Transport {
            status: Status::Grpc(8),
            ..
        } => {}
        error => panic!("{error:?}"),
    }
    Ok(())
}

#[test]
fn irrelevant_options_are_ignored() -> Outcome {
    let json = r#"{
        "http_api": {"key": "h", "external": true, "handler_prefix": null},
        "engine": {"type": "redis"}, "admin": 1, "channel": {"namespaces": null, "max_length": []}
    }"#;
    Server::builder().configuration(json).start()?;
    Ok(())
}
