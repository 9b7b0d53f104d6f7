//! Namespaces: contradicting options, and the features that channels have by their options.

use std::time::Duration;

use centrifugo_api::{
    ApiError, Client, Error, HistoryRequest, MapPublishRequest, PresenceRequest, PublishRequest,
    SharedPollPublishRequest, binary,
};
use centrifugo_api_testing::{DataFormat, MapOptions, Namespace, Server};

use crate::{Outcome, assert_says, publish, refusal, start};

const SECOND: Duration = Duration::from_secs(1);

fn chat() -> Namespace {
    Namespace::new("chat")
}

#[test]
fn contradictions_are_named_with_the_option_and_the_fix() {
    let hours = Duration::from_secs(3600) * 721;
    let half = Duration::from_millis(1500);
    for (namespace, parts) in [
        (
            chat().history_size(1),
            ["history_size without history_ttl", "set both"],
        ),
        (
            chat().history_ttl(SECOND),
            ["history_ttl without history_size", "set both"],
        ),
        (
            chat().history_size(1).history_ttl(half),
            ["history_ttl is 1.5s", "whole seconds"],
        ),
        (
            chat().history_meta_ttl(half),
            ["history_meta_ttl is 1.5s", "whole seconds"],
        ),
        (
            chat().force_recovery(true),
            [
                "force_recovery needs a history",
                "set history_size and history_ttl",
            ],
        ),
        (
            chat()
                .history_size(1)
                .history_ttl(2 * SECOND)
                .history_meta_ttl(SECOND),
            [
                "history_ttl, 2s, is longer than history_meta_ttl, 1s",
                "must outlive",
            ],
        ),
        (
            chat().history_size(1).history_ttl(hours),
            ["is longer than history_meta_ttl, 2592000s", "must outlive"],
        ),
        (
            chat().map(MapOptions::ephemeral(Duration::ZERO)),
            ["map.key_ttl is required", "ephemeral"],
        ),
        (
            chat().map(MapOptions::recoverable(Duration::ZERO)),
            ["map.key_ttl is required", "recoverable"],
        ),
        (
            chat().map(MapOptions::ephemeral(SECOND).stream_size(1)),
            [
                "map.stream_size needs a stream",
                "set map.mode to recoverable",
            ],
        ),
        (
            chat().map(MapOptions::ephemeral(SECOND).stream_ttl(SECOND)),
            ["map.stream_ttl needs a stream", "leave it out"],
        ),
        (
            chat().map(MapOptions::ephemeral(SECOND).meta_ttl(SECOND)),
            ["map.meta_ttl needs a stream", "leave it out"],
        ),
        (
            chat().map(MapOptions::persistent().meta_ttl(SECOND)),
            [
                "map.meta_ttl (1s) is below map.stream_ttl (60s)",
                "at least as long",
            ],
        ),
    ] {
        let message = refusal(Server::builder().namespace(namespace));
        assert_says(&message, &parts);
        assert_says(&message, &["namespace `chat`: "]);
    }
}

#[test]
fn bad_names_are_refused() {
    for name in ["a", "a b", "chat:", "$chat", "чат", "a/b", " chat"] {
        let message = refusal(Server::builder().namespace(Namespace::new(name)));
        assert_says(
            &message,
            &[name, "letters, digits, `-`, `_` and `.`", "two characters"],
        );
    }
}

#[test]
fn namespace_that_is_given_twice_is_refused() {
    let message = refusal(
        Server::builder()
            .namespace(chat())
            .namespace(chat().presence(true)),
    );
    assert_says(
        &message,
        &["namespace `chat` is configured twice", "leave out one"],
    );
    let message = refusal(
        Server::builder()
            .namespace(Namespace::new(""))
            .namespace(Namespace::new("")),
    );
    assert_says(&message, &["without_namespace is configured twice"]);
}

#[test]
fn contradiction_in_the_channels_without_a_namespace_says_so() {
    let message = refusal(Server::builder().namespace(Namespace::new("").history_size(1)));
    assert_says(&message, &["without_namespace: history_size"]);
}

async fn has(client: &Client, channel: &str) -> Result<[Option<u32>; 3], Error> {
    let code = |error: Option<Error>| error.and_then(|error| error.api_code());
    Ok([
        code(
            client
                .publish(PublishRequest::new(channel, "1"))
                .await
                .err(),
        ),
        code(client.history(HistoryRequest::new(channel)).await.err()),
        code(client.presence(PresenceRequest::new(channel)).await.err()),
    ])
}

#[tokio::test]
async fn without_configuration_channels_without_a_namespace_have_everything() -> Outcome {
    let server = start();
    let client = server.client();
    for channel in ["news", "$news", "a/b", "чат", "#1"] {
        assert_eq!(has(&client, channel).await?, [None; 3], "{channel}");
    }
    let unknown = Some(ApiError::UNKNOWN_CHANNEL);
    for channel in ["chat:1", ":", "$chat:1", ":a"] {
        let expected = if channel.starts_with(':') {
            None
        } else {
            unknown
        };
        assert_eq!(has(&client, channel).await?, [expected; 3], "{channel}");
    }
    Ok(())
}

#[tokio::test]
async fn with_a_namespace_channels_are_what_is_configured() -> Outcome {
    let namespace = chat().history_size(2).history_ttl(SECOND * 60);
    let server = Server::builder()
        .namespace(namespace)
        .namespace(Namespace::new("a-b_c.d"))
        .start()?;
    let client = server.client();
    let unknown = Some(ApiError::UNKNOWN_CHANNEL);
    let off = Some(ApiError::NOT_AVAILABLE);
    for (channel, expected) in [
        ("chat:1", [None, None, off]),
        ("chat:", [None, None, off]),
        ("chat:a:b", [None, None, off]),
        ("$chat:1", [None, None, off]),
        ("a-b_c.d:x", [None, off, off]),
        ("chat", [unknown; 3]),
        ("news", [unknown; 3]),
        ("$$chat:1", [unknown; 3]),
        ("Chat:1", [unknown; 3]),
    ] {
        assert_eq!(has(&client, channel).await?, expected, "{channel}");
    }
    Ok(())
}

#[tokio::test]
async fn history_size_bounds_the_history() -> Outcome {
    let server = Server::builder()
        .namespace(chat().history_size(2).history_ttl(SECOND * 60))
        .start()?;
    let client = server.client();
    for data in ["1", "2", "3"] {
        publish(&client, "chat:1", data).await?;
    }
    assert_eq!(crate::published(&client, "chat:1").await?, ["2", "3"]);
    Ok(())
}

#[tokio::test]
async fn data_format_bounds_what_is_published() -> Outcome {
    let format = |name, format| Namespace::new(name).data_format(format);
    let server = Server::builder()
        .namespace(chat())
        .namespace(format("json", DataFormat::Json))
        .namespace(format("object", DataFormat::JsonObject))
        .namespace(format("binary", DataFormat::Binary))
        .start()?;
    let client = server.grpc_client();
    for (data, fits) in [
        ("{}", ["chat", "json", "object", "binary"].as_slice()),
        (" {}", &["chat", "json", "object", "binary"]),
        ("[1]", &["chat", "json", "binary"]),
        ("{", &["chat", "binary"]),
        ("", &["binary"]),
    ] {
        for namespace in ["chat", "json", "object", "binary"] {
            let request = PublishRequest::new(format!("{namespace}:1"), binary(data));
            let error = client.publish(request).await.err();
            let expected = (!fits.contains(&namespace)).then_some(ApiError::BAD_REQUEST);
            assert_eq!(
                error.and_then(|error| error.api_code()),
                expected,
                "{namespace} `{data}`"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn maps_and_shared_polls_accept_only_their_own_methods() -> Outcome {
    let server = Server::builder()
        .namespace(Namespace::new("map").map(MapOptions::persistent()))
        .namespace(Namespace::new("poll").shared_poll(true))
        .namespace(Namespace::new("closed").shared_poll(false))
        .start()?;
    let client = server.client();
    let bad = Some(ApiError::BAD_REQUEST);
    let off = Some(ApiError::NOT_AVAILABLE);
    for (channel, expected) in [
        ("map:1", [bad, None, bad]),
        ("poll:1", [bad, bad, None]),
        ("closed:1", [bad, bad, off]),
    ] {
        let poll = SharedPollPublishRequest::new(channel, "1", 1).key("key");
        let errors = [
            client
                .publish(PublishRequest::new(channel, "1"))
                .await
                .err(),
            client
                .map_publish(MapPublishRequest::new(channel, "1").key("key"))
                .await
                .err(),
            client.shared_poll_publish(poll).await.err(),
        ];
        assert_eq!(
            errors.map(|error| error.and_then(|error| error.api_code())),
            expected,
            "{channel}"
        );
    }
    Ok(())
}
