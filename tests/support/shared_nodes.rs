//! Two real nodes that share a Redis, with channels that keep all that was published.

use crate::redis::Redis;
use crate::server::{Backend, Server, Version};

/// A namespace that keeps all history, for longer than a test takes.
pub(crate) const NAMESPACES: &str =
    r#"[{"name": "kept", "history_size": 1000000, "history_ttl": "3600s"}]"#;

/// Starts two nodes that share a Redis, where their keys begin with `prefix`. Further options are
/// Centrifugo's environment variables.
pub(crate) async fn start(prefix: &str, further: &[(&str, &str)]) -> [Server; 2] {
    let address = Redis::shared().await.address();
    let mut options = vec![
        ("CENTRIFUGO_ENGINE_TYPE", "redis"),
        ("CENTRIFUGO_ENGINE_REDIS_ADDRESS", address.as_str()),
        ("CENTRIFUGO_ENGINE_REDIS_PREFIX", prefix),
        ("CENTRIFUGO_CHANNEL_NAMESPACES", NAMESPACES),
        ("CENTRIFUGO_PROMETHEUS_ENABLED", "true"),
    ];
    options.extend(further);
    let node = || Server::start_with(Backend::Real(Version::V6), &options);
    [node().await, node().await]
}
