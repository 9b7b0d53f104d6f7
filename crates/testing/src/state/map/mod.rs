//! Map channels: keys with values, and a stream of their changes.
mod contents;
mod messages;
mod options;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use contents::{Contents, Expiry};
pub(crate) use messages::{
    KeyMode, MapError, MapOutcome, MapPage, MapPosition, MapPublication, MapPublish, MapReadState,
    MapReadStream, MapRemove, MapUpdate, SuppressReason,
};
use options::Limits;
pub(crate) use options::MapMode;
pub use options::MapOptions;

/// How long an `idempotency_key` is remembered, in milliseconds.
const REMEMBERED: u64 = 300_000;

/// A map channel.
///
/// Every call takes the time in milliseconds, and first does what has come due until then, in the order of time: keys,
/// the stream and the channel itself expire. Call [`expire`](Self::expire) before any other call, and whenever the
/// clock has moved, to send the subscribers the removals of the keys that expired before anything later.
///
/// Calls that may begin an epoch take a function that makes its name.
#[derive(Debug)]
pub(crate) struct MapChannel {
    limits: Result<Limits, MapError>,
    /// None until the first publication or reading, after a clear, and when `meta_ttl` is over.
    contents: Option<Contents>,
    /// What idempotency keys, of publications and removals together, were answered; it outlives `meta_ttl`.
    answers: BTreeMap<String, Answer>,
    expired: Vec<Arc<MapPublication>>,
}

#[derive(Debug)]
struct Answer {
    position: MapPosition,
    expires: u64,
}

impl MapChannel {
    pub(crate) fn new(options: &MapOptions) -> Self {
        Self {
            limits: options.limits(),
            contents: None,
            answers: BTreeMap::new(),
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
        if let Some(update) = self.repeated(now, &request.idempotency_key) {
            return Ok(update);
        }
        // The epoch begins even when the publication is suppressed.
        let contents = self
            .contents
            .get_or_insert_with(|| Contents::new(new_epoch()));
        if let Some(reason) = contents.objection(&request) {
            return Ok(suppressed(contents.position(), reason));
        }
        let idempotency_key = request.idempotency_key.clone();
        let publication = contents.set(request, now, &limits);
        let position = contents.position();
        Ok(self.answer(now, idempotency_key, position, publication))
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, now: u64, request: MapRemove) -> Result<MapUpdate, MapError> {
        self.advance(now);
        let limits = self.limits?;
        if let Some(update) = self.repeated(now, &request.idempotency_key) {
            return Ok(update);
        }
        let Some(contents) = &mut self.contents else {
            return Ok(suppressed(
                MapPosition::default(),
                SuppressReason::KeyNotFound,
            ));
        };
        let Some(publication) = contents.remove(&request.key, now, &limits) else {
            return Ok(suppressed(contents.position(), SuppressReason::KeyNotFound));
        };
        let position = contents.position();
        Ok(self.answer(now, request.idempotency_key, position, publication))
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
            // As on the server, an offset alone is not refused where nothing is.
            _ if is_new => Ok(MapPage {
                position: contents.position(),
                ..MapPage::default()
            }),
            _ => contents.read_state(request),
        }
    }

    /// Reads the changes.
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
        // As on the server, options that contradict each other do not matter here.
        if let Ok(limits) = &self.limits {
            contents.touch(now, limits);
        }
        if is_new {
            // As on the server, a position in what is no more is not refused.
            return Ok(MapPage {
                position: contents.position(),
                ..MapPage::default()
            });
        }
        contents.read_stream(request)
    }

    /// Counts the keys.
    pub(crate) fn num_keys(&mut self, now: u64) -> usize {
        self.advance(now);
        self.contents
            .as_ref()
            .map_or(0, |contents| contents.state.len())
    }

    /// Forgets everything, idempotency keys too; subscribers get nothing.
    pub(crate) fn clear(&mut self, now: u64) {
        self.advance(now);
        self.contents = None;
        self.answers.clear();
    }

    /// Answers the removals of the keys that have expired since the last call, the oldest first.
    pub(crate) fn expire(&mut self, now: u64) -> Vec<Arc<MapPublication>> {
        self.advance(now);
        std::mem::take(&mut self.expired)
    }

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

    fn repeated(&self, now: u64, idempotency_key: &str) -> Option<MapUpdate> {
        let answer = self
            .answers
            .get(idempotency_key)
            .filter(|answer| answer.expires > now)?;
        Some(suppressed(
            answer.position.clone(),
            SuppressReason::Idempotency,
        ))
    }

    /// Remembers what was changed; what was suppressed can be tried again under the same idempotency key.
    fn answer(
        &mut self,
        now: u64,
        idempotency_key: String,
        position: MapPosition,
        publication: Arc<MapPublication>,
    ) -> MapUpdate {
        if !idempotency_key.is_empty() {
            let answer = Answer {
                position: position.clone(),
                expires: now.saturating_add(REMEMBERED),
            };
            self.answers.insert(idempotency_key, answer);
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

#[cfg(test)]
mod tests;
