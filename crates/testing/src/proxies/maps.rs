//! Clients that change maps: the map_publish and map_remove proxies.

use bytes::Bytes;

use super::client::ProxiedConnection;
use super::refusal::{Refusal, failed};

impl ProxiedConnection {
    pub(super) async fn proxied_map_publish(
        &self,
        _channel: &str,
        _key: &str,
        _data: Bytes,
    ) -> Result<(), Refusal> {
        Err(failed())
    }

    pub(super) async fn proxied_map_remove(
        &self,
        _channel: &str,
        _key: &str,
    ) -> Result<(), Refusal> {
        Err(failed())
    }
}
