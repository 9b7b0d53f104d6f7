//! The configuration of both servers: `tests/centrifugo/6.9.1.json` and further namespaces.

use serde_json::{Value, json};

const FILE: &str = include_str!("../centrifugo/6.9.1.json");

/// Options for the real server only.
pub(crate) const REAL: [(&str, &str); 3] = [
    ("CENTRIFUGO_LOG_LEVEL", "none"),
    (
        "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_ALLOW_SUBSCRIBE_FOR_CLIENT",
        "true",
    ),
    (
        "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_ALLOW_SUBSCRIBE_FOR_ANONYMOUS",
        "true",
    ),
];

/// Returns the environment variables that configure these namespaces.
pub(crate) fn options(namespaces: &str) -> Vec<(&'static str, &str)> {
    vec![("CENTRIFUGO_CHANNEL_NAMESPACES", namespaces)]
}

/// Returns the namespaces, with `history_size` for the one named `small`.
///
/// Clients may subscribe to any channel, because an embedded server checks no permissions.
pub(crate) fn namespaces(history_size: u32) -> Value {
    let mut configuration: Value = serde_json::from_str(FILE).expect("the configuration is JSON");
    let namespaces = configuration
        .pointer_mut("/channel/namespaces")
        .and_then(Value::as_array_mut);
    let namespaces = namespaces.expect("the configuration has namespaces");
    namespaces.extend(more_namespaces(history_size));
    for namespace in namespaces.iter_mut() {
        namespace["allow_subscribe_for_client"] = true.into();
        namespace["allow_subscribe_for_anonymous"] = true.into();
    }
    std::mem::take(namespaces).into()
}

fn more_namespaces(history_size: u32) -> [Value; 11] {
    [
        json!({"name": "small", "history_size": history_size, "history_ttl": "300s", "presence": true}),
        json!({"name": "json", "history_size": 10, "history_ttl": "300s", "publication_data_format": "json",
               "presence": true}),
        json!({"name": "object", "history_size": 10, "history_ttl": "300s",
               "publication_data_format": "json_object", "delta_publish": true}),
        json!({"name": "pos", "history_size": 5, "history_ttl": "300s", "force_positioning": true,
               "presence": true, "join_leave": true}),
        json!({"name": "joins", "join_leave": true, "force_push_join_leave": true}),
        json!({"name": "closed", "presence": true, "history_size": 2, "history_ttl": "300s",
               "force_recovery": true}),
        json!({"name": "eph", "subscription_type": "map", "map": {"mode": "ephemeral", "key_ttl": "300s"}}),
        json!({"name": "pers", "subscription_type": "map", "map": {"mode": "persistent", "stream_size": 3}}),
        json!({"name": "short", "subscription_type": "map",
               "map": {"mode": "recoverable", "key_ttl": "300s", "stream_size": 2}}),
        json!({"name": "pollro", "subscription_type": "shared_poll",
               "shared_poll": {"mode": "versioned", "publish_enabled": false}}),
        json!({"name": "polled", "subscription_type": "shared_poll", "shared_poll": {"mode": "versionless"}}),
    ]
}
