//! The server's own commands take the configuration, and show that its options have taken effect.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use centrifugo_proxy::{Caller, ChannelOptions, EventKind, ProxyConfiguration};

use crate::Outcome;
use crate::authority::Authority;
use crate::handlers;
use crate::server::{Version, binary};

/// The secret has what needs quotes in one of the forms.
const SECRET: &str = r##"a "b" 'c' \n #d: $E ${F} %g, {h} [i] <j> & *k"##;

/// Runs a command of the server. Returns what it prints.
fn run(
    arguments: &[&str],
    file: &Path,
    environment: &[(String, String)],
) -> Result<String, Box<dyn Error>> {
    let output = Command::new(binary(Version::V6)?)
        .args(arguments)
        .arg(file)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{arguments:?}: {text}");
    Ok(text)
}

/// Returns the values of all options, by the names of their variables, of a file and an environment that are both valid.
fn effective(
    name: &str,
    text: &str,
    environment: &[(String, String)],
) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(name);
    std::fs::write(&file, text)?;
    let text = run(&["checkconfig", "--strict", "--config"], &file, environment)?;
    assert_eq!(text, "", "{name}");
    let text = run(&["defaultenv", "--base"], &file, environment)?;
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let values = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(values.collect())
}

/// Asserts that all forms are valid and have the same effect, which is returned.
fn accepted(
    configuration: &ProxyConfiguration,
    others: &[(String, String)],
) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let json = effective("config.json", &configuration.to_json()?, others)?;
    let yaml = effective("config.yaml", &configuration.to_yaml()?, others)?;
    let printed = configuration.to_environment()?;
    let environment = [others, &printed].concat();
    let environment = effective("config.json", "{}", &environment)?;
    assert_eq!(json, yaml);
    assert_eq!(json, environment);
    let unknown = printed.iter().find(|(name, _)| !json.contains_key(name));
    assert_eq!(unknown.map(|(name, _)| name), None);
    Ok(json)
}

/// Asserts that options have these values, as the server prints them.
#[track_caller]
fn assert_values(effective: &BTreeMap<String, String>, values: &[(&str, &str)]) {
    for (name, value) in values {
        let name = format!("CENTRIFUGO_{name}");
        let effective = effective.get(&name);
        assert_eq!(effective.map(String::as_str), Some(*value), "{name}");
    }
}

fn with_namespaces(configuration: ProxyConfiguration) -> ProxyConfiguration {
    let chat = [
        EventKind::Subscribe,
        EventKind::Publish,
        EventKind::SubRefresh,
    ];
    let board = ChannelOptions::new([EventKind::MapPublish, EventKind::MapRemove])
        .option("map.mode", "recoverable")
        .option("map.key_ttl", "5m")
        .option("map.stream_size", 50)
        .option("channel_regex", "^[a-zä ]+$")
        .option("allowed_delta_types", vec!["fossil"]);
    let plain = ChannelOptions::new([EventKind::Subscribe])
        .option("presence", true)
        .option("history_size", 3)
        .option("history_ttl", "90s")
        .option("allowed_delta_types", vec!["fossil"]);
    configuration
        .namespace("chat", chat)
        .namespace("board", board)
        .namespace("votes.a-b", [EventKind::SharedPollRefresh])
        .without_namespace(plain)
        .rpc_namespace("shop")
        .rpc_namespace("bank")
        .rpc_without_namespace()
        .shared_poll_secret("poll \"secret\" ü")
}

#[test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
fn configuration_for_http_takes_effect() -> Outcome {
    let handlers = handlers::with_unary(handlers::chat(Caller::with_secret(SECRET)?));
    let configuration = ProxyConfiguration::new(&handlers)
        .http("https://user:word@backend:3000/centri%2ffugo/")
        .http_headers(["Cookie", "X-Real-IP"])
        .emulated_headers(["Authorization"])
        .grpc_metadata(["X-Key"])
        .timeout(Duration::from_millis(1500))
        .binary_encoding(true)
        .include_connection_meta(true);
    let effective = accepted(&with_namespaces(configuration), &[])?;
    assert_values(
        &effective,
        &[
            ("CLIENT_PROXY_CONNECT_ENABLED", "true"),
            (
                "CLIENT_PROXY_CONNECT_ENDPOINT",
                r#""https://user:word@backend:3000/centri%2ffugo/connect""#,
            ),
            ("CLIENT_PROXY_CONNECT_TIMEOUT", "1.5s"),
            (
                "CLIENT_PROXY_CONNECT_HTTP_HEADERS",
                r#""cookie" "x-real-ip""#,
            ),
            (
                "CLIENT_PROXY_CONNECT_EMULATED_HEADERS",
                r#""authorization""#,
            ),
            ("CLIENT_PROXY_CONNECT_GRPC_METADATA", r#""x-key""#),
            ("CLIENT_PROXY_CONNECT_INCLUDE_CONNECTION_META", "false"),
            ("CLIENT_PROXY_REFRESH_ENABLED", "true"),
            ("CLIENT_PROXY_REFRESH_INCLUDE_CONNECTION_META", "true"),
            ("CHANNEL_PROXY_PUBLISH_BINARY_ENCODING", "true"),
            ("CHANNEL_PROXY_SHARED_POLL_REFRESH_BINARY_ENCODING", "false"),
            ("CHANNEL_NAMESPACES_CHAT_SUBSCRIBE_PROXY_ENABLED", "true"),
            ("CHANNEL_NAMESPACES_CHAT_PUBLISH_PROXY_ENABLED", "true"),
            ("CHANNEL_NAMESPACES_CHAT_SUB_REFRESH_PROXY_ENABLED", "true"),
            ("CHANNEL_NAMESPACES_CHAT_SUBSCRIPTION_TYPE", r#""""#),
            ("CHANNEL_NAMESPACES_BOARD_SUBSCRIBE_PROXY_ENABLED", "false"),
            ("CHANNEL_NAMESPACES_BOARD_MAP_PUBLISH_PROXY_ENABLED", "true"),
            ("CHANNEL_NAMESPACES_BOARD_MAP_REMOVE_PROXY_ENABLED", "true"),
            ("CHANNEL_NAMESPACES_BOARD_SUBSCRIPTION_TYPE", r#""map""#),
            ("CHANNEL_NAMESPACES_BOARD_MAP_MODE", r#""recoverable""#),
            ("CHANNEL_NAMESPACES_BOARD_MAP_KEY_TTL", "5m0s"),
            ("CHANNEL_NAMESPACES_BOARD_CHANNEL_REGEX", r#""^[a-zä ]+$""#),
            (
                "CHANNEL_NAMESPACES_BOARD_ALLOWED_DELTA_TYPES",
                r#""fossil""#,
            ),
            (
                "CHANNEL_NAMESPACES_VOTES_A_B_SUBSCRIPTION_TYPE",
                r#""shared_poll""#,
            ),
            ("CHANNEL_WITHOUT_NAMESPACE_SUBSCRIBE_PROXY_ENABLED", "true"),
            ("CHANNEL_WITHOUT_NAMESPACE_PRESENCE", "true"),
            ("CHANNEL_WITHOUT_NAMESPACE_HISTORY_TTL", "1m30s"),
            (
                "CHANNEL_WITHOUT_NAMESPACE_ALLOWED_DELTA_TYPES",
                r#""fossil""#,
            ),
            ("RPC_WITHOUT_NAMESPACE_PROXY_ENABLED", "true"),
            ("RPC_NAMESPACES", r#""shop bank""#),
            ("RPC_NAMESPACES_BANK_PROXY_ENABLED", "true"),
            ("SHARED_POLL_HMAC_SECRET_KEY", r#""poll "secret" ü""#),
        ],
    );
    for event in [
        "RPC_PROXY",
        "CHANNEL_PROXY_MAP_PUBLISH",
        "CHANNEL_PROXY_SHARED_POLL_REFRESH",
    ] {
        let headers = &effective[&format!("CENTRIFUGO_{event}_HTTP_STATIC_HEADERS")];
        assert_eq!(secret(headers)?, SECRET, "{event}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
fn configuration_for_grpc_takes_effect() -> Outcome {
    let caller = Caller::with_secret(SECRET)?.header("X-My.Secret")?;
    let handlers = handlers::with_unary(handlers::chat(caller));
    let handlers = handlers::with_bidirectional(handlers::with_unidirectional(handlers));
    let authority = Authority::new()?;
    let client = authority.certify("centrifugo")?;
    let configuration = ProxyConfiguration::new(&handlers)
        .grpc("grpcs://backend:4000")
        .server_ca("authority.pem")
        .server_name("backend.internal")
        .client_certificate(&client.certificate, &client.key)
        .namespace("feed", [EventKind::SubscribeUnidirectional])
        .namespace("talk", [EventKind::SubscribeBidirectional]);
    let effective = accepted(&with_namespaces(configuration), &[])?;
    assert_values(
        &effective,
        &[
            ("CLIENT_PROXY_CONNECT_ENDPOINT", r#""grpc://backend:4000""#),
            ("CLIENT_PROXY_CONNECT_GRPC_TLS_ENABLED", "true"),
            (
                "CLIENT_PROXY_CONNECT_GRPC_TLS_SERVER_CA_PEM",
                r#""authority.pem""#,
            ),
            (
                "CLIENT_PROXY_CONNECT_GRPC_TLS_SERVER_NAME",
                r#""backend.internal""#,
            ),
            (
                "CHANNEL_PROXY_SUBSCRIBE_STREAM_ENDPOINT",
                r#""grpc://backend:4000""#,
            ),
            ("CHANNEL_PROXY_SUBSCRIBE_STREAM_TIMEOUT", "1s"),
            (
                "CHANNEL_NAMESPACES_FEED_SUBSCRIBE_STREAM_PROXY_ENABLED",
                "true",
            ),
            (
                "CHANNEL_NAMESPACES_FEED_SUBSCRIBE_STREAM_PROXY_BIDIRECTIONAL",
                "false",
            ),
            (
                "CHANNEL_NAMESPACES_TALK_SUBSCRIBE_STREAM_PROXY_ENABLED",
                "true",
            ),
            (
                "CHANNEL_NAMESPACES_TALK_SUBSCRIBE_STREAM_PROXY_BIDIRECTIONAL",
                "true",
            ),
        ],
    );
    for event in ["CLIENT_PROXY_CONNECT", "CHANNEL_PROXY_SUBSCRIBE_STREAM"] {
        let metadata = &effective[&format!("CENTRIFUGO_{event}_GRPC_STATIC_METADATA")];
        assert_eq!(secret(metadata)?, SECRET, "{event}");
    }
    Ok(())
}

#[test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
fn secret_is_taken_from_variable() -> Outcome {
    let variable = "CENTRIFUGO_VAR_PROXY_SECRET";
    let configuration = ProxyConfiguration::new(&handlers::with_unary(handlers::chat(
        Caller::with_secret(SECRET)?,
    )))
    .http("http://backend:3000")
    .secret_from_variable(variable);
    let variables = [(variable.to_owned(), "of the environment".to_owned())];
    let effective = accepted(&with_namespaces(configuration), &variables)?;
    let headers = &effective["CENTRIFUGO_RPC_PROXY_HTTP_STATIC_HEADERS"];
    assert_eq!(secret(headers)?, "of the environment");
    Ok(())
}

/// Returns the value of the only header, which the server prints as JSON between quotes, with a backslash before each of its
/// own.
fn secret(printed: &str) -> Result<String, Box<dyn Error>> {
    let json = printed
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or("no quotes")?
        .replace("\\\"", "\"");
    let headers: Result<BTreeMap<String, String>, _> = serde_json::from_str(&json);
    Ok(headers?.into_values().collect())
}
