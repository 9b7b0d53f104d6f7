use std::time::Duration;

use super::*;

/// A channel with a clock and epochs named `e1`, `e2` and so on.
struct Fixture {
    channel: MapChannel,
    now: u64,
    epochs: u32,
}

/// The reason of a suppressed update, or the offset of a change, and the position.
type Told = (Option<&'static str>, u64, String);

fn recoverable(key_ttl: u64, stream_ttl: u64, meta_ttl: u64) -> MapOptions {
    MapOptions {
        key_ttl: Duration::from_millis(key_ttl),
        stream_ttl: Duration::from_millis(stream_ttl),
        meta_ttl: Duration::from_millis(meta_ttl),
        ..MapOptions::new(MapMode::Recoverable)
    }
}

fn ephemeral() -> MapOptions {
    MapOptions { key_ttl: Duration::from_millis(2000), ..MapOptions::new(MapMode::Ephemeral) }
}

fn persistent(stream_size: usize) -> MapOptions {
    MapOptions { stream_size, ..MapOptions::new(MapMode::Persistent) }
}

fn told(result: Result<MapUpdate, MapError>) -> Told {
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

fn changed(offset: u64, epoch: &str) -> Told {
    (None, offset, epoch.to_owned())
}

fn suppressed(reason: &'static str, offset: u64, epoch: &str) -> Told {
    (Some(reason), offset, epoch.to_owned())
}

fn key(key: &str) -> MapPublish {
    MapPublish { key: key.to_owned(), ..MapPublish::default() }
}

fn version(version: u64, epoch: &str) -> MapPublish {
    MapPublish { version, version_epoch: epoch.to_owned(), ..key("k") }
}

impl Fixture {
    fn new(options: &MapOptions) -> Self {
        Self { channel: MapChannel::new(options), now: 1000, epochs: 0 }
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut MapChannel, u64, &mut dyn FnMut() -> String) -> T) -> T {
        let epochs = &mut self.epochs;
        call(&mut self.channel, self.now, &mut || {
            *epochs += 1;
            format!("e{epochs}")
        })
    }

    fn publish(&mut self, request: MapPublish) -> Told {
        told(self.call(|channel, now, mut epoch| channel.publish(now, request, &mut epoch)))
    }

    fn remove(&mut self, key: &str, idempotency_key: &str) -> Told {
        let request = MapRemove { key: key.to_owned(), idempotency_key: idempotency_key.to_owned() };
        told(self.channel.remove(self.now, request))
    }

    fn state(&mut self, request: MapReadState) -> Result<MapPage, MapError> {
        self.call(|channel, now, mut epoch| channel.read_state(now, &request, &mut epoch))
    }

    fn stream(&mut self, request: MapReadStream) -> Result<MapPage, MapError> {
        self.call(|channel, now, mut epoch| channel.read_stream(now, &request, &mut epoch))
    }

    /// The keys and the cursor of a page.
    fn page(&mut self, limit: i32, cursor: &str) -> (String, String) {
        let page =
            self.state(MapReadState { limit, cursor: cursor.to_owned(), ..MapReadState::default() }).unwrap();
        (page.entries.iter().map(|entry| entry.key.as_str()).collect(), page.cursor)
    }

    /// The offsets of the changes, removals negative.
    fn changes(&mut self, limit: i32, since: u64, reverse: bool) -> Result<Vec<i64>, MapError> {
        let page = self.stream(MapReadStream { limit, since: MapPosition::given(since, ""), reverse })?;
        let sign = |entry: &MapPublication| if entry.removed { -1 } else { 1 };
        Ok(page.entries.iter().map(|entry| i64::try_from(entry.offset).unwrap() * sign(entry)).collect())
    }

    fn all_changes(&mut self) -> Vec<i64> {
        self.changes(-1, 0, false).unwrap()
    }
}

#[test]
fn offsets_count_the_changes_of_an_epoch() {
    for options in [recoverable(2000, 0, 0), persistent(0)] {
        let mut map = Fixture::new(&options);
        assert_eq!(map.publish(key("a")), changed(1, "e1"));
        assert_eq!(map.publish(key("a")), changed(2, "e1"));
        assert_eq!(map.remove("a", ""), changed(3, "e1"));
        assert_eq!(map.remove("a", ""), suppressed("key_not_found", 3, "e1"));
        assert_eq!(map.all_changes(), [1, 2, -3]);
        assert_eq!(map.channel.num_keys(map.now), 0);
    }
}

#[test]
fn ephemeral_channels_have_an_epoch_and_no_offsets() {
    let mut map = Fixture::new(&ephemeral());
    assert_eq!(map.publish(key("a")), changed(0, "e1"));
    assert_eq!(map.remove("a", ""), changed(0, "e1"));
    assert_eq!(map.publish(key("b")), changed(0, "e1"));
    assert_eq!((map.all_changes(), map.changes(-1, 1, false)), (vec![], Ok(vec![])));
    assert_eq!(map.page(-1, ""), ("b".to_owned(), String::new()));
}

#[test]
fn versions_fail_in_the_ephemeral_mode_even_when_repeated() {
    let mut map = Fixture::new(&ephemeral());
    map.publish(MapPublish { idempotency_key: "i".to_owned(), ..key("k") });
    let request = MapPublish { idempotency_key: "i".to_owned(), ..version(1, "") };
    let result = map.call(|channel, now, mut epoch| channel.publish(now, request, &mut epoch));
    assert_eq!(result, Err(MapError::Internal));
}

#[test]
fn contradictory_options_fail_all_but_the_stream_the_count_and_clear() {
    let with_meta = MapOptions { meta_ttl: Duration::from_secs(60), ..persistent(0) };
    for options in [recoverable(300_000, 0, 60_000), with_meta] {
        assert_eq!(options.check(), Ok(()));
        let mut map = Fixture::new(&options);
        let result = map.call(|channel, now, mut epoch| channel.publish(now, key("k"), &mut epoch));
        assert_eq!(result, Err(MapError::Internal));
        assert_eq!(map.channel.remove(map.now, MapRemove::default()), Err(MapError::Internal));
        assert_eq!(map.state(MapReadState::default()), Err(MapError::Internal));
        assert_eq!(map.stream(MapReadStream::default()).unwrap().position.epoch, "e1");
        assert_eq!(map.channel.num_keys(map.now), 0);
        map.channel.clear(map.now);
    }
}

#[test]
fn what_is_suppressed_begins_an_epoch_unless_it_is_a_removal() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    assert_eq!(map.remove("a", ""), suppressed("key_not_found", 0, ""));
    let request = MapPublish { key_mode: KeyMode::IfExists, ..key("a") };
    assert_eq!(map.publish(request), suppressed("key_not_found", 0, "e1"));
    assert_eq!(map.remove("a", ""), suppressed("key_not_found", 0, "e1"));
}

#[test]
fn key_modes_are_read_by_their_exact_names() {
    assert_eq!(KeyMode::from_name(""), Ok(KeyMode::Replace));
    assert_eq!(KeyMode::from_name("if_new"), Ok(KeyMode::IfNew));
    assert_eq!(KeyMode::from_name("if_exists"), Ok(KeyMode::IfExists));
    assert_eq!(KeyMode::from_name("IF_NEW"), Err(MapError::BadRequest));
}

#[test]
fn versions_are_compared_within_their_epoch_and_before_key_modes() {
    let mut map = Fixture::new(&persistent(0));
    assert_eq!(map.publish(version(3, "e")), changed(1, "e1"));
    assert_eq!(map.publish(version(3, "")), suppressed("version", 1, "e1"));
    let if_new = MapPublish { key_mode: KeyMode::IfNew, ..version(2, "e") };
    assert_eq!(map.publish(if_new), suppressed("version", 1, "e1"));
    let if_new = MapPublish { key_mode: KeyMode::IfNew, ..version(4, "e") };
    assert_eq!(map.publish(if_new), suppressed("key_exists", 1, "e1"));
    assert_eq!(map.publish(version(1, "f")), changed(2, "e1"));
    assert_eq!(map.publish(version(0, "g")), changed(3, "e1"));
    assert_eq!(map.publish(version(1, "f")), suppressed("version", 3, "e1"));
    assert_eq!(map.publish(version(1, "g")), changed(4, "e1"));
    map.remove("k", "");
    assert_eq!(map.publish(version(1, "g")), changed(6, "e1"));
}

#[test]
fn idempotency_keys_are_shared_by_publications_and_removals() {
    let mut map = Fixture::new(&persistent(0));
    let with = |idempotency_key: &str, request| MapPublish {
        idempotency_key: idempotency_key.to_owned(),
        ..request
    };
    assert_eq!(map.publish(with("i", key("x"))), changed(1, "e1"));
    assert_eq!(map.publish(key("x")), changed(2, "e1"));
    assert_eq!(map.publish(with("i", key("y"))), suppressed("idempotency", 1, "e1"));
    assert_eq!(map.remove("x", "i"), suppressed("idempotency", 1, "e1"));
    assert_eq!(map.remove("x", "j"), changed(3, "e1"));
    assert_eq!(map.publish(with("j", key("x"))), suppressed("idempotency", 3, "e1"));
    map.now += 299_999;
    assert_eq!(map.remove("x", "j"), suppressed("idempotency", 3, "e1"));
    map.now += 1;
    assert_eq!(map.publish(with("j", key("x"))), changed(4, "e1"));
}

#[test]
fn suppressed_calls_do_not_use_up_their_idempotency_key() {
    let mut map = Fixture::new(&persistent(0));
    let request = |version| MapPublish { idempotency_key: "s".to_owned(), ..self::version(version, "") };
    map.publish(version(1, ""));
    assert_eq!(map.publish(request(1)), suppressed("version", 1, "e1"));
    assert_eq!(map.publish(request(2)), changed(2, "e1"));
    assert_eq!(map.publish(request(3)), suppressed("idempotency", 2, "e1"));
}

#[test]
fn clear_forgets_idempotency_keys_and_the_epoch() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    let request = || MapPublish { idempotency_key: "i".to_owned(), ..key("x") };
    map.publish(request());
    map.channel.clear(map.now);
    assert_eq!(map.publish(request()), changed(1, "e2"));
    assert_eq!(map.channel.expire(map.now), []);
}

#[test]
fn entries_are_whole() {
    let mut map = Fixture::new(&persistent(0));
    let tags = BTreeMap::from([("t".to_owned(), "1".to_owned())]);
    map.publish(MapPublish { data: "1".into(), tags: tags.clone(), ..key("x") });
    map.now = 1500;
    map.remove("x", "");
    let mut entry =
        MapPublication { key: "x".to_owned(), data: "1".into(), tags, offset: 1, removed: false, time: 1000 };
    let stream = map.stream(MapReadStream { limit: -1, ..MapReadStream::default() }).unwrap();
    assert_eq!(*stream.entries[0], entry);
    entry = MapPublication { data: "".into(), offset: 2, removed: true, time: 1500, ..entry };
    assert_eq!(*stream.entries[1], entry);
}

#[test]
fn state_is_read_in_the_order_of_keys_and_from_any_cursor() {
    let mut map = Fixture::new(&persistent(3));
    for name in ["c", "a", "b", "d"] {
        map.publish(key(name));
    }
    for (limit, cursor, keys, next) in [
        (2, "", "ab", "b"),
        (2, "b", "cd", ""),
        (1, "b", "c", "c"),
        (3, "aa", "bcd", ""),
        (3, "1\0a", "abc", "c"),
        (3, "zz", "", ""),
        (0, "a", "", ""),
        (-7, "a", "bcd", ""),
        (4, "", "abcd", ""),
        (i32::MAX, "", "abcd", ""),
    ] {
        assert_eq!(map.page(limit, cursor), (keys.to_owned(), next.to_owned()), "{limit} {cursor}");
    }
    let lookup =
        |key: &str| MapReadState { key: key.to_owned(), cursor: "d".to_owned(), ..MapReadState::default() };
    let page = map.state(lookup("c")).unwrap();
    assert_eq!((page.entries[0].offset, page.position.offset), (1, 4));
    assert_eq!(map.state(lookup("q")).unwrap().entries, []);
}

#[test]
fn state_of_another_revision_is_unrecoverable_unless_the_channel_is_new() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    let revision = |offset, epoch: &str| MapReadState {
        revision: MapPosition::given(offset, epoch),
        ..MapReadState::default()
    };
    assert_eq!(map.state(revision(4, "")).unwrap().position.epoch, "e1");
    assert_eq!(map.state(revision(4, "")), Err(MapError::Unrecoverable));
    assert_eq!(map.state(revision(0, "e1")).unwrap().position.epoch, "e1");
    map.channel.clear(map.now);
    assert_eq!(map.state(revision(0, "e1")), Err(MapError::Unrecoverable));
    assert_eq!(map.state(revision(0, "e2")).unwrap().position.epoch, "e2");
}

#[test]
fn stream_keeps_its_newest_changes_and_refuses_to_skip_the_others() {
    let mut map = Fixture::new(&persistent(3));
    for name in ["c", "a", "b", "d"] {
        map.publish(key(name));
    }
    for (limit, since, reverse, expected) in [
        (-1, 0, false, Ok(vec![2, 3, 4])),
        (-9, 0, false, Ok(vec![2, 3, 4])),
        (2, 0, false, Ok(vec![2, 3])),
        (2, 0, true, Ok(vec![4, 3])),
        (0, 0, false, Ok(vec![])),
        (1, 1, false, Ok(vec![2])),
        (1, 2, false, Ok(vec![3])),
        (-1, 9, false, Ok(vec![])),
        (-1, u64::MAX, false, Err(MapError::Unrecoverable)),
        (0, u64::MAX, false, Ok(vec![])),
        (-1, u64::MAX, true, Ok(vec![])),
        (-1, 2, true, Ok(vec![])),
        (-1, 3, true, Ok(vec![2])),
        (1, 4, true, Ok(vec![3])),
        (-1, 5, true, Ok(vec![4, 3, 2])),
        (-1, 6, true, Ok(vec![])),
    ] {
        assert_eq!(map.changes(limit, since, reverse), expected, "{limit} {since} {reverse}");
    }
    map.publish(key("e"));
    assert_eq!(map.changes(-1, 1, false), Err(MapError::Unrecoverable));
    assert_eq!(map.changes(0, 1, false), Ok(vec![]));
}

#[test]
fn stream_of_another_epoch_is_unrecoverable_unless_the_channel_is_new() {
    let mut map = Fixture::new(&persistent(3));
    let since =
        |epoch: &str, reverse| MapReadStream { limit: -1, since: MapPosition::given(0, epoch), reverse };
    assert_eq!(map.stream(since("another", false)).unwrap().position.epoch, "e1");
    assert_eq!(map.stream(since("another", false)), Err(MapError::Unrecoverable));
    for _ in 0..4 {
        map.publish(key("k"));
    }
    assert_eq!(map.stream(since("e1", false)).unwrap().entries.len(), 3);
    assert_eq!(map.stream(since("e1", true)).unwrap().entries.len(), 0);
}

#[test]
fn expired_keys_are_removed_with_their_tags_at_their_time() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    let tags = BTreeMap::from([("t".to_owned(), "1".to_owned())]);
    map.publish(MapPublish { tags: tags.clone(), ..key("x") });
    map.publish(key("y"));
    map.now = 2000;
    map.publish(key("y"));
    map.now = 2999;
    assert_eq!(map.channel.expire(map.now), []);
    map.now = 9000;
    assert_eq!(map.channel.num_keys(map.now), 0);
    let removals = map.channel.expire(map.now);
    let summary: Vec<_> =
        removals.iter().map(|removal| (removal.key.as_str(), removal.offset, removal.time)).collect();
    assert_eq!(summary, [("x", 4, 3000), ("y", 5, 4000)]);
    assert_eq!((&removals[0].tags, removals[0].removed), (&tags, true));
    assert_eq!(map.channel.expire(map.now), []);
    assert_eq!(map.all_changes(), [1, 2, 3, -4, -5]);
}

#[test]
fn expired_keys_of_ephemeral_channels_are_told_without_offset() {
    let mut map = Fixture::new(&ephemeral());
    map.publish(key("x"));
    let removals = map.channel.expire(3000);
    assert_eq!((removals.len(), removals[0].offset, removals[0].removed), (1, 0, true));
}

#[test]
fn expired_streams_are_empty_and_keep_their_offset() {
    let mut map = Fixture::new(&persistent(0));
    map.publish(key("x"));
    map.publish(key("x"));
    map.now += 60_000;
    assert_eq!(map.all_changes(), Vec::<i64>::new());
    assert_eq!(map.changes(-1, 1, false), Err(MapError::Unrecoverable));
    assert_eq!(map.changes(-1, 2, false), Ok(vec![]));
    assert_eq!(map.publish(key("x")), changed(3, "e1"));
    assert_eq!(map.changes(-1, 2, false), Ok(vec![3]));
}

#[test]
fn removals_by_expiry_stay_in_a_stream_that_had_expired() {
    let mut map = Fixture::new(&recoverable(4000, 2000, 60_000));
    map.publish(key("x"));
    map.now = 30_000;
    assert_eq!(map.all_changes(), [-2]);
    map.publish(key("x"));
    assert_eq!(map.all_changes(), [-2, 3]);
    map.now = 32_000;
    assert_eq!(map.all_changes(), Vec::<i64>::new());
}

#[test]
fn keys_expire_before_a_stream_that_expires_with_them() {
    let mut map = Fixture::new(&recoverable(3000, 3000, 60_000));
    map.publish(key("x"));
    map.now = 4000;
    assert_eq!(map.all_changes(), Vec::<i64>::new());
    assert_eq!(map.stream(MapReadStream::default()).unwrap().position.offset, 2);
}

#[test]
fn epochs_end_with_meta_ttl_which_readings_prolong_and_idempotency_keys_outlive() {
    let mut map = Fixture::new(&recoverable(2000, 2000, 4000));
    let request = || MapPublish { idempotency_key: "i".to_owned(), ..key("x") };
    map.publish(request());
    for now in [4000, 7999] {
        map.now = now;
        assert_eq!(map.state(MapReadState::default()).unwrap().position.epoch, "e1");
    }
    map.now = 11_999;
    assert_eq!(map.publish(request()), suppressed("idempotency", 1, "e1"));
    assert_eq!(map.remove("x", ""), suppressed("key_not_found", 0, ""));
    assert_eq!(map.publish(key("x")), changed(1, "e2"));
}

#[test]
fn persistent_keys_and_epochs_stay() {
    let mut map = Fixture::new(&persistent(0));
    map.publish(key("x"));
    map.now = u64::MAX;
    assert_eq!(map.page(-1, ""), ("x".to_owned(), String::new()));
    assert_eq!(map.publish(key("x")), changed(2, "e1"));
}
