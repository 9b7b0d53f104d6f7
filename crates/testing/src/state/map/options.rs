//! The options of map channels.

use std::time::Duration;

use crate::state::map::MapError;

/// The mode of a map channel: `map.mode` of its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapMode {
    /// Keys that expire, and no stream: offsets stay 0.
    Ephemeral,
    /// Keys that expire, and a stream of changes.
    Recoverable,
    /// Keys that stay until they are removed, and a stream of changes.
    Persistent,
}

/// The options of a namespace whose channels are maps: Centrifugo's `map`.
///
/// ```
/// use std::time::Duration;
///
/// use centrifugo_api_testing::{MapOptions, Namespace};
///
/// let minute = Duration::from_secs(60);
/// let board = Namespace::new("board").map(MapOptions::recoverable(minute).stream_size(1000));
/// let cursors = Namespace::new("cursors").map(MapOptions::ephemeral(minute));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct MapOptions {
    pub(crate) mode: MapMode,
    // Zero means unset, or Centrifugo's default.
    pub(crate) key_ttl: Duration,
    pub(crate) stream_size: usize,
    pub(crate) stream_ttl: Duration,
    pub(crate) meta_ttl: Duration,
}

const DEFAULT_STREAM_SIZE: usize = 100;
const DEFAULT_STREAM_TTL: Duration = Duration::from_secs(60);

/// The options with their defaults, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) key_ttl: Option<u64>,
    pub(super) stream: Option<StreamLimits>,
    pub(super) meta_ttl: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct StreamLimits {
    pub(super) size: usize,
    pub(super) ttl: u64,
}

impl MapOptions {
    /// Creates options with the mode `ephemeral`: keys expire this long after their last
    /// publication. There is no stream, and all offsets are 0.
    pub fn ephemeral(key_ttl: Duration) -> Self {
        Self {
            key_ttl,
            ..Self::new(MapMode::Ephemeral)
        }
    }

    /// Creates options with the mode `recoverable`: keys expire this long after their last
    /// publication, and a stream keeps the changes.
    pub fn recoverable(key_ttl: Duration) -> Self {
        Self {
            key_ttl,
            ..Self::new(MapMode::Recoverable)
        }
    }

    /// Creates options with the mode `persistent`: keys stay until they are removed, and a stream
    /// keeps the changes.
    pub fn persistent() -> Self {
        Self::new(MapMode::Persistent)
    }

    /// Keeps this many changes in the stream; 100 by default.
    pub fn stream_size(mut self, changes: usize) -> Self {
        self.stream_size = changes;
        self
    }

    /// Keeps the stream for this long after the last change; one minute by default.
    pub fn stream_ttl(mut self, ttl: Duration) -> Self {
        self.stream_ttl = ttl;
        self
    }

    /// Keeps epoch and offset for this long after the last change or read.
    ///
    /// By default they are kept 10 times as long as the stream, but at least as long as a key. In
    /// the mode `persistent` they are always kept.
    pub fn meta_ttl(mut self, ttl: Duration) -> Self {
        self.meta_ttl = ttl;
        self
    }

    pub(crate) fn new(mode: MapMode) -> Self {
        Self {
            mode,
            key_ttl: Duration::ZERO,
            stream_size: 0,
            stream_ttl: Duration::ZERO,
            meta_ttl: Duration::ZERO,
        }
    }

    /// Refuses options with which Centrifugo does not start.
    ///
    /// Centrifugo starts with a `meta_ttl` in the persistent mode, and with one below `key_ttl`.
    /// All methods but `map_read_stream`, `map_stats` and `map_clear` then return error 100.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.mode {
            MapMode::Ephemeral => self.check_ephemeral(),
            MapMode::Recoverable if self.key_ttl.is_zero() => Err(key_ttl_required("recoverable")),
            MapMode::Persistent if !self.key_ttl.is_zero() => Err(
                "map.key_ttl has no effect if map.mode is persistent: leave it out, or set map.mode \
                 to recoverable"
                    .to_owned(),
            ),
            MapMode::Recoverable | MapMode::Persistent => self.check_meta_ttl(),
        }
    }

    fn check_ephemeral(&self) -> Result<(), String> {
        if self.key_ttl.is_zero() {
            return Err(key_ttl_required("ephemeral"));
        }
        let set = [
            ("stream_size", self.stream_size > 0),
            ("stream_ttl", !self.stream_ttl.is_zero()),
            ("meta_ttl", !self.meta_ttl.is_zero()),
        ];
        match set.into_iter().find(|(_, is_set)| *is_set) {
            Some((option, _)) => Err(format!(
                "map.{option} needs a stream, which map.mode ephemeral lacks: leave it out, or set \
                 map.mode to recoverable"
            )),
            None => Ok(()),
        }
    }

    fn check_meta_ttl(&self) -> Result<(), String> {
        let meta_ttl = self.meta_ttl;
        let stream_ttl = self.stream_ttl_or_default();
        if !meta_ttl.is_zero() && meta_ttl < stream_ttl {
            return Err(format!(
                "map.meta_ttl ({meta_ttl:?}) is below map.stream_ttl ({stream_ttl:?}): set it \
                 to at least as long"
            ));
        }
        Ok(())
    }

    fn stream_ttl_or_default(&self) -> Duration {
        if self.stream_ttl.is_zero() {
            DEFAULT_STREAM_TTL
        } else {
            self.stream_ttl
        }
    }

    /// Returns the options with their defaults. Contradictory options are an error, which every
    /// call that needs them returns.
    pub(super) fn limits(&self) -> Result<Limits, MapError> {
        let expires = self.mode != MapMode::Persistent;
        let is_contradictory =
            !self.meta_ttl.is_zero() && (!expires || self.meta_ttl < self.key_ttl);
        if self.check().is_err() || is_contradictory {
            return Err(MapError::Internal);
        }
        let key_ttl = expires.then(|| millis(self.key_ttl));
        if self.mode == MapMode::Ephemeral {
            return Ok(Limits {
                key_ttl,
                stream: None,
                meta_ttl: None,
            });
        }
        let size = if self.stream_size == 0 {
            DEFAULT_STREAM_SIZE
        } else {
            self.stream_size
        };
        let ttl = millis(self.stream_ttl_or_default());
        let meta_ttl = expires.then(|| match millis(self.meta_ttl) {
            0 => ttl.saturating_mul(10).max(millis(self.key_ttl)),
            meta_ttl => meta_ttl,
        });
        Ok(Limits {
            key_ttl,
            stream: Some(StreamLimits { size, ttl }),
            meta_ttl,
        })
    }
}

fn key_ttl_required(mode: &str) -> String {
    format!(
        "map.key_ttl is required if map.mode is {mode}: set how long a key lives after its last \
         publication"
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(mode: MapMode, [key_ttl, stream_ttl, meta_ttl]: [u64; 3]) -> MapOptions {
        MapOptions {
            key_ttl: Duration::from_secs(key_ttl),
            stream_ttl: Duration::from_secs(stream_ttl),
            meta_ttl: Duration::from_secs(meta_ttl),
            ..MapOptions::new(mode)
        }
    }

    #[test]
    fn options_that_centrifugo_refuses_are_refused_by_name() {
        let sized = MapOptions {
            stream_size: 1,
            ..options(MapMode::Ephemeral, [1, 0, 0])
        };
        for (options, expected) in [
            (
                options(MapMode::Ephemeral, [0, 0, 0]),
                "map.key_ttl is required if map.mode is ephemeral",
            ),
            (
                options(MapMode::Recoverable, [0, 0, 0]),
                "map.key_ttl is required if map.mode is recoverable",
            ),
            (
                options(MapMode::Persistent, [1, 0, 0]),
                "map.key_ttl has no effect",
            ),
            (sized, "map.stream_size needs a stream"),
            (
                options(MapMode::Ephemeral, [1, 1, 0]),
                "map.stream_ttl needs a stream",
            ),
            (
                options(MapMode::Ephemeral, [1, 0, 1]),
                "map.meta_ttl needs a stream",
            ),
            (
                options(MapMode::Recoverable, [1, 0, 59]),
                "map.meta_ttl (59s) is below map.stream_ttl (60s)",
            ),
            (
                options(MapMode::Persistent, [0, 5, 4]),
                "map.meta_ttl (4s) is below map.stream_ttl (5s)",
            ),
        ] {
            let message = options.check().unwrap_err();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn options_that_centrifugo_accepts_are_accepted() {
        for options in [
            options(MapMode::Ephemeral, [1, 0, 0]),
            options(MapMode::Recoverable, [1, 0, 60]),
            options(MapMode::Recoverable, [300, 0, 60]),
            options(MapMode::Persistent, [0, 0, 0]),
            options(MapMode::Persistent, [0, 1, 60]),
        ] {
            assert_eq!(options.check(), Ok(()));
        }
    }

    #[test]
    fn defaults_depend_on_each_other() {
        for (options, stream_ttl, meta_ttl) in [
            (
                options(MapMode::Recoverable, [300, 0, 0]),
                60_000,
                Some(600_000),
            ),
            (
                options(MapMode::Recoverable, [900, 0, 0]),
                60_000,
                Some(900_000),
            ),
            (
                options(MapMode::Recoverable, [1, 2, 0]),
                2_000,
                Some(20_000),
            ),
            (options(MapMode::Recoverable, [1, 2, 3]), 2_000, Some(3_000)),
            (options(MapMode::Persistent, [0, 0, 0]), 60_000, None),
        ] {
            let limits = options.limits().unwrap();
            let stream = limits.stream.unwrap();
            assert_eq!(
                (stream.size, stream.ttl, limits.meta_ttl),
                (100, stream_ttl, meta_ttl)
            );
        }
    }
}
