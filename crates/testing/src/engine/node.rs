//! The methods `info`, `channels` and `rpc`.

use std::collections::HashSet;

use centrifugo_api::ApiError;

use crate::engine::presence::count;
use crate::engine::{Call, Handler};
use crate::errors::{bad_request, internal, not_found};
use crate::glob::Glob;
use crate::messages::{
    ChannelInfo, ChannelsRequest, ChannelsResult, InfoRequest, InfoResult, Metrics, NodeResult,
    RpcRequest, RpcResult,
};

impl Handler for InfoRequest {
    type Result = InfoResult;

    fn handle(self, call: &Call<'_>) -> Result<InfoResult, ApiError> {
        let data = call.engine.state.lock();
        let channels = data.connections.channels();
        let clients = data.connections.clients();
        let num_clients = count(clients.len());
        let users: HashSet<&str> = clients.map(|client| client.user.as_str()).collect();
        let mut node = NodeResult {
            uid: call.engine.uid.clone(),
            name: "embedded".to_owned(),
            version: call.engine.release.version().to_owned(),
            num_clients,
            num_users: count(users.len()),
            num_channels: count(channels.len()),
            num_subs: channels.values().sum(),
            uptime: u32::try_from(call.engine.clock.uptime().as_secs()).unwrap_or(u32::MAX),
            ..NodeResult::default()
        };
        node.metrics = Some(metrics(&node));
        Ok(InfoResult { nodes: vec![node] })
    }
}

fn metrics(node: &NodeResult) -> Metrics {
    let items = [
        ("centrifuge.node.num_channels", node.num_channels),
        ("centrifuge.node.num_clients", node.num_clients),
        ("centrifuge.node.num_subscriptions", node.num_subs),
        ("centrifuge.node.num_users", node.num_users),
    ];
    let items = items.map(|(name, value)| (name.to_owned(), f64::from(value)));
    Metrics {
        interval: 60.0,
        items: items.into(),
    }
}

impl Handler for ChannelsRequest {
    type Result = ChannelsResult;

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
            .map(|(name, num_clients)| (name.to_owned(), ChannelInfo { num_clients }))
            .collect();
        Ok(ChannelsResult { channels })
    }
}

impl Handler for RpcRequest {
    type Result = RpcResult;

    /// Returns an error: Centrifugo has no RPC methods unless an application adds some.
    fn handle(self, _call: &Call<'_>) -> Result<RpcResult, ApiError> {
        if self.method.is_empty() {
            Err(bad_request())
        } else {
            Err(not_found())
        }
    }
}
