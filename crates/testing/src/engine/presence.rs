//! The methods `presence` and `presence_stats`.

use std::collections::{BTreeMap, HashSet};

use centrifugo_api::api::{
    PresenceRequest, PresenceResult, PresenceStatsRequest, PresenceStatsResult,
};
use centrifugo_api::{ApiError, ClientInfo};

use crate::engine::{Call, Engine, Handler};
use crate::errors::{bad_request, not_available};

impl Handler for PresenceRequest {
    fn handle(self, call: &Call<'_>) -> Result<PresenceResult, ApiError> {
        Ok(PresenceResult::new().presence(call.engine.presence(&self.channel)?))
    }
}

impl Handler for PresenceStatsRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<PresenceStatsResult, ApiError> {
        let present = call.engine.presence(&self.channel)?;
        let users: HashSet<&str> = present.values().map(|info| info.user.as_str()).collect();
        let mut result = PresenceStatsResult::default();
        result.num_clients = count(present.len());
        result.num_users = count(users.len());
        Ok(result)
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
