//! The history of channels, as Centrifugo's memory engine keeps it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::random;
use centrifugo_api::Publication;

/// A place in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) offset: u64,
    pub(crate) epoch: String,
}

/// How much of a stream is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    pub(crate) size: usize,
    pub(crate) ttl: Duration,
    pub(crate) meta_ttl: Duration,
}

/// The application's version of a publication.
#[derive(Clone, Debug, Default)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) epoch: String,
}

/// Which publications are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) since: Option<Position>,
    /// None at 0, all below.
    pub(crate) limit: i32,
    pub(crate) reverse: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Streams(HashMap<String, Stream>);

#[derive(Debug)]
struct Stream {
    epoch: String,
    /// The last offset that was given.
    top: u64,
    /// Their offsets follow one another.
    publications: VecDeque<Publication>,
    version: Version,
    /// Unix time in seconds at which the publications go, and at which all of it goes.
    expires: i64,
    removed: i64,
}

impl Streams {
    /// Appends a publication and gives it its offset; `None` for one whose version is not above the last.
    pub(crate) fn add(
        &mut self,
        channel: &str,
        publication: &mut Publication,
        version: Version,
        retention: Retention,
        now: i64,
    ) -> (Position, bool) {
        let stream = self.stream(channel, retention.meta_ttl, now);
        stream.expires = now.saturating_add(seconds(retention.ttl));
        if stream.is_outdated(&version) {
            return (stream.position(), false);
        }
        stream.top += 1;
        publication.offset = stream.top;
        stream.publications.push_back(publication.clone());
        let surplus = stream.publications.len().saturating_sub(retention.size);
        stream.publications.drain(..surplus);
        stream.version = version;
        (stream.position(), true)
    }

    pub(crate) fn read(
        &mut self,
        channel: &str,
        filter: &Filter,
        meta_ttl: Duration,
        now: i64,
    ) -> (Vec<Publication>, Position) {
        let stream = self.stream(channel, meta_ttl, now);
        (stream.read(filter), stream.position())
    }

    /// Drops the publications; the position stays.
    pub(crate) fn clear(&mut self, channel: &str) {
        if let Some(stream) = self.0.get_mut(channel) {
            stream.publications.clear();
        }
    }

    /// The channel's stream, made if need be, without what has expired. Each use keeps its position for longer.
    fn stream(&mut self, channel: &str, meta_ttl: Duration, now: i64) -> &mut Stream {
        if self
            .0
            .get(channel)
            .is_none_or(|stream| stream.removed <= now)
        {
            self.0.insert(channel.to_owned(), Stream::new());
        }
        let stream = self.0.entry(channel.to_owned()).or_insert_with(Stream::new);
        stream.removed = now.saturating_add(seconds(meta_ttl));
        if stream.expires <= now {
            stream.publications.clear();
        }
        stream
    }
}

impl Stream {
    fn new() -> Self {
        Self {
            epoch: random::epoch(),
            top: 0,
            publications: VecDeque::new(),
            version: Version::default(),
            expires: i64::MAX,
            removed: i64::MAX,
        }
    }

    fn position(&self) -> Position {
        Position {
            offset: self.top,
            epoch: self.epoch.clone(),
        }
    }

    fn is_outdated(&self, version: &Version) -> bool {
        version.number > 0
            && (version.epoch.is_empty() || version.epoch == self.version.epoch)
            && version.number <= self.version.number
    }

    fn read(&self, filter: &Filter) -> Vec<Publication> {
        let Some(first) = self.first(filter) else {
            return Vec::new();
        };
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        match filter.reverse {
            false => self
                .publications
                .range(first..)
                .take(limit)
                .cloned()
                .collect(),
            true => self
                .publications
                .range(..=first)
                .rev()
                .take(limit)
                .cloned()
                .collect(),
        }
    }

    /// The index of the publication from which the filter reads on.
    fn first(&self, filter: &Filter) -> Option<usize> {
        let last = self.publications.len().checked_sub(1)?;
        let Some(since) = &filter.since else {
            return Some(if filter.reverse { last } else { 0 });
        };
        let offset = match filter.reverse {
            false => since.offset.wrapping_add(1),
            true => since.offset.wrapping_sub(1),
        };
        if offset > self.top {
            return None;
        }
        let oldest = self.top - u64::try_from(last).ok()?;
        let index = offset
            .checked_sub(oldest)
            .and_then(|index| usize::try_from(index).ok());
        match (index, filter.reverse) {
            // A position that was trimmed continues at the oldest left.
            (None, false) => Some(0),
            (index, _) => index,
        }
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
