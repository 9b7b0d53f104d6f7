//! The `map_…` methods.

use std::sync::Arc;

use centrifugo_api::ApiError;
use centrifugo_api::api::{
    MapClearRequest, MapClearResult, MapEntry, MapPublishRequest, MapPublishResult,
    MapReadStateRequest, MapReadStateResult, MapReadStreamRequest, MapReadStreamResult,
    MapRemoveRequest, MapRemoveResult, MapStatsRequest, MapStatsResult,
};

use crate::engine::publish::payload;
use crate::engine::{Call, Engine, Handler};
use crate::errors::{bad_request, internal, unrecoverable};
use crate::namespace::ChannelKind;
use crate::state::Data;
use crate::state::connections::Connections;
use crate::state::map::{
    KeyMode, MapChannel, MapError, MapOptions, MapOutcome, MapPage, MapPosition, MapPublication,
    MapPublish, MapReadState, MapReadStream, MapRemove, MapUpdate,
};
use crate::state::random::epoch;

impl From<MapError> for ApiError {
    fn from(error: MapError) -> Self {
        match error {
            MapError::BadRequest => bad_request(),
            MapError::Internal => internal(),
            MapError::Unrecoverable => unrecoverable(),
        }
    }
}

impl Engine {
    /// Returns the options of a map, or an error if the channel is not a map.
    fn map_options(&self, channel: &str) -> Result<&MapOptions, ApiError> {
        if channel.is_empty() {
            return Err(bad_request());
        }
        match &self.channel_options(channel)?.kind {
            ChannelKind::Map(options) => Ok(options),
            ChannelKind::Stream | ChannelKind::SharedPoll { .. } => Err(bad_request()),
        }
    }

    /// Calls `work` with a map and the time in milliseconds.
    fn with_map<T>(
        &self,
        channel: &str,
        options: &MapOptions,
        work: impl FnOnce(&mut MapChannel, u64) -> T,
    ) -> T {
        let mut data = self.state.lock();
        let now = self.clock.now();
        let (map, _) = up_to_date_map(&mut data, channel, options, now);
        work(map, now)
    }

    /// Changes a map, and sends the change to its subscribers.
    fn change_map(
        &self,
        channel: &str,
        options: &MapOptions,
        change: impl FnOnce(&mut MapChannel, u64) -> Result<MapUpdate, MapError>,
    ) -> Result<MapUpdate, MapError> {
        let mut data = self.state.lock();
        let now = self.clock.now();
        let (map, connections) = up_to_date_map(&mut data, channel, options, now);
        let update = change(map, now)?;
        if let MapOutcome::Changed(publication) = &update.outcome {
            connections.send_change(channel, publication);
        }
        Ok(update)
    }

    /// Removes the expired keys of all maps.
    pub(crate) fn expire_keys(&self) {
        let mut data = self.state.lock();
        let now = self.clock.now();
        let Data {
            maps, connections, ..
        } = &mut *data;
        for (channel, map) in maps {
            for removal in map.expire(now) {
                connections.send_change(channel, &removal);
            }
        }
    }
}

/// Returns a map as it is at `now`, after its subscribers have received the removals of the keys
/// that have expired by then.
fn up_to_date_map<'a>(
    data: &'a mut Data,
    channel: &str,
    options: &MapOptions,
    now: u64,
) -> (&'a mut MapChannel, &'a mut Connections) {
    let Data {
        maps, connections, ..
    } = data;
    let map = maps
        .entry(channel.to_owned())
        .or_insert_with(|| MapChannel::new(options));
    for removal in map.expire(now) {
        connections.send_change(channel, &removal);
    }
    (map, connections)
}

impl Handler for MapPublishRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<MapPublishResult, ApiError> {
        if self.key.is_empty() {
            return Err(bad_request());
        }
        let options = call.engine.map_options(&self.channel)?;
        let publish = MapPublish {
            data: payload(self.data, &self.b64data)?,
            key_mode: KeyMode::from_name(&self.key_mode)?,
            key: self.key,
            tags: self.tags,
            idempotency_key: self.idempotency_key,
            version: self.version,
            version_epoch: self.version_epoch,
        };
        let update = call.engine.change_map(&self.channel, options, |map, now| {
            map.publish(now, publish, &mut epoch)
        })?;
        let mut result = MapPublishResult::default();
        let fields = UpdateFields::new(update);
        result.offset = fields.offset;
        result.epoch = fields.epoch;
        result.suppressed = fields.suppressed;
        result.suppress_reason = fields.suppress_reason;
        Ok(result)
    }
}

impl Handler for MapRemoveRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<MapRemoveResult, ApiError> {
        if self.key.is_empty() {
            return Err(bad_request());
        }
        let options = call.engine.map_options(&self.channel)?;
        let remove = MapRemove {
            key: self.key,
            idempotency_key: self.idempotency_key,
        };
        let update = call
            .engine
            .change_map(&self.channel, options, |map, now| map.remove(now, remove))?;
        let mut result = MapRemoveResult::default();
        let fields = UpdateFields::new(update);
        result.offset = fields.offset;
        result.epoch = fields.epoch;
        result.suppressed = fields.suppressed;
        result.suppress_reason = fields.suppress_reason;
        Ok(result)
    }
}

/// The fields of the results of `map_publish` and `map_remove`.
struct UpdateFields {
    offset: u64,
    epoch: String,
    suppressed: bool,
    suppress_reason: String,
}

impl UpdateFields {
    fn new(update: MapUpdate) -> Self {
        let suppress_reason = match update.outcome {
            MapOutcome::Changed(_) => None,
            MapOutcome::Suppressed(reason) => Some(reason.as_str()),
        };
        Self {
            offset: update.position.offset,
            epoch: update.position.epoch,
            suppressed: suppress_reason.is_some(),
            suppress_reason: suppress_reason.unwrap_or_default().to_owned(),
        }
    }
}

impl Handler for MapReadStateRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<MapReadStateResult, ApiError> {
        let options = call.engine.map_options(&self.channel)?;
        let read = MapReadState {
            cursor: self.cursor,
            limit: self.limit,
            key: self.key,
            revision: MapPosition::from_fields(self.revision_offset, self.revision_epoch),
        };
        let page = call.engine.with_map(&self.channel, options, |map, now| {
            map.read_state(now, &read, &mut epoch)
        })?;
        let mut result = MapReadStateResult::default();
        result.entries = entries(&page);
        result.offset = page.position.offset;
        result.epoch = page.position.epoch;
        result.cursor = page.cursor;
        Ok(result)
    }
}

impl Handler for MapReadStreamRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<MapReadStreamResult, ApiError> {
        let options = call.engine.map_options(&self.channel)?;
        let read = MapReadStream {
            since: MapPosition::from_fields(self.since_offset, self.since_epoch),
            limit: self.limit,
            reverse: self.reverse,
        };
        let page = call.engine.with_map(&self.channel, options, |map, now| {
            map.read_stream(now, &read, &mut epoch)
        })?;
        let mut result = MapReadStreamResult::default();
        result.entries = entries(&page);
        result.offset = page.position.offset;
        result.epoch = page.position.epoch;
        Ok(result)
    }
}

fn entries(page: &MapPage) -> Vec<MapEntry> {
    page.entries.iter().map(entry).collect()
}

// A schema may add fields.
#[allow(clippy::field_reassign_with_default)]
fn entry(publication: &Arc<MapPublication>) -> MapEntry {
    let mut entry = MapEntry::default();
    entry.key = publication.key.clone();
    entry.data = publication.data.clone();
    entry.tags = publication.tags.clone();
    entry.offset = publication.offset;
    entry.removed = publication.removed;
    entry.time = i64::try_from(publication.time).unwrap_or(i64::MAX);
    entry
}

impl Handler for MapStatsRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<MapStatsResult, ApiError> {
        let options = call.engine.map_options(&self.channel)?;
        let keys = call
            .engine
            .with_map(&self.channel, options, MapChannel::num_keys);
        let mut result = MapStatsResult::default();
        result.num_keys = i32::try_from(keys).unwrap_or(i32::MAX);
        Ok(result)
    }
}

impl Handler for MapClearRequest {
    fn handle(self, call: &Call<'_>) -> Result<MapClearResult, ApiError> {
        let options = call.engine.map_options(&self.channel)?;
        call.engine
            .with_map(&self.channel, options, MapChannel::clear);
        Ok(MapClearResult::default())
    }
}
