//! The history of channels, as Centrifugo's memory engine keeps it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use centrifugo_api::Publication;

use crate::state::random;

/// A position in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) offset: u64,
    pub(crate) epoch: String,
}

/// The size and the lifetime of a stream.
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

/// A selection of publications.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) since: Option<Position>,
    /// The number of publications; 0 reads none, a negative limit reads all.
    pub(crate) limit: i32,
    pub(crate) reverse: bool,
}

/// The outcome of adding a publication.
#[derive(Debug)]
pub(crate) struct Added {
    /// The position of the stream afterwards.
    pub(crate) position: Position,
    /// True if the publication was dropped because its version is not above the last one.
    pub(crate) is_outdated: bool,
}

/// The streams of all channels, by channel.
#[derive(Debug, Default)]
pub(crate) struct Streams(HashMap<String, Stream>);

#[derive(Debug)]
struct Stream {
    epoch: String,
    /// The last assigned offset.
    top: u64,
    /// The publications that are kept, with consecutive offsets up to `top`.
    publications: VecDeque<Publication>,
    /// The version of the last publication.
    version: Version,
    /// The Unix time in seconds at which the publications expire.
    expires: i64,
    /// The Unix time in seconds at which the stream, with its position, expires.
    meta_expires: i64,
}

impl Streams {
    /// Appends a publication and sets its offset, unless its version is outdated.
    pub(crate) fn add(
        &mut self,
        channel: &str,
        publication: &mut Publication,
        version: Version,
        retention: Retention,
        now: i64,
    ) -> Added {
        let stream = self.stream(channel, retention.meta_ttl, now);
        stream.expires = now.saturating_add(seconds(retention.ttl));
        if stream.is_outdated(&version) {
            return Added {
                position: stream.position(),
                is_outdated: true,
            };
        }
        stream.top += 1;
        publication.offset = stream.top;
        stream.publications.push_back(publication.clone());
        let surplus = stream.publications.len().saturating_sub(retention.size);
        stream.publications.drain(..surplus);
        stream.version = version;
        Added {
            position: stream.position(),
            is_outdated: false,
        }
    }

    /// Returns the selected publications and the position of the stream.
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

    /// Returns the position of a channel's stream, which it creates if needed.
    pub(crate) fn position(&mut self, channel: &str, meta_ttl: Duration, now: i64) -> Position {
        self.stream(channel, meta_ttl, now).position()
    }

    /// Removes the publications; the position stays.
    pub(crate) fn clear(&mut self, channel: &str) {
        if let Some(stream) = self.0.get_mut(channel) {
            stream.publications.clear();
        }
    }

    /// Returns a channel's stream without what has expired, and extends the lifetime of its
    /// position. Creates the stream if needed.
    fn stream(&mut self, channel: &str, meta_ttl: Duration, now: i64) -> &mut Stream {
        let stream = self.0.entry(channel.to_owned()).or_insert_with(Stream::new);
        if stream.meta_expires <= now {
            *stream = Stream::new();
        }
        stream.meta_expires = now.saturating_add(seconds(meta_ttl));
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
            meta_expires: i64::MAX,
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
        if filter.reverse {
            let newest_first = self.publications.range(..=first).rev();
            newest_first.take(limit).cloned().collect()
        } else {
            let oldest_first = self.publications.range(first..);
            oldest_first.take(limit).cloned().collect()
        }
    }

    /// Returns the index of the first publication to read.
    fn first(&self, filter: &Filter) -> Option<usize> {
        let last = self.publications.len().checked_sub(1)?;
        let Some(since) = &filter.since else {
            return Some(if filter.reverse { last } else { 0 });
        };
        let offset = if filter.reverse {
            since.offset.wrapping_sub(1)
        } else {
            since.offset.wrapping_add(1)
        };
        if offset > self.top {
            return None;
        }
        let oldest = self.top - u64::try_from(last).ok()?;
        match offset.checked_sub(oldest) {
            Some(index) => usize::try_from(index).ok(),
            // The publication is no longer kept: reading forward begins at the oldest one.
            None if filter.reverse => None,
            None => Some(0),
        }
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
