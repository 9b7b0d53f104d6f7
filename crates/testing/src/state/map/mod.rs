//! Map channels: keys with values, and a stream of their changes.

mod contents;
mod messages;
mod options;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::contents::{Contents, Expiry};
use self::options::Limits;

pub(crate) use self::messages::{
    KeyMode, MapError, MapOutcome, MapPage, MapPosition, MapPublication, MapPublish, MapReadState,
    MapReadStream, MapRemove, MapUpdate, SuppressReason,
};
pub(crate) use self::options::MapMode;
pub use self::options::MapOptions;

/// The time for which an `idempotency_key` is remembered, in milliseconds.
const RESULT_TTL: u64 = 300_000;

/// A map channel.
///
/// Every call takes the time in milliseconds. It first processes everything that is due by then, in
/// the order of time: the expiry of keys, of the stream and of the channel itself. Call
/// [`expire`](Self::expire) before any other call, and whenever the clock has moved: it returns the
/// removals of expired keys, which subscribers must receive before anything later.
///
/// Calls that can begin an epoch take a function that returns its name.
#[derive(Debug)]
pub(crate) struct MapChannel {
    limits: Result<Limits, MapError>,
    /// The keys and the stream. `None` until the first publication or read, after a clear, and
    /// after `meta_ttl`.
    contents: Option<Contents>,
    /// The results of publications and removals, by idempotency key. They outlive `meta_ttl`.
    results: BTreeMap<String, KeyedResult>,
    /// The removals of expired keys that [`expire`](Self::expire) has not returned yet.
    expired: Vec<Arc<MapPublication>>,
}

/// The result of a call with an idempotency key.
#[derive(Debug)]
struct KeyedResult {
    position: MapPosition,
    expires: u64,
}

impl MapChannel {
    pub(crate) fn new(options: &MapOptions) -> Self {
        Self {
            limits: options.limits(),
            contents: None,
            results: BTreeMap::new(),
            expired: Vec::new(),
        }
    }

    /// Sets a key.
    pub(crate) fn publish(
        &mut self,
        now: u64,
        request: MapPublish,
        new_epoch: &mut impl FnMut() -> String,
    ) -> Result<MapUpdate, MapError> {
        self.advance(now);
        let limits = self.limits?;
        if request.version > 0 && limits.stream.is_none() {
            return Err(MapError::Internal);
        }
        if let Some(update) = self.earlier_result(now, &request.idempotency_key) {
            return Ok(update);
        }
        // The epoch begins even if the publication is suppressed.
        let contents = self
            .contents
            .get_or_insert_with(|| Contents::new(new_epoch()));
        if let Some(reason) = contents.suppress_reason(&request) {
            return Ok(suppressed(contents.position(), reason));
        }
        let idempotency_key = request.idempotency_key.clone();
        let publication = contents.set(request, now, &limits);
        let position = contents.position();
        Ok(self.changed(now, idempotency_key, position, publication))
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, now: u64, request: MapRemove) -> Result<MapUpdate, MapError> {
        self.advance(now);
        let limits = self.limits?;
        if let Some(update) = self.earlier_result(now, &request.idempotency_key) {
            return Ok(update);
        }
        let Some(contents) = &mut self.contents else {
            return Ok(suppressed(
                MapPosition::default(),
                SuppressReason::KeyNotFound,
            ));
        };
        let Some(publication) = contents.remove(&request, now, &limits) else {
            return Ok(suppressed(contents.position(), SuppressReason::KeyNotFound));
        };
        let position = contents.position();
        Ok(self.changed(now, request.idempotency_key, position, publication))
    }

    /// Reads the keys and their values, in the order of the keys.
    pub(crate) fn read_state(
        &mut self,
        now: u64,
        request: &MapReadState,
        new_epoch: &mut impl FnMut() -> String,
    ) -> Result<MapPage, MapError> {
        self.advance(now);
        let limits = self.limits?;
        let is_new = self.contents.is_none();
        let contents = self
            .contents
            .get_or_insert_with(|| Contents::new(new_epoch()));
        contents.touch(now, &limits);
        match &request.revision {
            Some(revision) if is_new && !revision.epoch.is_empty() => Err(MapError::Unrecoverable),
            // As in Centrifugo, an offset without an epoch is accepted on a new channel.
            _ if is_new => Ok(MapPage {
                position: contents.position(),
                ..MapPage::default()
            }),
            _ => contents.read_state(request),
        }
    }

    /// Reads the changes of the keys.
    pub(crate) fn read_stream(
        &mut self,
        now: u64,
        request: &MapReadStream,
        new_epoch: &mut impl FnMut() -> String,
    ) -> Result<MapPage, MapError> {
        self.advance(now);
        let is_new = self.contents.is_none();
        let contents = self
            .contents
            .get_or_insert_with(|| Contents::new(new_epoch()));
        // As in Centrifugo, contradictory options do not matter here.
        if let Ok(limits) = &self.limits {
            contents.touch(now, limits);
        }
        if is_new {
            // As in Centrifugo, any position is accepted on a new channel.
            return Ok(MapPage {
                position: contents.position(),
                ..MapPage::default()
            });
        }
        contents.read_stream(request)
    }

    /// Returns the number of keys.
    pub(crate) fn num_keys(&mut self, now: u64) -> usize {
        self.advance(now);
        match &self.contents {
            Some(contents) => contents.state.len(),
            None => 0,
        }
    }

    /// Removes everything, including idempotency keys. Subscribers receive nothing.
    pub(crate) fn clear(&mut self, now: u64) {
        self.advance(now);
        self.contents = None;
        self.results.clear();
    }

    /// Returns the removals of the keys that have expired since the last call, the oldest first.
    pub(crate) fn expire(&mut self, now: u64) -> Vec<Arc<MapPublication>> {
        self.advance(now);
        std::mem::take(&mut self.expired)
    }

    /// Processes everything that is due by `now`.
    fn advance(&mut self, now: u64) {
        let Ok(limits) = self.limits else { return };
        while let Some(contents) = &mut self.contents
            && let Some((at, expiry)) = contents.next_expiry()
            && at <= now
        {
            match expiry {
                Expiry::Key => self.expired.extend(contents.expire_key(&limits)),
                Expiry::Stream => contents.expire_stream(),
                Expiry::Channel => self.contents = None,
            }
        }
    }

    /// Returns the result for a repeated idempotency key: the change was made by the earlier call.
    fn earlier_result(&self, now: u64, idempotency_key: &str) -> Option<MapUpdate> {
        let result = self.results.get(idempotency_key)?;
        if result.expires <= now {
            return None;
        }
        Some(suppressed(
            result.position.clone(),
            SuppressReason::Idempotency,
        ))
    }

    /// Returns the result of a change, and remembers it under the idempotency key.
    ///
    /// Suppressed calls are not remembered, so that they can be retried with the same key.
    fn changed(
        &mut self,
        now: u64,
        idempotency_key: String,
        position: MapPosition,
        publication: Arc<MapPublication>,
    ) -> MapUpdate {
        if !idempotency_key.is_empty() {
            let result = KeyedResult {
                position: position.clone(),
                expires: now.saturating_add(RESULT_TTL),
            };
            self.results.insert(idempotency_key, result);
        }
        MapUpdate {
            position,
            outcome: MapOutcome::Changed(publication),
        }
    }
}

fn suppressed(position: MapPosition, reason: SuppressReason) -> MapUpdate {
    MapUpdate {
        position,
        outcome: MapOutcome::Suppressed(reason),
    }
}
