//! Where options come from: code, the environment, and configurations.

use std::collections::BTreeMap;

use centrifugo_api::{
    ApiError, Error, HistoryRequest, InfoRequest, PresenceRequest, PublishRequest, Status,
};
use centrifugo_api_testing::Server;
use serde_json::json;

use crate::configuration::{status_of, with_namespace};
use crate::{Outcome, assert_says, clients, published, refusal};

#[tokio::test]
async fn file_without_key_leaves_the_key_to_code_and_default() -> Outcome {
    for json in [
        "{}",
        r#"{"http_api":{}}"#,
        r#"{"http_api":{"key":""}}"#,
        r#"{"http_api":{"error_mode":"transport"}}"#,
    ] {
        let server = Server::builder().configuration(json).start()?;
        assert_eq!(server.api_key(), "secret", "{json}");
        // Without a key for gRPC, Centrifugo accepts every call.
        assert_eq!(server.grpc_api_key(), "", "{json}");
        for (transport, client) in clients(&server) {
            let called = client.info(InfoRequest::new()).await;
            called.map_err(|error| format!("{json} {transport}: {error}"))?;
        }
        let server = Server::builder()
            .api_key("code")
            .configuration(json)
            .start()?;
        assert_eq!(server.api_key(), "code", "{json}");
    }
    Ok(())
}

#[test]
fn code_wins_over_environment_and_environment_over_file() -> Outcome {
    let file = r#"{"http_api":{"key":"file"},"grpc_api":{"key":"file","error_mode":"transport"}}"#;
    let environment = [
        ("CENTRIFUGO_HTTP_API_KEY", "environment"),
        ("CENTRIFUGO_GRPC_API_KEY", ""),
        ("HTTP_API_KEY", "other"),
    ];
    let server = Server::builder()
        .environment(environment)
        .configuration(file)
        .start()?;
    assert_eq!(
        (server.api_key(), server.grpc_api_key()),
        ("environment", "file")
    );
    for builder in [
        Server::builder()
            .api_key("code")
            .configuration(file)
            .environment(environment),
        Server::builder()
            .configuration(file)
            .environment(environment)
            .api_key("code"),
    ] {
        let server = builder.start()?;
        assert_eq!((server.api_key(), server.grpc_api_key()), ("code", "code"));
    }
    let server = Server::builder().insecure().configuration(file).start()?;
    assert_eq!((server.api_key(), server.grpc_api_key()), ("", ""));
    Ok(())
}

#[tokio::test]
async fn error_mode_that_is_set_in_code_stays() -> Outcome {
    let server = Server::builder()
        .error_mode_transport()
        .configuration("{}")
        .start()?;
    let status = status_of(&server, "/history", r#"{"channel":"a:b"}"#).await?;
    assert_eq!(status, 404);
    Ok(())
}

#[tokio::test]
async fn variables_are_named_as_in_centrifugo() -> Outcome {
    let file = with_namespace(r#""history_size": 1, "history_ttl": "60s""#);
    let server = Server::builder()
        .configuration(&file)
        .environment([
            ("CENTRIFUGO_HTTP_API_HANDLER_PREFIX", "/my"),
            ("CENTRIFUGO_GRPC_API_MAX_RECEIVE_MESSAGE_SIZE", "1000"),
            ("CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_PRESENCE", "1"),
            ("CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_HISTORY_SIZE", "2"),
        ])
        .start()?;
    assert!(server.url().ends_with("/my"), "{}", server.url());
    let client = server.client();
    client.presence(PresenceRequest::new("news")).await?;
    for data in ["1", "2", "3"] {
        client.publish(PublishRequest::new("chat:1", data)).await?;
    }
    assert_eq!(published(&client, "chat:1").await?, ["2", "3"]);
    let large = PublishRequest::new("news", format!("\"{}\"", "a".repeat(1000)));
    let error = server.grpc_client().publish(large).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Transport {
            status: Status::Grpc(8),
            ..
        }
    ));
    Ok(())
}

#[tokio::test]
async fn environment_needs_no_file() -> Outcome {
    let namespaces =
        r#"[{"name":"my-chat.1","history_size":1,"history_ttl":"60s"},{"name":"off"}]"#;
    let server = Server::builder()
        .environment([
            ("CENTRIFUGO_HTTP_API_INSECURE", "true"),
            ("CENTRIFUGO_CHANNEL_NAMESPACES", namespaces),
            ("CENTRIFUGO_CHANNEL_NAMESPACES_MY_CHAT_1_PRESENCE", "true"),
        ])
        .start()?;
    assert_eq!(server.api_key(), "");
    let client = server.client();
    client.presence(PresenceRequest::new("my-chat.1:a")).await?;
    let off = client
        .presence(PresenceRequest::new("off:a"))
        .await
        .unwrap_err();
    assert_eq!(off.api_code(), Some(ApiError::NOT_AVAILABLE));
    let unknown = client
        .presence(PresenceRequest::new("none:a"))
        .await
        .unwrap_err();
    assert_eq!(unknown.api_code(), Some(ApiError::UNKNOWN_CHANNEL));
    // Variables of other programs change nothing.
    let server = Server::builder().environment([("PATH", "/bin")]).start()?;
    server.client().history(HistoryRequest::new("news")).await?;
    Ok(())
}

#[test]
fn invalid_variables_are_named() {
    for (name, value, problem) in [
        ("HTTP_API_INSECURE", "yes", "is neither true nor false"),
        (
            "GRPC_API_MAX_RECEIVE_MESSAGE_SIZE",
            "4MB",
            "is not a whole number",
        ),
        (
            "CHANNEL_HISTORY_META_TTL",
            "30d",
            ": `30d` is not a duration",
        ),
        ("CHANNEL_NAMESPACES", "{}", "is not a JSON list"),
    ] {
        let name = format!("CENTRIFUGO_{name}");
        let message = refusal(Server::builder().environment([(name.clone(), value)]));
        assert_says(&message, &["configuration: ", &name, problem]);
    }
}

#[tokio::test]
async fn values_of_other_formats_are_read() -> Outcome {
    let chat = BTreeMap::from([("name", "chat"), ("history_ttl", "0.5h")]);
    let channel = BTreeMap::from([("namespaces", [chat])]);
    let mut value = serde_json::to_value(BTreeMap::from([("channel", channel)]))?;
    value["channel"]["namespaces"][0]["history_size"] = 1.into();
    let server = Server::builder().configuration_value(value).start()?;
    server
        .client()
        .history(HistoryRequest::new("chat:1"))
        .await?;
    for (value, part) in [
        (json!([1]), "not an object"),
        (json!(null), "not an object"),
    ] {
        let message = refusal(Server::builder().configuration_value(value));
        assert_says(&message, &["configuration: the value is", part]);
    }
    Ok(())
}
