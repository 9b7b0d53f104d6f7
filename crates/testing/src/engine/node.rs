use std::collections::HashSet;

use super::presence::count;
use super::{Call, Handler, bad_request, internal, not_found};
use crate::glob::Glob;
use centrifugo_api::ApiError;
use centrifugo_api::api::{
    ChannelInfo, ChannelsRequest, ChannelsResult, InfoRequest, InfoResult, Metrics, NodeResult,
    RpcRequest, RpcResult,
};

/// The version of Centrifugo whose behaviour the server has, as it says it itself.
const VERSION: &str = "6.9.1 OSS";

impl Handler for InfoRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<InfoResult, ApiError> {
        let data = call.engine.state.lock();
        let channels = data.connections.channels();
        let users: HashSet<&str> = data
            .connections
            .peers()
            .map(|peer| peer.user.as_str())
            .collect();
        let mut node = NodeResult::default();
        node.uid = call.engine.uid.clone();
        node.name = "embedded".to_owned();
        node.version = VERSION.to_owned();
        node.num_clients = count(data.connections.peers().len());
        node.num_users = count(users.len());
        node.num_channels = count(channels.len());
        node.num_subs = channels.values().sum();
        node.uptime = u32::try_from(call.engine.clock.uptime().as_secs()).unwrap_or(u32::MAX);
        let mut metrics = Metrics::default();
        metrics.interval = 60.0;
        let items = [
            ("centrifuge.node.num_channels", node.num_channels),
            ("centrifuge.node.num_clients", node.num_clients),
            ("centrifuge.node.num_subscriptions", node.num_subs),
            ("centrifuge.node.num_users", node.num_users),
        ];
        metrics.items = items
            .map(|(name, value)| (name.to_owned(), f64::from(value)))
            .into();
        node.metrics = Some(metrics);
        Ok(InfoResult::new().nodes([node]))
    }
}

impl Handler for ChannelsRequest {
    fn handle(self, call: &Call<'_>) -> Result<ChannelsResult, ApiError> {
        let glob = match self.pattern.is_empty() {
            true => None,
            false => Some(Glob::parse(&self.pattern).ok_or_else(internal)?),
        };
        let data = call.engine.state.lock();
        let channels = data.connections.channels().into_iter();
        let fitting =
            channels.filter(|(name, _)| glob.as_ref().is_none_or(|glob| glob.matches(name)));
        let channels =
            fitting.map(|(name, clients)| (name, ChannelInfo::new().num_clients(clients)));
        Ok(ChannelsResult::new().channels(channels))
    }
}

/// The open-source server has no methods of its own to offer.
impl Handler for RpcRequest {
    fn handle(self, _call: &Call<'_>) -> Result<RpcResult, ApiError> {
        Err(if self.method.is_empty() {
            bad_request()
        } else {
            not_found()
        })
    }
}
