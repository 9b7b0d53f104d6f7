//! The methods `info`, `channels` and `rpc`.

use std::collections::HashSet;

use centrifugo_api::ApiError;
use centrifugo_api::api::{
    ChannelInfo, ChannelsRequest, ChannelsResult, InfoRequest, InfoResult, Metrics, NodeResult,
    RpcRequest, RpcResult,
};

use crate::engine::presence::count;
use crate::engine::{Call, Handler};
use crate::errors::{bad_request, internal, not_found};
use crate::glob::Glob;

/// The version that the server reports: that of the Centrifugo whose behaviour it has.
const VERSION: &str = "6.9.1 OSS";

impl Handler for InfoRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<InfoResult, ApiError> {
        let data = call.engine.state.lock();
        let channels = data.connections.channels();
        let clients = data.connections.clients();
        let mut node = NodeResult::default();
        node.uid = call.engine.uid.clone();
        node.name = "embedded".to_owned();
        node.version = VERSION.to_owned();
        node.num_clients = count(clients.len());
        let users: HashSet<&str> = clients.map(|client| client.user.as_str()).collect();
        node.num_users = count(users.len());
        node.num_channels = count(channels.len());
        node.num_subs = channels.values().sum();
        node.uptime = u32::try_from(call.engine.clock.uptime().as_secs()).unwrap_or(u32::MAX);
        node.metrics = Some(metrics(&node));
        Ok(InfoResult::new().nodes([node]))
    }
}

// A schema may add fields.
#[allow(clippy::field_reassign_with_default)]
fn metrics(node: &NodeResult) -> Metrics {
    let items = [
        ("centrifuge.node.num_channels", node.num_channels),
        ("centrifuge.node.num_clients", node.num_clients),
        ("centrifuge.node.num_subscriptions", node.num_subs),
        ("centrifuge.node.num_users", node.num_users),
    ];
    let mut metrics = Metrics::default();
    metrics.interval = 60.0;
    metrics.items = items
        .map(|(name, value)| (name.to_owned(), f64::from(value)))
        .into();
    metrics
}

impl Handler for ChannelsRequest {
    fn handle(self, call: &Call<'_>) -> Result<ChannelsResult, ApiError> {
        let glob = if self.pattern.is_empty() {
            None
        } else {
            Some(Glob::parse(&self.pattern).ok_or_else(internal)?)
        };
        let data = call.engine.state.lock();
        let channels = data
            .connections
            .channels()
            .into_iter()
            .filter(|(name, _)| glob.as_ref().is_none_or(|glob| glob.matches(name)))
            .map(|(name, clients)| (name, ChannelInfo::new().num_clients(clients)));
        Ok(ChannelsResult::new().channels(channels))
    }
}

impl Handler for RpcRequest {
    /// Returns an error: Centrifugo has no RPC methods unless an application adds some.
    fn handle(self, _call: &Call<'_>) -> Result<RpcResult, ApiError> {
        if self.method.is_empty() {
            Err(bad_request())
        } else {
            Err(not_found())
        }
    }
}
