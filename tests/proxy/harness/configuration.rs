//! The configuration of the server, as variables of Centrifugo's environment.

use serde_json::{Value, json};

use super::backend::{NEXT_SECRET, SECRET};
use crate::server;

/// The proxies of the name `default`, and their events.
const PROXIES: [(&str, &str); 9] = [
    ("CLIENT_PROXY_CONNECT", "connect"),
    ("CLIENT_PROXY_REFRESH", "refresh"),
    ("RPC_PROXY", "rpc"),
    ("CHANNEL_PROXY_SUBSCRIBE", "subscribe"),
    ("CHANNEL_PROXY_PUBLISH", "publish"),
    ("CHANNEL_PROXY_SUB_REFRESH", "sub_refresh"),
    ("CHANNEL_PROXY_MAP_PUBLISH", "map_publish"),
    ("CHANNEL_PROXY_MAP_REMOVE", "map_remove"),
    ("CHANNEL_PROXY_SHARED_POLL_REFRESH", "shared_poll_refresh"),
];

pub(crate) const TOKEN_SECRET: &str = "token-secret";
pub(crate) const SHARED_POLL_SECRET: &str = "poll-secret";

/// The sections that have nothing to do with proxies.
const GENERAL: [(&str, &str); 9] = [
    ("HTTP_SERVER_ADDRESS", "127.0.0.1"),
    ("HTTP_API_KEY", server::HTTP_KEY),
    ("HEALTH_ENABLED", "true"),
    ("USAGE_STATS_DISABLED", "true"),
    ("CLIENT_ALLOW_ANONYMOUS_CONNECT_WITHOUT_TOKEN", "true"),
    // The server looks so often for subscriptions that have expired.
    ("CLIENT_PRESENCE_UPDATE_INTERVAL", "200ms"),
    ("CLIENT_EXPIRED_SUB_CLOSE_DELAY", "100ms"),
    ("CLIENT_TOKEN_HMAC_SECRET_KEY", TOKEN_SECRET),
    ("SHARED_POLL_HMAC_SECRET_KEY", SHARED_POLL_SECRET),
];

/// The backend that a server asks.
pub(super) struct Endpoints<'a> {
    /// The URL, over HTTP without the name of the event.
    pub(super) url: &'a str,
}

impl Endpoints<'_> {
    /// Returns the options of a server that waits so long for an answer.
    pub(super) fn options(&self, timeout: &str) -> Vec<(String, String)> {
        let mut options = Vec::new();
        let mut set =
            |name: &str, value: String| options.push((format!("CENTRIFUGO_{name}"), value));
        for (name, value) in GENERAL {
            set(name, value.to_owned());
        }
        for (proxy, event) in PROXIES {
            set(&format!("{proxy}_ENDPOINT"), self.endpoint(event));
            set(&format!("{proxy}_TIMEOUT"), timeout.to_owned());
            let (option, secret) = self.secret();
            set(&format!("{proxy}_{option}"), secret.to_string());
        }
        for proxy in ["CLIENT_PROXY_CONNECT", "CLIENT_PROXY_REFRESH"] {
            set(
                &format!("{proxy}_HTTP_STATUS_TO_CODE_TRANSFORMS"),
                transforms().to_string(),
            );
        }
        if !self.is_http() {
            let proxy = "CHANNEL_PROXY_SUBSCRIBE_STREAM";
            set(&format!("{proxy}_ENDPOINT"), self.url.to_owned());
            set(&format!("{proxy}_TIMEOUT"), timeout.to_owned());
            let (option, secret) = self.secret();
            set(&format!("{proxy}_{option}"), secret.to_string());
        }
        set("CLIENT_PROXY_CONNECT_ENABLED", "true".to_owned());
        set("CLIENT_PROXY_REFRESH_ENABLED", "true".to_owned());
        set("PROXIES", self.proxies(timeout).to_string());
        set("CHANNEL_NAMESPACES", self.namespaces().to_string());
        set("RPC_NAMESPACES", methods().to_string());
        options
    }

    fn namespaces(&self) -> Value {
        let mut namespaces = channels();
        if let (false, Value::Array(namespaces)) = (self.is_http(), &mut namespaces) {
            namespaces.extend([stream("stream", false), stream("bidirectional", true)]);
        }
        namespaces
    }

    /// Returns whether it is asked over HTTP, which has no streams.
    fn is_http(&self) -> bool {
        self.url.starts_with("http:")
    }

    fn endpoint(&self, event: &str) -> String {
        if self.is_http() {
            format!("{}/{event}", self.url)
        } else {
            self.url.to_owned()
        }
    }

    /// Returns the option by which the server sends the secret.
    fn secret(&self) -> (&'static str, Value) {
        let secret = json!({"x-centrifugo-secret": SECRET});
        if self.is_http() {
            ("HTTP_STATIC_HEADERS", secret)
        } else {
            ("GRPC_STATIC_METADATA", secret)
        }
    }

    /// Returns the proxies that have other options than those of the name `default`.
    fn proxies(&self, timeout: &str) -> Value {
        let (_, secret) = self.secret();
        let mut proxies = Vec::new();
        for (_, event) in PROXIES {
            proxies.push(json!({
                "name": format!("{event}_binary"),
                "endpoint": self.endpoint(event),
                "timeout": timeout,
                "binary_encoding": true,
                "http": {"static_headers": &secret},
                "grpc": {"static_metadata": &secret},
            }));
            proxies.push(json!({
                "name": format!("{event}_transformed"),
                "endpoint": self.endpoint(event),
                "timeout": timeout,
                "include_connection_meta": true,
                "http": {"static_headers": &secret, "status_to_code_transforms": transforms()},
                "grpc": {"static_metadata": &secret},
            }));
        }
        proxies.extend(self.proxies_of_headers());
        proxies.into()
    }

    /// Returns proxies that pass headers on, and one with another secret.
    fn proxies_of_headers(&self) -> [Value; 3] {
        let (_, mut headers) = self.secret();
        let secret = headers.clone();
        headers["x-static"] = json!("configured");
        headers["x-transport"] = json!("configured");
        let headers = json!({
            "name": "rpc_headers",
            "endpoint": self.endpoint("rpc"),
            "http_headers": ["X-Transport", "X-Both"],
            "emulated_headers": ["X-Emulated", "X-Both"],
            "http": {"static_headers": &headers},
            "grpc": {"static_metadata": &headers},
        });
        let exposed = json!({
            "name": "rpc_exposed",
            "endpoint": self.endpoint("rpc"),
            "http_headers": ["X-Centrifugo-Secret"],
            "emulated_headers": ["X-Centrifugo-Secret"],
            "http": {"static_headers": &secret},
            "grpc": {"static_metadata": &secret},
        });
        let secret = json!({"x-centrifugo-secret": NEXT_SECRET});
        let next = json!({
            "name": "rpc_next",
            "endpoint": self.endpoint("rpc"),
            "http": {"static_headers": &secret},
            "grpc": {"static_metadata": &secret},
        });
        [headers, exposed, next]
    }
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
            "allow_positioning": true,
            "allowed_delta_types": ["fossil"],
            "publish_proxy_enabled": true,
        },
        {
            "name": "map",
            "subscription_type": "map",
            "allow_subscribe_for_client": true,
            "allowed_delta_types": ["fossil"],
            "map": {
                "mode": "recoverable",
                "key_ttl": "300s",
                "publish_proxy_enabled": true,
                "remove_proxy_enabled": true,
            },
        },
        {
            "name": "poll",
            "subscription_type": "shared_poll",
            "allow_subscribe_for_client": true,
            "allowed_delta_types": ["fossil"],
            "shared_poll": {"mode": "versioned", "refresh_interval": "200ms"},
        },
        {
            "name": "versionless",
            "subscription_type": "shared_poll",
            "allow_subscribe_for_client": true,
            "shared_poll": {"mode": "versionless", "refresh_interval": "200ms"},
        },
        // Sends the newest publication to those who subscribe.
        {
            "name": "cache",
            "history_size": 1,
            "history_ttl": "300s",
            "force_recovery": true,
            "force_recovery_mode": "cache",
        },
        {
            "name": "map_asked",
            "subscription_type": "map",
            "subscribe_proxy_enabled": true,
            "map": {"mode": "recoverable", "key_ttl": "300s"},
        },
        {
            "name": "poll_asked",
            "subscription_type": "shared_poll",
            "subscribe_proxy_enabled": true,
            "shared_poll": {"mode": "versioned"},
        },
        asked_by("binary"),
        asked_by("transformed"),
        map_asked_by("binary"),
        map_asked_by("transformed"),
    ])
}

/// Returns a namespace whose publications come from streams of the backend.
fn stream(name: &str, is_bidirectional: bool) -> Value {
    json!({
        "name": name,
        "history_size": 10,
        "history_ttl": "300s",
        "force_recovery": true,
        "presence": true,
        "subscribe_stream_proxy_enabled": true,
        "subscribe_stream_proxy_bidirectional": is_bidirectional,
    })
}

/// Returns a namespace whose proxies have other options.
fn asked_by(proxies: &str) -> Value {
    json!({
        "name": proxies,
        "allow_subscribe_for_client": true,
        "subscribe_proxy_enabled": true,
        "subscribe_proxy_name": format!("subscribe_{proxies}"),
        "publish_proxy_enabled": true,
        "publish_proxy_name": format!("publish_{proxies}"),
        "sub_refresh_proxy_enabled": true,
        "sub_refresh_proxy_name": format!("sub_refresh_{proxies}"),
        "publication_data_format": "binary",
    })
}

/// Returns a namespace of maps whose proxies have other options.
fn map_asked_by(proxies: &str) -> Value {
    json!({
        "name": format!("map_{proxies}"),
        "subscription_type": "map",
        "allow_subscribe_for_client": true,
        "map": {
            "mode": "recoverable",
            "key_ttl": "300s",
            "publish_proxy_enabled": true,
            "publish_proxy_name": format!("map_publish_{proxies}"),
            "remove_proxy_enabled": true,
            "remove_proxy_name": format!("map_remove_{proxies}"),
        },
    })
}

fn methods() -> Value {
    let mut namespaces = vec![json!({"name": "rpc", "proxy_enabled": true})];
    for name in [
        "rpc_binary",
        "rpc_transformed",
        "rpc_headers",
        "rpc_exposed",
        "rpc_next",
    ] {
        namespaces.push(json!({"name": name, "proxy_enabled": true, "proxy_name": name}));
    }
    namespaces.into()
}
