//! What both servers are configured with: `tests/centrifugo/6.9.1.json` and more namespaces.

use serde_json::{Value, json};

const FILE: &str = include_str!("../centrifugo/6.9.1.json");

/// The configuration, with `history_size` of the namespace `small`.
pub(crate) fn with_small_history(history_size: u32) -> Value {
    let mut configuration: Value = serde_json::from_str(FILE).expect("the configuration is JSON");
    let namespaces = configuration.pointer_mut("/channel/namespaces").and_then(Value::as_array_mut);
    namespaces.expect("the configuration has namespaces").extend(more_namespaces(history_size));
    configuration
}

pub(crate) fn namespaces(configuration: &Value) -> String {
    configuration["channel"]["namespaces"].to_string()
}

fn more_namespaces(history_size: u32) -> [Value; 11] {
    [
        json!({"name": "small", "history_size": history_size, "history_ttl": "300s", "presence": true,
               "allow_subscribe_for_client": true, "allow_subscribe_for_anonymous": true}),
        json!({"name": "json", "history_size": 10, "history_ttl": "300s", "publication_data_format": "json",
               "presence": true}),
        json!({"name": "object", "history_size": 10, "history_ttl": "300s",
               "publication_data_format": "json_object", "delta_publish": true}),
        json!({"name": "pos", "history_size": 5, "history_ttl": "300s", "force_positioning": true,
               "presence": true, "join_leave": true, "allow_subscribe_for_client": true}),
        json!({"name": "joins", "join_leave": true, "force_push_join_leave": true,
               "allow_subscribe_for_client": true, "allow_subscribe_for_anonymous": true}),
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
