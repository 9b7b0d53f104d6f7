use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::messages::{KeyMode, MapPosition, MapPublication, MapPublish, SuppressReason};
use super::options::Limits;

/// What a map channel holds from one epoch to the next.
#[derive(Debug)]
pub(super) struct Contents {
    epoch: String,
    /// The newest offset.
    top: u64,
    /// The newest changes, without gaps, up to `top`.
    pub(super) stream: VecDeque<Arc<MapPublication>>,
    pub(super) state: BTreeMap<String, Entry>,
    /// When which key expires, soonest first.
    deadlines: BTreeSet<(u64, String)>,
    stream_ends: Option<u64>,
    ends: Option<u64>,
}

/// A key's value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) publication: Arc<MapPublication>,
    expires: Option<u64>,
    version: u64,
    version_epoch: String,
}

/// What expires; of what expires at once, the upper first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expiry {
    Key,
    Stream,
    Channel,
}

impl Contents {
    pub(super) fn new(epoch: String) -> Self {
        Self {
            epoch,
            top: 0,
            stream: VecDeque::new(),
            state: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            stream_ends: None,
            ends: None,
        }
    }

    pub(super) fn position(&self) -> MapPosition {
        MapPosition {
            offset: self.top,
            epoch: self.epoch.clone(),
        }
    }

    /// Why the publication is not to be written: the version is compared before the key mode.
    pub(super) fn objection(&self, request: &MapPublish) -> Option<SuppressReason> {
        let entry = self.state.get(&request.key);
        if let Some(entry) = entry
            && (1..=entry.version).contains(&request.version)
            && (request.version_epoch.is_empty() || request.version_epoch == entry.version_epoch)
        {
            return Some(SuppressReason::Version);
        }
        match (request.key_mode, entry) {
            (KeyMode::IfNew, Some(_)) => Some(SuppressReason::KeyExists),
            (KeyMode::IfExists, None) => Some(SuppressReason::KeyNotFound),
            _ => None,
        }
    }

    /// Sets a key; without a version it keeps the one that it had.
    pub(super) fn set(
        &mut self,
        request: MapPublish,
        now: u64,
        limits: &Limits,
    ) -> Arc<MapPublication> {
        let old = self.take(&request.key);
        let (version, version_epoch) = match old {
            Some(old) if request.version == 0 => (old.version, old.version_epoch),
            _ => (request.version, request.version_epoch),
        };
        let publication = self.record(
            MapPublication {
                key: request.key,
                data: request.data,
                tags: request.tags,
                offset: 0,
                removed: false,
                time: now,
            },
            limits,
        );
        self.refresh(now, limits);
        let expires = limits.key_ttl.map(|ttl| now.saturating_add(ttl));
        self.deadlines
            .extend(expires.map(|at| (at, publication.key.clone())));
        let entry = Entry {
            publication: publication.clone(),
            expires,
            version,
            version_epoch,
        };
        self.state.insert(publication.key.clone(), entry);
        publication
    }

    /// Removes a key, if it is there.
    pub(super) fn remove(
        &mut self,
        key: &str,
        now: u64,
        limits: &Limits,
    ) -> Option<Arc<MapPublication>> {
        let entry = self.take(key)?;
        self.refresh(now, limits);
        Some(self.record_removal(&entry, now, limits))
    }

    /// Keeps the epoch and the offset for another `meta_ttl`.
    pub(super) fn touch(&mut self, now: u64, limits: &Limits) {
        if let Some(ttl) = limits.meta_ttl {
            self.ends = Some(now.saturating_add(ttl));
        }
    }

    /// What expires next, and when.
    pub(super) fn next_expiry(&self) -> Option<(u64, Expiry)> {
        let key = self.deadlines.first().map(|(at, _)| (*at, Expiry::Key));
        let stream = self.stream_ends.map(|at| (at, Expiry::Stream));
        let channel = self.ends.map(|at| (at, Expiry::Channel));
        [key, stream, channel].into_iter().flatten().min()
    }

    /// Removes the key that expires first.
    ///
    /// As with Centrifugo, that lengthens the life of neither the stream nor the channel: a removal written to a
    /// stream that had expired stays until the stream is written to again.
    pub(super) fn expire_key(&mut self, limits: &Limits) -> Option<Arc<MapPublication>> {
        let (at, key) = self.deadlines.first()?.clone();
        let entry = self.take(&key)?;
        Some(self.record_removal(&entry, at, limits))
    }

    pub(super) fn expire_stream(&mut self) {
        self.stream.clear();
        self.stream_ends = None;
    }

    fn take(&mut self, key: &str) -> Option<Entry> {
        let (key, entry) = self.state.remove_entry(key)?;
        if let Some(at) = entry.expires {
            self.deadlines.remove(&(at, key));
        }
        Some(entry)
    }

    fn refresh(&mut self, now: u64, limits: &Limits) {
        if let Some(stream) = limits.stream {
            self.stream_ends = Some(now.saturating_add(stream.ttl));
        }
        self.touch(now, limits);
    }

    fn record_removal(&mut self, entry: &Entry, now: u64, limits: &Limits) -> Arc<MapPublication> {
        let MapPublication { key, tags, .. } = (*entry.publication).clone();
        self.record(
            MapPublication {
                key,
                data: bytes::Bytes::new(),
                tags,
                offset: 0,
                removed: true,
                time: now,
            },
            limits,
        )
    }

    /// Gives a change its offset and appends it to the stream, where there is one.
    fn record(&mut self, mut publication: MapPublication, limits: &Limits) -> Arc<MapPublication> {
        let Some(stream) = limits.stream else {
            return Arc::new(publication);
        };
        self.top += 1;
        publication.offset = self.top;
        let publication = Arc::new(publication);
        self.stream.push_back(publication.clone());
        while self.stream.len() > stream.size {
            self.stream.pop_front();
        }
        publication
    }
}
