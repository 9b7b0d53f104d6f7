//! Tests of expiry.

use super::*;

#[test]
fn expired_keys_are_removed_with_their_tags_at_their_time() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    let tags = BTreeMap::from([("t".to_owned(), "1".to_owned())]);
    map.publish(MapPublish {
        tags: tags.clone(),
        ..key("x")
    });
    map.publish(key("y"));
    map.now = 2000;
    map.publish(key("y"));
    map.now = 2999;
    assert_eq!(map.channel.expire(map.now), []);
    map.now = 9000;
    assert_eq!(map.channel.num_keys(map.now), 0);
    let removals = map.channel.expire(map.now);
    let summary: Vec<_> = removals
        .iter()
        .map(|removal| (removal.key.as_str(), removal.offset, removal.time))
        .collect();
    assert_eq!(summary, [("x", 4, 3000), ("y", 5, 4000)]);
    assert_eq!((&removals[0].tags, removals[0].removed), (&tags, true));
    assert_eq!(map.channel.expire(map.now), []);
    assert_eq!(map.all_changes(), [1, 2, 3, -4, -5]);
}

#[test]
fn expired_keys_of_ephemeral_channels_are_removed_without_offset() {
    let mut map = Fixture::new(&ephemeral());
    map.publish(key("x"));
    let removals = map.channel.expire(3000);
    assert_eq!(
        (removals.len(), removals[0].offset, removals[0].removed),
        (1, 0, true)
    );
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
fn removals_by_expiry_stay_in_stream_that_had_expired() {
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
fn keys_expire_before_stream_that_expires_at_same_time() {
    let mut map = Fixture::new(&recoverable(3000, 3000, 60_000));
    map.publish(key("x"));
    map.now = 4000;
    assert_eq!(map.all_changes(), Vec::<i64>::new());
    assert_eq!(
        map.stream(MapReadStream::default())
            .unwrap()
            .position
            .offset,
        2
    );
}

#[test]
fn epochs_end_with_meta_ttl_which_reads_extend_and_idempotency_keys_outlive() {
    let mut map = Fixture::new(&recoverable(2000, 2000, 4000));
    let request = || MapPublish {
        idempotency_key: "i".to_owned(),
        ..key("x")
    };
    map.publish(request());
    for now in [4000, 7999] {
        map.now = now;
        assert_eq!(
            map.state(MapReadState::default()).unwrap().position.epoch,
            "e1"
        );
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
