//! Shared polls: the keys that clients track, and their newest versions.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

/// The keys of a channel that clients track.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    /// The epoch of the versions, as the backend names it.
    epoch: String,
    keys: BTreeMap<String, PolledKey>,
    /// The newest version that the server has made itself, for backends without versions.
    newest: u64,
}

/// A key that clients track.
#[derive(Debug, Default)]
struct PolledKey {
    version: u64,
    data: Bytes,
    /// True if a client wants the state, though it has not changed.
    is_wanted: bool,
    /// True if a publication has set the state since the last cycle.
    is_published: bool,
}

/// The state of a key, as a backend tells it.
#[derive(Debug, Default)]
pub(crate) struct PollItem {
    pub(crate) key: String,
    pub(crate) data: Bytes,
    /// 0 if the backend has no versions.
    pub(crate) version: u64,
    pub(crate) removed: bool,
}

impl Poll {
    /// Tracks a key of which a client has a version. Returns whether the backend must be asked for its state at once.
    pub(crate) fn track(&mut self, key: &str, version: u64) -> bool {
        let Some(polled) = self.keys.get_mut(key) else {
            self.keys.insert(key.to_owned(), PolledKey::default());
            return version == 0;
        };
        let is_behind = version == 0 || polled.version > version;
        let is_new_wish = is_behind && !polled.is_wanted;
        polled.is_wanted |= is_behind;
        is_new_wish && polled.version > 0
    }

    /// Forgets the keys that no client tracks.
    pub(crate) fn retain(&mut self, tracked: &BTreeSet<String>) {
        self.keys.retain(|key, _| tracked.contains(key));
    }

    /// Returns the keys of a cycle, without those that were published since the last one.
    pub(crate) fn next_cycle(&mut self) -> Vec<String> {
        let mut due = Vec::new();
        for (key, polled) in &mut self.keys {
            if !std::mem::take(&mut polled.is_published) {
                due.push(key.clone());
            }
        }
        due
    }

    /// Returns the version of a key, as the backend is told it; `None` if nobody tracks the key.
    pub(crate) fn version(&self, key: &str) -> Option<u64> {
        let polled = self.keys.get(key)?;
        Some(if polled.is_wanted { 0 } else { polled.version })
    }

    /// Takes the epoch of a backend. Returns whether it is another one, after which no version counts.
    pub(crate) fn change_epoch(&mut self, epoch: &str) -> bool {
        if self.epoch == epoch {
            return false;
        }
        epoch.clone_into(&mut self.epoch);
        for polled in self.keys.values_mut() {
            *polled = PolledKey::default();
        }
        true
    }

    /// Takes the state of a key. Returns what clients get that have an older version, or nothing.
    pub(crate) fn take(&mut self, mut item: PollItem, is_versionless: bool) -> Option<PollItem> {
        if item.removed {
            self.keys.remove(&item.key);
            return Some(item);
        }
        let polled = self.keys.get_mut(&item.key)?;
        let is_changed = if is_versionless && item.version == 0 {
            polled.version == 0 || polled.data != item.data
        } else {
            item.version > polled.version
        };
        if !is_changed {
            let is_same = is_versionless || item.version == polled.version;
            let is_wanted = polled.is_wanted && polled.version > 0 && is_same;
            polled.is_wanted &= !is_wanted;
            item.version = polled.version;
            return is_wanted.then_some(item);
        }
        if item.version == 0 {
            self.newest += 1;
            item.version = self.newest;
        }
        polled.is_wanted = false;
        polled.version = item.version;
        polled.data = item.data.clone();
        Some(item)
    }

    /// Takes the state of a key that was published. Returns what clients get that have an older version, or nothing.
    pub(crate) fn publish(&mut self, item: PollItem) -> Option<PollItem> {
        let polled = self.keys.get_mut(&item.key)?;
        if item.version <= polled.version {
            return None;
        }
        polled.version = item.version;
        polled.data = item.data.clone();
        polled.is_published = true;
        Some(item)
    }
}
