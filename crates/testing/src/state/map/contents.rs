//! The keys and the stream of a map channel.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::state::map::messages::{
    KeyMode, MapPosition, MapPublication, MapPublish, MapRemove, SuppressReason,
};
use crate::state::map::options::Limits;

/// The contents of a map channel during one epoch.
#[derive(Debug)]
pub(super) struct Contents {
    epoch: String,
    /// The newest offset.
    pub(super) top: u64,
    /// The newest changes, with consecutive offsets up to `top`.
    pub(super) stream: VecDeque<Arc<MapPublication>>,
    pub(super) state: BTreeMap<String, Entry>,
    /// The times at which keys expire, with the keys.
    key_expiries: BTreeSet<(u64, String)>,
    stream_expires: Option<u64>,
    /// The time at which the channel expires, with its epoch and offset.
    channel_expires: Option<u64>,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) publication: Arc<MapPublication>,
    expires: Option<u64>,
    version: u64,
    version_epoch: String,
}

/// The part of a map that expires. At the same time they expire in this order.
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
            key_expiries: BTreeSet::new(),
            stream_expires: None,
            channel_expires: None,
        }
    }

    pub(super) fn position(&self) -> MapPosition {
        MapPosition {
            offset: self.top,
            epoch: self.epoch.clone(),
        }
    }

    /// Returns the reason for which a publication must be suppressed, if any. The version is
    /// checked before the key mode.
    pub(super) fn suppress_reason(&self, request: &MapPublish) -> Option<SuppressReason> {
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

    /// Sets a key. If the request has no version, the key keeps its version.
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
        let change = MapPublication {
            key: request.key,
            data: request.data,
            tags: request.tags,
            offset: 0,
            removed: false,
            info: request.info,
            time: now,
        };
        let publication = self.record(change, limits);
        self.extend_lifetimes(now, limits);
        let expires = limits.key_ttl.map(|ttl| now.saturating_add(ttl));
        if let Some(at) = expires {
            self.key_expiries.insert((at, publication.key.clone()));
        }
        let entry = Entry {
            publication: publication.clone(),
            expires,
            version,
            version_epoch,
        };
        self.state.insert(publication.key.clone(), entry);
        publication
    }

    /// Removes a key, if it exists.
    pub(super) fn remove(
        &mut self,
        request: &MapRemove,
        now: u64,
        limits: &Limits,
    ) -> Option<Arc<MapPublication>> {
        let entry = self.take(&request.key)?;
        self.extend_lifetimes(now, limits);
        let tags = if request.tags.is_empty() {
            &entry.publication.tags
        } else {
            &request.tags
        };
        Some(self.record_removal(&entry, tags, now, limits))
    }

    /// Keeps the epoch and the offset for another `meta_ttl`.
    pub(super) fn touch(&mut self, now: u64, limits: &Limits) {
        if let Some(ttl) = limits.meta_ttl {
            self.channel_expires = Some(now.saturating_add(ttl));
        }
    }

    /// Returns the time of the next expiry, and what expires then.
    pub(super) fn next_expiry(&self) -> Option<(u64, Expiry)> {
        let key = self.key_expiries.first().map(|(at, _)| (*at, Expiry::Key));
        let stream = self.stream_expires.map(|at| (at, Expiry::Stream));
        let channel = self.channel_expires.map(|at| (at, Expiry::Channel));
        [key, stream, channel].into_iter().flatten().min()
    }

    /// Removes the key that expires first.
    ///
    /// As in Centrifugo, this does not extend the lifetime of the stream or the channel: a removal
    /// in an expired stream stays until the next publication or removal by a call.
    pub(super) fn expire_key(&mut self, limits: &Limits) -> Option<Arc<MapPublication>> {
        let (at, key) = self.key_expiries.first()?.clone();
        let entry = self.take(&key)?;
        Some(self.record_removal(&entry, &entry.publication.tags, at, limits))
    }

    pub(super) fn expire_stream(&mut self) {
        self.stream.clear();
        self.stream_expires = None;
    }

    /// Takes a key out of the state.
    fn take(&mut self, key: &str) -> Option<Entry> {
        let (key, entry) = self.state.remove_entry(key)?;
        if let Some(at) = entry.expires {
            self.key_expiries.remove(&(at, key));
        }
        Some(entry)
    }

    /// Keeps the stream for another `stream_ttl`, and the channel for another `meta_ttl`.
    fn extend_lifetimes(&mut self, now: u64, limits: &Limits) {
        if let Some(stream) = limits.stream {
            self.stream_expires = Some(now.saturating_add(stream.ttl));
        }
        self.touch(now, limits);
    }

    fn record_removal(
        &mut self,
        entry: &Entry,
        tags: &BTreeMap<String, String>,
        now: u64,
        limits: &Limits,
    ) -> Arc<MapPublication> {
        let removal = MapPublication {
            key: entry.publication.key.clone(),
            data: Bytes::new(),
            tags: tags.clone(),
            offset: 0,
            removed: true,
            info: None,
            time: now,
        };
        self.record(removal, limits)
    }

    /// Sets the offset of a change and appends the change to the stream, if there is one.
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
