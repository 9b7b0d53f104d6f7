use std::ops::Bound;
use std::sync::Arc;

use super::contents::Contents;
use super::messages::{MapError, MapPage, MapPublication, MapReadState, MapReadStream};

/// The number of entries that a limit allows.
fn up_to(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl Contents {
    pub(super) fn read_state(&self, request: &MapReadState) -> Result<MapPage, MapError> {
        let position = self.position();
        if request
            .revision
            .as_ref()
            .is_some_and(|revision| revision.epoch != position.epoch)
        {
            return Err(MapError::Unrecoverable);
        }
        if !request.key.is_empty() {
            let entries = self
                .state
                .get(&request.key)
                .map(|entry| entry.publication.clone());
            return Ok(MapPage {
                entries: entries.into_iter().collect(),
                position,
                cursor: String::new(),
            });
        }
        let (entries, cursor) = self.page(&request.cursor, up_to(request.limit));
        Ok(MapPage {
            entries,
            position,
            cursor,
        })
    }

    /// The entries whose keys come after the cursor, which is the last key of the page before, and the next cursor.
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
        let cursor = match entries.last() {
            Some(last) if rest.next().is_some() => last.key.clone(),
            _ => String::new(),
        };
        (entries, cursor)
    }

    pub(super) fn read_stream(&self, request: &MapReadStream) -> Result<MapPage, MapError> {
        let position = self.position();
        let limit = up_to(request.limit);
        let Some(since) = &request.since else {
            let entries = if request.reverse {
                self.stream.iter().rev().take(limit).cloned().collect()
            } else {
                self.stream.iter().take(limit).cloned().collect()
            };
            return Ok(MapPage {
                entries,
                position,
                cursor: String::new(),
            });
        };
        if !since.epoch.is_empty() && since.epoch != position.epoch {
            return Err(MapError::Unrecoverable);
        }
        let entries = if request.reverse {
            self.before(since.offset, position.offset)
                .take(limit)
                .cloned()
                .collect()
        } else {
            let entries: Vec<_> = self
                .after(since.offset, position.offset)
                .take(limit)
                .cloned()
                .collect();
            let continues = match entries.first() {
                Some(first) => first.offset <= since.offset.wrapping_add(1),
                None => limit == 0 || position.offset <= since.offset,
            };
            if since.offset > 0 && !continues {
                return Err(MapError::Unrecoverable);
            }
            entries
        };
        Ok(MapPage {
            entries,
            position,
            cursor: String::new(),
        })
    }

    /// The changes after an offset, the oldest first; from the oldest that is left when the next one is gone.
    fn after(&self, offset: u64, top: u64) -> impl Iterator<Item = &Arc<MapPublication>> {
        // The greatest offset overflows, as it does on the server: everything that is left comes after it.
        let next = offset.wrapping_add(1);
        let skipped = if next > top {
            self.stream.len()
        } else {
            self.index(next).unwrap_or(0)
        };
        self.stream.iter().skip(skipped)
    }

    /// The changes before an offset, the newest first; none when the one just before it is not in the stream.
    fn before(&self, offset: u64, top: u64) -> impl Iterator<Item = &Arc<MapPublication>> {
        let newest = offset
            .checked_sub(1)
            .filter(|newest| *newest <= top)
            .and_then(|newest| self.index(newest));
        self.stream
            .iter()
            .take(newest.map_or(0, |newest| newest + 1))
            .rev()
    }

    /// Where the stream holds an offset.
    fn index(&self, offset: u64) -> Option<usize> {
        let oldest = self.stream.front()?.offset;
        let index = usize::try_from(offset.checked_sub(oldest)?).ok()?;
        (index < self.stream.len()).then_some(index)
    }
}
