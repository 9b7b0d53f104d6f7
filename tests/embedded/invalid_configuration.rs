//! Mistakes in Centrifugo's own configuration: each is refused with the path of the option.

use centrifugo_api_testing::Server;

use crate::configuration::{with_channel, with_namespace};
use crate::{assert_says, refusal};

#[test]
fn invalid_configuration_is_refused() {
    for (json, part) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "invalid type: sequence"),
        ("null", "invalid type: null"),
        ("yaml: true", "expected value"),
        ("{} {}", "trailing characters"),
    ] {
        let message = refusal(Server::builder().configuration(json));
        let fix = "for YAML or TOML, pass what their parsers return to configuration_value";
        assert_says(
            &message,
            &["configuration: it is not a JSON object", part, fix],
        );
    }
}

#[test]
fn wrong_types_are_refused_with_the_path_of_the_option() {
    for (json, parts) in [
        (r#"{"http_api":[]}"#.to_owned(), "http_api is not an object"),
        (
            r#"{"http_api":{"key":1}}"#.to_owned(),
            "http_api.key is not a string",
        ),
        (
            r#"{"http_api":{"insecure":"yes"}}"#.to_owned(),
            "http_api.insecure is neither true nor false",
        ),
        (
            r#"{"http_api":{"key":"h"},"grpc_api":{"max_receive_message_size":1.5}}"#.to_owned(),
            "grpc_api.max_receive_message_size is not a whole number",
        ),
        (
            r#"{"http_api":{"key":"h"},"channel":1}"#.to_owned(),
            "channel is not an object",
        ),
        (
            with_channel(r#"{"namespaces":{}}"#),
            "channel.namespaces is not a list",
        ),
        (
            with_channel(r#"{"namespaces":[1]}"#),
            "channel.namespaces[0] is not an object",
        ),
        (
            with_channel(r#"{"namespaces":[{}]}"#),
            "channel.namespaces[0].name is missing",
        ),
        (
            with_channel(r#"{"namespaces":[{"name":""}]}"#),
            "channel.namespaces[0].name is missing",
        ),
        (
            with_channel(r#"{"without_namespace":{"presence":1}}"#),
            "channel.without_namespace.presence is",
        ),
        (
            with_channel(r#"{"history_meta_ttl":"1"}"#),
            "channel.history_meta_ttl: `1` is not a duration such as",
        ),
        (
            with_namespace(r#""history_size":"1""#),
            "channel.namespaces[1].history_size is not a whole number",
        ),
        (
            with_namespace(r#""history_size":-1"#),
            "channel.namespaces[1].history_size is -1",
        ),
        (
            with_namespace(r#""history_size":4294967296"#),
            "channel.namespaces[1].history_size is 4294967296",
        ),
        (
            with_namespace(r#""history_ttl":300"#),
            "channel.namespaces[1].history_ttl is not a string",
        ),
        (
            with_namespace(r#""history_ttl":"5 min""#),
            "history_ttl: `5 min` is not a duration such as 300s",
        ),
        (
            with_namespace(r#""history_ttl":"1d""#),
            "history_ttl: `1d` is not a duration such as 300s or 1h30m; its units are h, m, s, ms, us and ns",
        ),
        (
            with_namespace(r#""history_ttl":"-5s""#),
            "history_ttl: `-5s` is not a duration",
        ),
        (
            with_namespace(r#""map":1,"subscription_type":"map""#),
            "channel.namespaces[1].map is not an object",
        ),
    ] {
        let message = refusal(Server::builder().configuration(&json));
        assert_says(&message, &["configuration: ", parts]);
    }
}

#[test]
fn unknown_modes_are_refused_with_those_that_there_are() {
    for (json, parts) in [
        (
            r#"{"http_api":{"key":"h","error_mode":"loud"}}"#.to_owned(),
            ["http_api.error_mode: `loud`", "`transport`"],
        ),
        (
            r#"{"http_api":{"key":"h"},"grpc_api":{"error_mode":"loud"}}"#.to_owned(),
            ["grpc_api.error_mode: `loud`", "`transport`"],
        ),
        (
            with_namespace(r#""subscription_type":"queue""#),
            [
                "channel.namespaces[1].subscription_type: `queue`",
                "stream, map, map_clients, map_users, shared_poll",
            ],
        ),
        (
            with_namespace(r#""subscription_type":"map","map":{"mode":"fast"}"#),
            [
                "channel.namespaces[1].map.mode: `fast`",
                "ephemeral, recoverable, persistent",
            ],
        ),
        (
            with_namespace(r#""subscription_type":"map""#),
            [
                "channel.namespaces[1].map.mode",
                "ephemeral, recoverable, persistent",
            ],
        ),
        (
            with_namespace(r#""subscription_type":"shared_poll","shared_poll":{"mode":"x"}"#),
            [
                "channel.namespaces[1].shared_poll.mode: `x`",
                "versionless, versioned",
            ],
        ),
        (
            with_namespace(
                r#""subscription_type":"shared_poll","shared_poll":{"publish_enabled":true}"#,
            ),
            [
                "channel.namespaces[1].shared_poll.publish_enabled",
                "set channel.namespaces[1].shared_poll.mode",
            ],
        ),
        (
            with_namespace(r#""force_recovery_mode":"newest""#),
            [
                "channel.namespaces[1].force_recovery_mode: `newest`",
                "stream, cache",
            ],
        ),
        (
            with_namespace(r#""publication_data_format":"xml""#),
            [
                "channel.namespaces[1].publication_data_format: `xml`",
                "json, json_object, binary",
            ],
        ),
        (
            with_channel(r#"{"publication_data_format":"xml"}"#),
            [
                "publication_data_format: `xml`",
                "json, json_object, binary",
            ],
        ),
        (
            r#"{"http_api":{"key":"h","handler_prefix":"api"}}"#.to_owned(),
            ["http_api.handler_prefix", "`/`"],
        ),
        (
            r#"{"http_api":{"key":"h","handler_prefix":"/a?b"}}"#.to_owned(),
            ["http_api.handler_prefix", "`/a?b`"],
        ),
    ] {
        let message = refusal(Server::builder().configuration(&json));
        assert_says(&message, &parts);
        assert_says(&message, &["configuration: "]);
    }
}

#[test]
fn contradictions_within_a_configuration_are_found() {
    for (json, part) in [
        (
            with_namespace(r#""history_size":1"#),
            "namespace `chat`: history_size without history_ttl",
        ),
        (
            with_namespace(r#""history_size":1,"history_ttl":"1500ms""#),
            "history_ttl is 1.5s",
        ),
        (
            with_channel(r#"{"namespaces":[{"name":"aa"},{"name":"aa"}]}"#),
            "namespace `aa` is configured twice",
        ),
        (
            with_channel(r#"{"namespaces":[{"name":"a"}]}"#),
            "two characters",
        ),
        (
            with_channel(
                r#"{"history_meta_ttl":"1s","namespaces":[{"name":"aa","history_size":1,"history_ttl":"2s"}]}"#,
            ),
            "longer than history_meta_ttl, 1s",
        ),
    ] {
        assert_says(&refusal(Server::builder().configuration(&json)), &[part]);
    }
}
