//! Tests of map channels, with a clock of their own.

mod read;
mod time;
mod write;

use std::time::Duration;

use super::*;

/// A channel with a clock, whose epochs are named `e1`, `e2` and so on.
struct Fixture {
    channel: MapChannel,
    now: u64,
    epochs: u32,
}

/// A summary of an update: the reason if it was suppressed, and offset and epoch of the position.
type Summary = (Option<&'static str>, u64, String);

fn recoverable(key_ttl: u64, stream_ttl: u64, meta_ttl: u64) -> MapOptions {
    MapOptions {
        key_ttl: Duration::from_millis(key_ttl),
        stream_ttl: Duration::from_millis(stream_ttl),
        meta_ttl: Duration::from_millis(meta_ttl),
        ..MapOptions::new(MapMode::Recoverable)
    }
}

fn ephemeral() -> MapOptions {
    MapOptions {
        key_ttl: Duration::from_millis(2000),
        ..MapOptions::new(MapMode::Ephemeral)
    }
}

fn persistent(stream_size: usize) -> MapOptions {
    MapOptions {
        stream_size,
        ..MapOptions::new(MapMode::Persistent)
    }
}

fn summary(result: Result<MapUpdate, MapError>) -> Summary {
    let MapUpdate { position, outcome } = result.unwrap();
    let reason = match outcome {
        MapOutcome::Changed(publication) => {
            assert_eq!(publication.offset, position.offset);
            None
        }
        MapOutcome::Suppressed(reason) => Some(reason.as_str()),
    };
    (reason, position.offset, position.epoch)
}

fn changed(offset: u64, epoch: &str) -> Summary {
    (None, offset, epoch.to_owned())
}

fn suppressed(reason: &'static str, offset: u64, epoch: &str) -> Summary {
    (Some(reason), offset, epoch.to_owned())
}

fn key(key: &str) -> MapPublish {
    MapPublish {
        key: key.to_owned(),
        ..MapPublish::default()
    }
}

fn version(version: u64, epoch: &str) -> MapPublish {
    MapPublish {
        version,
        version_epoch: epoch.to_owned(),
        ..key("k")
    }
}

impl Fixture {
    fn new(options: &MapOptions) -> Self {
        Self {
            channel: MapChannel::new(options),
            now: 1000,
            epochs: 0,
        }
    }

    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut MapChannel, u64, &mut dyn FnMut() -> String) -> T,
    ) -> T {
        let epochs = &mut self.epochs;
        call(&mut self.channel, self.now, &mut || {
            *epochs += 1;
            format!("e{epochs}")
        })
    }

    fn publish(&mut self, request: MapPublish) -> Summary {
        summary(self.call(|channel, now, mut epoch| channel.publish(now, request, &mut epoch)))
    }

    fn remove(&mut self, key: &str, idempotency_key: &str) -> Summary {
        let request = MapRemove {
            key: key.to_owned(),
            idempotency_key: idempotency_key.to_owned(),
            ..MapRemove::default()
        };
        summary(self.channel.remove(self.now, request))
    }

    fn state(&mut self, request: MapReadState) -> Result<MapPage, MapError> {
        self.call(|channel, now, mut epoch| channel.read_state(now, &request, &mut epoch))
    }

    fn stream(&mut self, request: MapReadStream) -> Result<MapPage, MapError> {
        self.call(|channel, now, mut epoch| channel.read_stream(now, &request, &mut epoch))
    }

    /// Returns the keys and the cursor of a page.
    fn page(&mut self, limit: i32, cursor: &str) -> (String, String) {
        let page = self
            .state(MapReadState {
                limit,
                cursor: cursor.to_owned(),
                ..MapReadState::default()
            })
            .unwrap();
        (
            page.entries
                .iter()
                .map(|entry| entry.key.as_str())
                .collect(),
            page.cursor,
        )
    }

    /// Returns the offsets of the changes, negative for removals.
    fn changes(&mut self, limit: i32, since: u64, reverse: bool) -> Result<Vec<i64>, MapError> {
        let page = self.stream(MapReadStream {
            limit,
            since: MapPosition::from_fields(since, ""),
            reverse,
        })?;
        let offsets = page.entries.iter().map(|entry| {
            let offset = i64::try_from(entry.offset).unwrap();
            if entry.removed { -offset } else { offset }
        });
        Ok(offsets.collect())
    }

    fn all_changes(&mut self) -> Vec<i64> {
        self.changes(-1, 0, false).unwrap()
    }
}
