//! Reading the state and the stream of a map channel.

use std::ops::Bound;
use std::sync::Arc;

use crate::state::map::contents::Contents;
use crate::state::map::messages::{
    MapError, MapPage, MapPosition, MapPublication, MapReadState, MapReadStream,
};

/// Returns the number of entries for a limit; a negative limit allows all.
fn max_entries(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl Contents {
    pub(super) fn read_state(&self, request: &MapReadState) -> Result<MapPage, MapError> {
        let position = self.position();
        if let Some(revision) = &request.revision
            && revision.epoch != position.epoch
        {
            return Err(MapError::Unrecoverable);
        }
        if request.key.is_empty() {
            let (entries, cursor) = self.page(&request.cursor, max_entries(request.limit));
            return Ok(MapPage {
                entries,
                position,
                cursor,
            });
        }
        let entry = self.state.get(&request.key);
        let publication = entry.map(|entry| entry.publication.clone());
        Ok(MapPage {
            entries: publication.into_iter().collect(),
            position,
            cursor: String::new(),
        })
    }

    /// Returns the entries whose keys come after the cursor, and the next cursor. A cursor is the
    /// last key of the previous page.
    fn page(&self, cursor: &str, limit: usize) -> (Vec<Arc<MapPublication>>, String) {
        let after = if cursor.is_empty() {
            Bound::Unbounded
        } else {
            Bound::Excluded(cursor)
        };
        let mut rest = self.state.range::<str, _>((after, Bound::Unbounded));
        let entries: Vec<_> = rest
            .by_ref()
            .take(limit)
            .map(|(_, entry)| entry.publication.clone())
            .collect();
        let next_cursor = match entries.last() {
            Some(last) if rest.next().is_some() => last.key.clone(),
            _ => String::new(),
        };
        (entries, next_cursor)
    }

    pub(super) fn read_stream(&self, request: &MapReadStream) -> Result<MapPage, MapError> {
        let position = self.position();
        let limit = max_entries(request.limit);
        let entries = match &request.since {
            None if request.reverse => self.stream.iter().rev().take(limit).cloned().collect(),
            None => self.stream.iter().take(limit).cloned().collect(),
            Some(since) if !since.epoch.is_empty() && since.epoch != position.epoch => {
                return Err(MapError::Unrecoverable);
            }
            Some(since) if request.reverse => {
                let changes = self.before(since.offset);
                changes.take(limit).cloned().collect()
            }
            Some(since) => self.read_after(since, limit)?,
        };
        Ok(MapPage {
            entries,
            position,
            cursor: String::new(),
        })
    }

    /// Returns the changes after a position, or an error if some of them are no longer kept.
    fn read_after(
        &self,
        since: &MapPosition,
        limit: usize,
    ) -> Result<Vec<Arc<MapPublication>>, MapError> {
        let entries: Vec<_> = self.after(since.offset).take(limit).cloned().collect();
        let continues = match entries.first() {
            Some(first) => first.offset <= since.offset.wrapping_add(1),
            None => limit == 0 || self.top <= since.offset,
        };
        if since.offset > 0 && !continues {
            return Err(MapError::Unrecoverable);
        }
        Ok(entries)
    }

    /// Returns the changes after an offset, oldest first. If the next change is no longer kept,
    /// they begin at the oldest one.
    fn after(&self, offset: u64) -> impl Iterator<Item = &Arc<MapPublication>> {
        // As in Centrifugo, the greatest offset overflows: all kept changes come after it.
        let next = offset.wrapping_add(1);
        let skipped = if next > self.top {
            self.stream.len()
        } else {
            self.index(next).unwrap_or(0)
        };
        self.stream.iter().skip(skipped)
    }

    /// Returns the changes before an offset, newest first. There are none if the change just before
    /// it is not in the stream.
    fn before(&self, offset: u64) -> impl Iterator<Item = &Arc<MapPublication>> {
        let newest = offset
            .checked_sub(1)
            .filter(|newest| *newest <= self.top)
            .and_then(|newest| self.index(newest));
        let count = newest.map_or(0, |newest| newest + 1);
        self.stream.iter().take(count).rev()
    }

    /// Returns the index of the change with this offset in the stream.
    fn index(&self, offset: u64) -> Option<usize> {
        let oldest = self.stream.front()?.offset;
        let index = usize::try_from(offset.checked_sub(oldest)?).ok()?;
        (index < self.stream.len()).then_some(index)
    }
}
