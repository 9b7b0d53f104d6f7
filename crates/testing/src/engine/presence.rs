//! The methods `presence` and `presence_stats`.

use std::collections::{BTreeMap, HashSet};

use centrifugo_api::{ApiError, ClientInfo};

use crate::engine::{Call, Engine, Handler};
use crate::errors::{bad_request, not_available};
use crate::messages::{PresenceRequest, PresenceResult, PresenceStatsRequest, PresenceStatsResult};

impl Handler for PresenceRequest {
    type Result = PresenceResult;

    fn handle(self, call: &Call<'_>) -> Result<PresenceResult, ApiError> {
        Ok(PresenceResult {
            presence: call.engine.presence(&self.channel)?,
        })
    }
}

impl Handler for PresenceStatsRequest {
    type Result = PresenceStatsResult;

    fn handle(self, call: &Call<'_>) -> Result<PresenceStatsResult, ApiError> {
        let present = call.engine.presence(&self.channel)?;
        let users: HashSet<&str> = present.values().map(|info| info.user.as_str()).collect();
        Ok(PresenceStatsResult {
            num_clients: count(present.len()),
            num_users: count(users.len()),
        })
    }
}

impl Engine {
    /// Returns the clients in a channel, by their ids.
    fn presence(&self, channel: &str) -> Result<BTreeMap<String, ClientInfo>, ApiError> {
        if channel.is_empty() {
            return Err(bad_request());
        }
        if !self.channel_options(channel)?.presence {
            return Err(not_available());
        }
        let now = self.clock.now();
        Ok(self.state.lock().connections.presence(channel, now))
    }
}

/// Returns a count in the type of the schema.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
