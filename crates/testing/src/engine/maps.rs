//! The `map_…` methods.

use std::sync::Arc;

use centrifugo_api::ApiError;

use crate::engine::publish::payload;
use crate::engine::{Call, Engine, Handler};
use crate::errors::{bad_request, internal, unrecoverable};
use crate::messages::{
    MapClearRequest, MapClearResult, MapEntry, MapPublishRequest, MapPublishResult,
    MapReadStateRequest, MapReadStateResult, MapReadStreamRequest, MapReadStreamResult,
    MapRemoveRequest, MapRemoveResult, MapStatsRequest, MapStatsResult,
};
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
    pub(crate) fn map_options(&self, channel: &str) -> Result<&MapOptions, ApiError> {
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
    pub(crate) fn change_map(
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
    type Result = MapPublishResult;

    fn handle(self, call: &Call<'_>) -> Result<MapPublishResult, ApiError> {
        if self.key.is_empty() {
            return Err(bad_request());
        }
        let options = call.engine.map_options(&self.channel)?;
        let data = payload(self.data, &self.b64data)?;
        let format = call.engine.channel_options(&self.channel)?.data_format;
        call.engine.check_value(&data, format)?;
        let publish = MapPublish {
            data,
            key_mode: KeyMode::from_name(&self.key_mode)?,
            key: self.key,
            tags: self.tags,
            idempotency_key: self.idempotency_key,
            version: self.version,
            version_epoch: self.version_epoch,
            info: None,
        };
        let update = call.engine.change_map(&self.channel, options, |map, now| {
            map.publish(now, publish, &mut epoch)
        })?;
        let suppress_reason = suppress_reason(&update);
        Ok(MapPublishResult {
            offset: update.position.offset,
            epoch: update.position.epoch,
            suppressed: !suppress_reason.is_empty(),
            suppress_reason,
        })
    }
}

impl Handler for MapRemoveRequest {
    type Result = MapRemoveResult;

    fn handle(self, call: &Call<'_>) -> Result<MapRemoveResult, ApiError> {
        if self.key.is_empty() {
            return Err(bad_request());
        }
        let options = call.engine.map_options(&self.channel)?;
        let remove = MapRemove {
            key: self.key,
            idempotency_key: self.idempotency_key,
            ..MapRemove::default()
        };
        let update = call
            .engine
            .change_map(&self.channel, options, |map, now| map.remove(now, remove))?;
        let suppress_reason = suppress_reason(&update);
        Ok(MapRemoveResult {
            offset: update.position.offset,
            epoch: update.position.epoch,
            suppressed: !suppress_reason.is_empty(),
            suppress_reason,
        })
    }
}

/// Returns the reason for which a change was suppressed; empty if it was not.
fn suppress_reason(update: &MapUpdate) -> String {
    match &update.outcome {
        MapOutcome::Changed(_) => String::new(),
        MapOutcome::Suppressed(reason) => reason.as_str().to_owned(),
    }
}

impl Handler for MapReadStateRequest {
    type Result = MapReadStateResult;

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
        Ok(MapReadStateResult {
            entries: entries(&page),
            offset: page.position.offset,
            epoch: page.position.epoch,
            cursor: page.cursor,
        })
    }
}

impl Handler for MapReadStreamRequest {
    type Result = MapReadStreamResult;

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
        Ok(MapReadStreamResult {
            entries: entries(&page),
            offset: page.position.offset,
            epoch: page.position.epoch,
        })
    }
}

fn entries(page: &MapPage) -> Vec<MapEntry> {
    page.entries.iter().map(entry).collect()
}

fn entry(publication: &Arc<MapPublication>) -> MapEntry {
    MapEntry {
        key: publication.key.clone(),
        data: publication.data.clone(),
        tags: publication.tags.clone(),
        offset: publication.offset,
        score: 0,
        removed: publication.removed,
        time: i64::try_from(publication.time).unwrap_or(i64::MAX),
    }
}

impl Handler for MapStatsRequest {
    type Result = MapStatsResult;

    fn handle(self, call: &Call<'_>) -> Result<MapStatsResult, ApiError> {
        let options = call.engine.map_options(&self.channel)?;
        let keys = call
            .engine
            .with_map(&self.channel, options, MapChannel::num_keys);
        let num_keys = i32::try_from(keys).unwrap_or(i32::MAX);
        Ok(MapStatsResult { num_keys })
    }
}

impl Handler for MapClearRequest {
    type Result = MapClearResult;

    fn handle(self, call: &Call<'_>) -> Result<MapClearResult, ApiError> {
        let options = call.engine.map_options(&self.channel)?;
        call.engine
            .with_map(&self.channel, options, MapChannel::clear);
        Ok(MapClearResult {})
    }
}
