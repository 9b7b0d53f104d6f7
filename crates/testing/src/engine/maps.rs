use std::sync::Arc;

use super::publish::payload;
use super::{Engine, Call, Handler, bad_request, internal, unrecoverable};
use crate::namespace::ChannelKind;
use crate::state::Data;
use crate::state::connections::Connections;
use crate::state::map::{
    KeyMode, MapChannel, MapError, MapOptions, MapOutcome, MapPage, MapPosition, MapPublication,
    MapPublish, MapReadState, MapReadStream, MapRemove, MapUpdate,
};
use crate::state::random::epoch;
use centrifugo_api::ApiError;
use centrifugo_api::api::{
    MapClearRequest, MapClearResult, MapEntry, MapPublishRequest, MapPublishResult,
    MapReadStateRequest, MapReadStateResult, MapReadStreamRequest, MapReadStreamResult,
    MapRemoveRequest, MapRemoveResult, MapStatsRequest, MapStatsResult,
};

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
    /// Makes sure that a channel is a map.
    fn map_options(&self, channel: &str) -> Result<&MapOptions, ApiError> {
        if channel.is_empty() {
            return Err(bad_request());
        }
        match &self.channel(channel)?.kind {
            ChannelKind::Map(options) => Ok(options),
            ChannelKind::Stream | ChannelKind::SharedPoll { .. } => Err(bad_request()),
        }
    }

    /// Lets `work` be done on a map, with the time in milliseconds.
    fn with_map<T>(
        &self,
        channel: &str,
        options: &MapOptions,
        work: impl FnOnce(&mut MapChannel, u64) -> T,
    ) -> T {
        let (mut data, now) = (self.state.lock(), self.clock.now());
        let (map, _) = current(&mut data, channel, options, now);
        work(map, now)
    }

    /// Lets a map be changed, and tells its subscribers.
    fn change_map(
        &self,
        channel: &str,
        options: &MapOptions,
        change: impl FnOnce(&mut MapChannel, u64) -> Result<MapUpdate, MapError>,
    ) -> Result<MapUpdate, MapError> {
        let (mut data, now) = (self.state.lock(), self.clock.now());
        let (map, connections) = current(&mut data, channel, options, now);
        let update = change(map, now)?;
        if let MapOutcome::Changed(publication) = &update.outcome {
            connections.change(channel, publication);
        }
        Ok(update)
    }

    /// Removes the keys of all maps whose time has come.
    pub(crate) fn expire_keys(&self) {
        let (mut data, now) = (self.state.lock(), self.clock.now());
        let Data {
            maps, connections, ..
        } = &mut *data;
        for (channel, map) in maps {
            map.expire(now)
                .iter()
                .for_each(|removed| connections.change(channel, removed));
        }
    }
}

/// A map at `now`, with its subscribers, who know of the keys that have expired by then.
fn current<'a>(
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
    map.expire(now)
        .iter()
        .for_each(|removed| connections.change(channel, removed));
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
        (
            result.offset,
            result.epoch,
            result.suppressed,
            result.suppress_reason,
        ) = parts(update);
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
        (
            result.offset,
            result.epoch,
            result.suppressed,
            result.suppress_reason,
        ) = parts(update);
        Ok(result)
    }
}

/// The fields of a result.
fn parts(update: MapUpdate) -> (u64, String, bool, String) {
    let MapPosition { offset, epoch } = update.position;
    match update.outcome {
        MapOutcome::Changed(_) => (offset, epoch, false, String::new()),
        MapOutcome::Suppressed(reason) => (offset, epoch, true, reason.as_str().to_owned()),
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
            revision: MapPosition::given(self.revision_offset, self.revision_epoch),
        };
        let page = call.engine.with_map(&self.channel, options, |map, now| {
            map.read_state(now, &read, &mut epoch)
        })?;
        let mut result = MapReadStateResult::default();
        result.entries = entries(&page);
        (result.offset, result.epoch, result.cursor) =
            (page.position.offset, page.position.epoch, page.cursor);
        Ok(result)
    }
}

impl Handler for MapReadStreamRequest {
    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn handle(self, call: &Call<'_>) -> Result<MapReadStreamResult, ApiError> {
        let options = call.engine.map_options(&self.channel)?;
        let read = MapReadStream {
            since: MapPosition::given(self.since_offset, self.since_epoch),
            limit: self.limit,
            reverse: self.reverse,
        };
        let page = call.engine.with_map(&self.channel, options, |map, now| {
            map.read_stream(now, &read, &mut epoch)
        })?;
        let mut result = MapReadStreamResult::default();
        result.entries = entries(&page);
        (result.offset, result.epoch) = (page.position.offset, page.position.epoch);
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
        call.engine.with_map(&self.channel, options, MapChannel::clear);
        Ok(MapClearResult::default())
    }
}
