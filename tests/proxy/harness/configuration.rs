//! The configuration of the server, as variables of Centrifugo's environment.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server;

/// The time after which Centrifugo does not wait for an answer any more.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

/// The events of channels, all of which have a proxy named `default`.
const CHANNEL_EVENTS: [&str; 6] = [
    "subscribe",
    "publish",
    "sub_refresh",
    "map_publish",
    "map_remove",
    "shared_poll_refresh",
];

/// What has nothing to do with proxies.
const GENERAL: [(&str, &str); 9] = [
    ("HTTP_SERVER_ADDRESS", "127.0.0.1"),
    ("HTTP_API_KEY", server::HTTP_KEY),
    ("HEALTH_ENABLED", "true"),
    ("USAGE_STATS_DISABLED", "true"),
    ("CLIENT_ALLOW_ANONYMOUS_CONNECT_WITHOUT_TOKEN", "true"),
    // The server looks each second for subscriptions that have expired.
    ("CLIENT_PRESENCE_UPDATE_INTERVAL", "1s"),
    ("CLIENT_EXPIRED_SUB_CLOSE_DELAY", "100ms"),
    ("CLIENT_TOKEN_HMAC_SECRET_KEY", "token-secret"),
    ("SHARED_POLL_HMAC_SECRET_KEY", "poll-secret"),
];

/// Returns the options of a server that asks a backend at this URL.
pub(super) fn options(backend: &str) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut set = |name: &str, value: String| options.push((format!("CENTRIFUGO_{name}"), value));
    for (name, value) in GENERAL {
        set(name, value.to_owned());
    }
    for event in CHANNEL_EVENTS {
        let proxy = format!("CHANNEL_PROXY_{}", event.to_uppercase());
        set(&format!("{proxy}_ENDPOINT"), format!("{backend}/{event}"));
        set(&format!("{proxy}_TIMEOUT"), timeout());
    }
    for (proxy, event) in [
        ("CLIENT_PROXY_CONNECT", "connect"),
        ("CLIENT_PROXY_REFRESH", "refresh"),
        ("RPC_PROXY", "rpc"),
    ] {
        set(&format!("{proxy}_ENDPOINT"), format!("{backend}/{event}"));
        set(&format!("{proxy}_TIMEOUT"), timeout());
    }
    set("CLIENT_PROXY_CONNECT_ENABLED", "true".to_owned());
    set("CLIENT_PROXY_REFRESH_ENABLED", "true".to_owned());
    set("PROXIES", proxies(backend).to_string());
    set("CHANNEL_NAMESPACES", channels().to_string());
    set("RPC_NAMESPACES", methods().to_string());
    options
}

fn timeout() -> String {
    format!("{}ms", TIMEOUT.as_millis())
}

/// Returns the proxies that have other options than those of the name `default`.
fn proxies(backend: &str) -> Value {
    let mut proxies = Vec::new();
    for event in ["subscribe", "publish", "rpc", "map_publish"] {
        proxies.push(json!({
            "name": format!("{event}_binary"),
            "endpoint": format!("{backend}/{event}-binary"),
            "timeout": timeout(),
            "binary_encoding": true,
        }));
    }
    for event in [
        "subscribe",
        "publish",
        "rpc",
        "sub_refresh",
        "map_publish",
        "map_remove",
    ] {
        proxies.push(json!({
            "name": format!("{event}_transformed"),
            "endpoint": format!("{backend}/{event}-transformed"),
            "timeout": timeout(),
            "include_connection_meta": true,
            "http": {"status_to_code_transforms": transforms()},
        }));
    }
    proxies.into()
}

/// Returns what clients get for statuses of HTTP.
fn transforms() -> Value {
    json!([
        {"status_code": 404, "to_error": {"code": 404, "message": "not found"}},
        {"status_code": 429, "to_error": {"code": 429, "message": "slow down", "temporary": true}},
        {"status_code": 403, "to_disconnect": {"code": 4503, "reason": "forbidden"}},
        {"status_code": 503, "to_disconnect": {"code": 4003, "reason": "later"}},
    ])
}

fn channels() -> Value {
    json!([
        // Shows who is there.
        {
            "name": "seen",
            "presence": true,
            "allow_presence_for_subscriber": true,
            "allow_presence_for_anonymous": true,
            "allow_subscribe_for_client": true,
            "allow_subscribe_for_anonymous": true,
        },
        // Has all that an answer can override.
        {
            "name": "on",
            "history_size": 10,
            "history_ttl": "300s",
            "presence": true,
            "join_leave": true,
            "force_push_join_leave": true,
            "force_recovery": true,
            "force_positioning": true,
            "subscribe_proxy_enabled": true,
        },
        // Has nothing of it.
        {
            "name": "off",
            "history_size": 10,
            "history_ttl": "300s",
            "subscribe_proxy_enabled": true,
        },
        {
            "name": "refreshed",
            "allow_subscribe_for_client": true,
            "presence": true,
            "join_leave": true,
            "force_push_join_leave": true,
            "subscribe_proxy_enabled": true,
            "sub_refresh_proxy_enabled": true,
        },
        {
            "name": "publish",
            "history_size": 10,
            "history_ttl": "300s",
            "allow_subscribe_for_client": true,
            "allow_subscribe_for_anonymous": true,
            "allowed_delta_types": ["fossil"],
            "publish_proxy_enabled": true,
        },
        {
            "name": "publish_binary",
            "allow_subscribe_for_client": true,
            "publish_proxy_enabled": true,
            "publish_proxy_name": "publish_binary",
            "publication_data_format": "binary",
        },
        {
            "name": "publish_transformed",
            "allow_subscribe_for_client": true,
            "publish_proxy_enabled": true,
            "publish_proxy_name": "publish_transformed",
        },
    ])
}

fn methods() -> Value {
    json!([
        {"name": "rpc", "proxy_enabled": true},
        {"name": "rpc_binary", "proxy_enabled": true, "proxy_name": "rpc_binary"},
        {"name": "rpc_transformed", "proxy_enabled": true, "proxy_name": "rpc_transformed"},
    ])
}
