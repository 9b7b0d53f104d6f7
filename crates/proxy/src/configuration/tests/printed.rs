//! The printed configuration.

use std::time::Duration;

use super::super::{ChannelOptions, ProxyConfiguration};
use super::{GRPC, HTTP, anyone, handlers, secret};
use crate::caller::{Caller, Secrets};
use crate::error::Error;
use crate::event::EventKind;

#[test]
fn all_forms_say_the_same() -> Result<(), Error> {
    let kinds = [EventKind::Connect, EventKind::Subscribe, EventKind::Rpc];
    let configuration = ProxyConfiguration::new(&handlers(secret()?, &kinds))
        .http("http://backend:3000/centrifugo/")
        .http_headers(["Cookie", "x-b"])
        .namespace("chat", [EventKind::Subscribe])
        .rpc_without_namespace();
    assert_eq!(configuration.to_yaml()?, YAML);
    let expected: serde_json::Value = serde_json::from_str(JSON).expect("it is JSON");
    let json = serde_json::from_str(&configuration.to_json()?);
    assert_eq!(json.ok(), Some(expected));
    let environment = configuration.to_environment()?;
    let lines = environment
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"));
    assert_eq!(lines.collect::<String>(), ENVIRONMENT);
    Ok(())
}

const YAML: &str = r#"client:
  proxy:
    connect:
      enabled: true
      endpoint: "http://backend:3000/centrifugo/connect"
      timeout: "1s"
      http_headers: ["cookie","x-b"]
      http:
        static_headers:
          "x-centrifugo-secret": "s3cret"
channel:
  proxy:
    subscribe:
      endpoint: "http://backend:3000/centrifugo/subscribe"
      timeout: "1s"
      http_headers: ["cookie","x-b"]
      http:
        static_headers:
          "x-centrifugo-secret": "s3cret"
  namespaces:
    - name: "chat"
      subscribe_proxy_enabled: true
rpc:
  proxy:
    endpoint: "http://backend:3000/centrifugo/rpc"
    timeout: "1s"
    http_headers: ["cookie","x-b"]
    http:
      static_headers:
        "x-centrifugo-secret": "s3cret"
  without_namespace:
    proxy_enabled: true
"#;

const JSON: &str = r#"{
  "client": {"proxy": {"connect": {
    "enabled": true,
    "endpoint": "http://backend:3000/centrifugo/connect",
    "timeout": "1s",
    "http_headers": ["cookie", "x-b"],
    "http": {"static_headers": {"x-centrifugo-secret": "s3cret"}}
  }}},
  "channel": {
    "proxy": {"subscribe": {
      "endpoint": "http://backend:3000/centrifugo/subscribe",
      "timeout": "1s",
      "http_headers": ["cookie", "x-b"],
      "http": {"static_headers": {"x-centrifugo-secret": "s3cret"}}
    }},
    "namespaces": [{"name": "chat", "subscribe_proxy_enabled": true}]
  },
  "rpc": {
    "proxy": {
      "endpoint": "http://backend:3000/centrifugo/rpc",
      "timeout": "1s",
      "http_headers": ["cookie", "x-b"],
      "http": {"static_headers": {"x-centrifugo-secret": "s3cret"}}
    },
    "without_namespace": {"proxy_enabled": true}
  }
}"#;

const ENVIRONMENT: &str = r#"CENTRIFUGO_CLIENT_PROXY_CONNECT_ENABLED=true
CENTRIFUGO_CLIENT_PROXY_CONNECT_ENDPOINT=http://backend:3000/centrifugo/connect
CENTRIFUGO_CLIENT_PROXY_CONNECT_TIMEOUT=1s
CENTRIFUGO_CLIENT_PROXY_CONNECT_HTTP_HEADERS=cookie x-b
CENTRIFUGO_CLIENT_PROXY_CONNECT_HTTP_STATIC_HEADERS={"x-centrifugo-secret":"s3cret"}
CENTRIFUGO_CHANNEL_PROXY_SUBSCRIBE_ENDPOINT=http://backend:3000/centrifugo/subscribe
CENTRIFUGO_CHANNEL_PROXY_SUBSCRIBE_TIMEOUT=1s
CENTRIFUGO_CHANNEL_PROXY_SUBSCRIBE_HTTP_HEADERS=cookie x-b
CENTRIFUGO_CHANNEL_PROXY_SUBSCRIBE_HTTP_STATIC_HEADERS={"x-centrifugo-secret":"s3cret"}
CENTRIFUGO_CHANNEL_NAMESPACES=[{"name":"chat","subscribe_proxy_enabled":true}]
CENTRIFUGO_RPC_PROXY_ENDPOINT=http://backend:3000/centrifugo/rpc
CENTRIFUGO_RPC_PROXY_TIMEOUT=1s
CENTRIFUGO_RPC_PROXY_HTTP_HEADERS=cookie x-b
CENTRIFUGO_RPC_PROXY_HTTP_STATIC_HEADERS={"x-centrifugo-secret":"s3cret"}
CENTRIFUGO_RPC_WITHOUT_NAMESPACE_PROXY_ENABLED=true
"#;

#[test]
fn parts_are_merged() -> Result<(), Error> {
    let kinds = [EventKind::Connect, EventKind::Subscribe];
    let configuration = ProxyConfiguration::new(&handlers(Caller::anyone(), &kinds))
        .http(HTTP)
        .namespace("chat", [EventKind::Subscribe])
        .merge(r#"{"client": {"token": {"audience": "a"}, "allowed_origins": ["b", "c"]}}"#)
        .merge(r#"{"channel": {"namespaces": [{"history_size": 1, "name": "news"}]}}"#)
        .merge(r#"{"channel": {"namespaces": [{"name": "chat", "presence": true}]}}"#)
        .merge(r#"{"consumers": [{"name": "one", "kafka": {"brokers": ["d"]}}]}"#)
        .merge(r#"{"consumers": [{"name": "two"}], "health": {"enabled": true}}"#);
    let yaml = configuration.to_yaml()?;
    let merged = r#"
  allowed_origins: ["b","c"]
  token:
    audience: "a"
"#;
    assert!(yaml.contains(merged), "{yaml}");
    let merged = r#"
  namespaces:
    - name: "chat"
      subscribe_proxy_enabled: true
      presence: true
    - name: "news"
      history_size: 1
consumers:
  - name: "one"
    kafka:
      brokers: ["d"]
  - name: "two"
health:
  enabled: true
"#;
    assert!(yaml.ends_with(merged), "{yaml}");
    let environment = configuration.to_environment()?;
    let origins = "CENTRIFUGO_CLIENT_ALLOWED_ORIGINS".to_owned();
    assert!(environment.contains(&(origins, "b c".to_owned())));
    Ok(())
}

#[test]
fn parts_that_cannot_be_merged_are_errors() {
    let configuration = ProxyConfiguration::new(&handlers(Caller::anyone(), &[EventKind::Connect]));
    let configuration = configuration.http(HTTP);
    for (part, expected) in [
        ("[]", "not a JSON object"),
        (r#"{"client": 1}"#, "`client` is set twice"),
        (
            r#"{"client": {"proxy": {"connect": {"enabled": false}}}}"#,
            "`client.proxy.connect.enabled` is set twice",
        ),
    ] {
        let error = configuration.clone().merge(part).to_json();
        let error = error.map_err(|error| error.to_string());
        assert!(
            error.as_ref().is_err_and(|error| error.contains(expected)),
            "{error:?}"
        );
    }
    let consumer = r#"{"consumers": [{"name": "one", "enabled": true}]}"#;
    for (part, expected) in [
        (r#"{"consumers": 1}"#, "`consumers` is set twice"),
        (consumer, "`consumers.enabled` is set twice"),
    ] {
        let twice = configuration.clone().merge(consumer).merge(part);
        let error = twice.to_yaml().map_err(|error| error.to_string());
        assert!(
            error.as_ref().is_err_and(|error| error.contains(expected)),
            "{error:?}"
        );
    }
}

#[test]
fn streams_go_to_grpc_and_others_to_http() -> Result<(), Error> {
    let kinds = [EventKind::Publish, EventKind::SubscribeBidirectional];
    let configuration = ProxyConfiguration::new(&handlers(secret()?, &kinds))
        .grpc("grpcs://backend:4000")
        .namespace("feed", [EventKind::SubscribeBidirectional])
        .namespace("chat", vec![EventKind::Publish]);
    let of_grpc = r#"endpoint: "grpc://backend:4000"
      timeout: "1s"
      grpc:
        tls:
          enabled: true
        static_metadata:
          "x-centrifugo-secret": "s3cret"
"#;
    let yaml = configuration.to_yaml()?;
    assert_eq!(yaml.matches(of_grpc).count(), 2, "{yaml}");
    let flags = "    - name: \"feed\"\n      subscribe_stream_proxy_enabled: true\n      \
                 subscribe_stream_proxy_bidirectional: true\n";
    assert!(yaml.contains(flags), "{yaml}");
    let yaml = configuration.http(HTTP).to_yaml()?;
    assert_eq!(yaml.matches(of_grpc).count(), 1, "{yaml}");
    assert_eq!(yaml.matches("tls:").count(), 1, "{yaml}");
    let of_http = r#"endpoint: "http://backend:3000/centrifugo/publish""#;
    assert!(yaml.contains(of_http), "{yaml}");
    Ok(())
}

#[test]
fn options_of_tls_are_printed_for_encrypted_endpoints() -> Result<(), Error> {
    let kinds = [EventKind::Connect, EventKind::SubscribeUnidirectional];
    let encrypted = ProxyConfiguration::new(&handlers(Caller::anyone(), &kinds))
        .grpc("grpcs://backend:4000")
        .namespace("feed", [EventKind::SubscribeUnidirectional])
        .server_ca("/etc/ca.pem")
        .server_name("backend")
        .client_certificate("-----BEGIN CERTIFICATE-----\n", "s3cret.pem");
    let options = r#"
        tls:
          enabled: true
          cert_pem: "-----BEGIN CERTIFICATE-----\n"
          key_pem: "s3cret.pem"
          server_ca_pem: "/etc/ca.pem"
          server_name: "backend"
"#;
    let of_http = format!("      http:{options}");
    let of_grpc = format!("      grpc:{options}");
    let both = encrypted.clone().http("https://backend:3000");
    let yaml = both.to_yaml()?;
    assert_eq!(yaml.matches(&of_http).count(), 1, "{yaml}");
    assert_eq!(yaml.matches(&of_grpc).count(), 1, "{yaml}");
    let one = encrypted.http("http://backend:3000");
    let yaml = one.to_yaml()?;
    assert_eq!(yaml.matches("tls:").count(), 1, "{yaml}");
    assert_eq!(yaml.matches(&of_grpc).count(), 1, "{yaml}");
    let shown = format!("{both:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    Ok(())
}

#[test]
fn both_kinds_of_streams_have_one_proxy() -> Result<(), Error> {
    let kinds = [
        EventKind::SubscribeUnidirectional,
        EventKind::SubscribeBidirectional,
    ];
    let [unidirectional, bidirectional] = kinds;
    let yaml = ProxyConfiguration::new(&handlers(Caller::anyone(), &kinds))
        .grpc(GRPC)
        .namespace("feed", [unidirectional])
        .namespace("talk", [bidirectional])
        .to_yaml()?;
    let expected = r#"channel:
  proxy:
    subscribe_stream:
      endpoint: "grpc://backend:4000"
      timeout: "1s"
  namespaces:
    - name: "feed"
      subscribe_stream_proxy_enabled: true
    - name: "talk"
      subscribe_stream_proxy_enabled: true
      subscribe_stream_proxy_bidirectional: true
"#;
    assert_eq!(yaml, expected);
    Ok(())
}

#[test]
fn options_are_printed_for_events_of_clients() -> Result<(), Error> {
    let kinds = [
        EventKind::Connect,
        EventKind::Refresh,
        EventKind::ChannelState,
    ];
    let yaml = anyone(&kinds)
        .emulated_headers(["Authorization"])
        .grpc_metadata(["X-Key"])
        .binary_encoding(true)
        .include_connection_meta(true)
        .timeout(Duration::from_millis(1500))
        .without_namespace([EventKind::ChannelState])
        .to_yaml()?;
    for (option, count) in [
        ("timeout: \"1500ms\"", 3),
        ("emulated_headers: [\"authorization\"]", 2),
        ("grpc_metadata: [\"x-key\"]", 2),
        ("binary_encoding: true", 2),
        ("include_connection_meta: true", 1),
        (
            "    state:\n      endpoint: \"http://backend:3000/centrifugo/channel_state\"\n",
            1,
        ),
        (
            "  without_namespace:\n    state_proxy_enabled: true\n    presence: true\n",
            1,
        ),
        ("static_headers", 0),
    ] {
        assert_eq!(yaml.matches(option).count(), count, "{option}\n{yaml}");
    }
    Ok(())
}

#[test]
fn namespaces_have_what_their_events_need() -> Result<(), Error> {
    let kinds = [
        EventKind::MapPublish,
        EventKind::MapRemove,
        EventKind::SharedPollRefresh,
        EventKind::CacheEmpty,
    ];
    let board = ChannelOptions::new([EventKind::MapRemove, EventKind::MapPublish])
        .option("map.mode", "persistent");
    let cached = ChannelOptions::new([EventKind::CacheEmpty])
        .option("history_size", 1)
        .option("history_ttl", "1h")
        .option("allowed_delta_types", vec!["fossil"]);
    let yaml = anyone(&kinds)
        .namespace("board", board)
        .namespace("votes", [EventKind::SharedPollRefresh])
        .namespace("cached", cached)
        .shared_poll_secret("poll secret")
        .to_yaml()?;
    let expected = r#"  namespaces:
    - name: "board"
      map:
        publish_proxy_enabled: true
        remove_proxy_enabled: true
        mode: "persistent"
      subscription_type: "map"
    - name: "votes"
      subscription_type: "shared_poll"
    - name: "cached"
      cache_empty_proxy_enabled: true
      force_recovery: true
      force_recovery_mode: "cache"
      history_size: 1
      history_ttl: "1h"
      allowed_delta_types: ["fossil"]
shared_poll:
  hmac_secret_key: "poll secret"
"#;
    assert!(yaml.ends_with(expected), "{yaml}");
    Ok(())
}

#[test]
fn newest_secret_is_printed_and_never_shown() -> Result<(), Error> {
    let secrets = Secrets::new(["s3cret-1"])?;
    let handlers = handlers(Caller::with_secrets(&secrets), &[EventKind::Connect]);
    let configuration = ProxyConfiguration::new(&handlers)
        .http("http://user:s3cret@backend")
        .shared_poll_secret("s3cret");
    secrets.replace(["s3cret-2", "s3cret-1"])?;
    let yaml = configuration.to_yaml()?;
    assert!(
        yaml.contains("s3cret-2") && !yaml.contains("s3cret-1"),
        "{yaml}"
    );
    let shown = format!("{configuration:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    let yaml = configuration
        .secret_from_variable("CENTRIFUGO_VAR_SECRET")
        .to_yaml()?;
    let expected = r#""x-centrifugo-secret": "${CENTRIFUGO_VAR_SECRET}""#;
    assert!(
        yaml.contains(expected) && !yaml.contains("s3cret-"),
        "{yaml}"
    );
    Ok(())
}

#[test]
fn header_with_dot_is_printed_as_list() -> Result<(), Error> {
    let caller = secret()?.header("x-my.secret")?;
    let configuration =
        ProxyConfiguration::new(&handlers(caller, &[EventKind::Connect])).http(HTTP);
    let expected =
        "static_headers:\n          - key: \"x-my.secret\"\n            value: \"s3cret\"\n";
    let yaml = configuration.to_yaml()?;
    assert!(yaml.contains(expected), "{yaml}");
    let environment = configuration.to_environment()?;
    let header = environment.last().map(|(_, value)| &**value);
    assert_eq!(header, Some(r#"{"x-my.secret":"s3cret"}"#));
    Ok(())
}
