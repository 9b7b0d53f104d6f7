//! The methods `history` and `history_remove`.

use std::time::Duration;

use centrifugo_api::ApiError;

use crate::engine::{Call, Engine, Handler};
use crate::errors::{bad_request, not_available, unrecoverable};
use crate::messages::{HistoryRemoveRequest, HistoryRemoveResult, HistoryRequest, HistoryResult};
use crate::state::stream::{Filter, Position};

impl Handler for HistoryRequest {
    type Result = HistoryResult;

    fn handle(self, call: &Call<'_>) -> Result<HistoryResult, ApiError> {
        let meta_ttl = call.engine.history_meta_ttl(&self.channel)?;
        let since = self.since.map(|since| Position {
            offset: since.offset,
            epoch: since.epoch,
        });
        if self.reverse && since.as_ref().is_some_and(|since| since.offset == 0) {
            return Err(call.engine.release.refusal());
        }
        let filter = Filter {
            since,
            limit: self.limit,
            reverse: self.reverse,
        };
        let now = call.engine.clock.seconds();
        let (publications, position) =
            call.engine
                .state
                .lock()
                .streams
                .read(&self.channel, &filter, meta_ttl, now);
        if let Some(since) = filter.since
            && !since.epoch.is_empty()
            && since.epoch != position.epoch
        {
            return Err(unrecoverable());
        }
        Ok(HistoryResult {
            publications,
            offset: position.offset,
            epoch: position.epoch,
        })
    }
}

impl Handler for HistoryRemoveRequest {
    type Result = HistoryRemoveResult;

    fn handle(self, call: &Call<'_>) -> Result<HistoryRemoveResult, ApiError> {
        call.engine.history_meta_ttl(&self.channel)?;
        call.engine.state.lock().streams.clear(&self.channel);
        Ok(HistoryRemoveResult {})
    }
}

impl Engine {
    /// Returns how long the position of a channel is kept, or an error if the channel has no
    /// history.
    fn history_meta_ttl(&self, channel: &str) -> Result<Duration, ApiError> {
        if channel.is_empty() {
            return Err(bad_request());
        }
        let options = self.channel_options(channel)?;
        options
            .history
            .map(|retention| retention.meta_ttl)
            .ok_or_else(not_available)
    }
}
