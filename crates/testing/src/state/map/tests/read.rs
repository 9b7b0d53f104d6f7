//! Tests of reading the state and the stream.

use super::*;

#[test]
fn entries_have_all_their_fields() {
    let mut map = Fixture::new(&persistent(0));
    let tags = BTreeMap::from([("t".to_owned(), "1".to_owned())]);
    map.publish(MapPublish {
        data: "1".into(),
        tags: tags.clone(),
        ..key("x")
    });
    map.now = 1500;
    map.remove("x", "");
    let mut entry = MapPublication {
        key: "x".to_owned(),
        data: "1".into(),
        tags,
        offset: 1,
        removed: false,
        info: None,
        time: 1000,
    };
    let stream = map
        .stream(MapReadStream {
            limit: -1,
            ..MapReadStream::default()
        })
        .unwrap();
    assert_eq!(*stream.entries[0], entry);
    entry = MapPublication {
        data: "".into(),
        offset: 2,
        removed: true,
        time: 1500,
        ..entry
    };
    assert_eq!(*stream.entries[1], entry);
}

#[test]
fn state_is_read_in_order_of_keys_from_any_cursor() {
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
        assert_eq!(
            map.page(limit, cursor),
            (keys.to_owned(), next.to_owned()),
            "{limit} {cursor}"
        );
    }
    let lookup = |key: &str| MapReadState {
        key: key.to_owned(),
        cursor: "d".to_owned(),
        ..MapReadState::default()
    };
    let page = map.state(lookup("c")).unwrap();
    assert_eq!((page.entries[0].offset, page.position.offset), (1, 4));
    assert_eq!(map.state(lookup("q")).unwrap().entries, []);
}

#[test]
fn state_of_another_revision_is_unrecoverable_unless_channel_is_new() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    let revision = |offset, epoch: &str| MapReadState {
        revision: MapPosition::from_fields(offset, epoch),
        ..MapReadState::default()
    };
    assert_eq!(map.state(revision(4, "")).unwrap().position.epoch, "e1");
    assert_eq!(map.state(revision(4, "")), Err(MapError::Unrecoverable));
    assert_eq!(map.state(revision(0, "e1")).unwrap().position.epoch, "e1");
    map.channel.clear(map.now);
    // Even if the revision happens to name the epoch that begins with this call.
    assert_eq!(map.state(revision(0, "e2")), Err(MapError::Unrecoverable));
    assert_eq!(map.state(revision(0, "e2")).unwrap().position.epoch, "e2");
}

#[test]
fn stream_keeps_its_newest_changes_and_refuses_to_skip_others() {
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
        assert_eq!(
            map.changes(limit, since, reverse),
            expected,
            "{limit} {since} {reverse}"
        );
    }
    map.publish(key("e"));
    assert_eq!(map.changes(-1, 1, false), Err(MapError::Unrecoverable));
    assert_eq!(map.changes(0, 1, false), Ok(vec![]));
}

#[test]
fn stream_of_another_epoch_is_unrecoverable_unless_channel_is_new() {
    let mut map = Fixture::new(&persistent(3));
    let since = |epoch: &str, reverse| MapReadStream {
        limit: -1,
        since: MapPosition::from_fields(0, epoch),
        reverse,
    };
    assert_eq!(
        map.stream(since("another", false)).unwrap().position.epoch,
        "e1"
    );
    assert_eq!(
        map.stream(since("another", false)),
        Err(MapError::Unrecoverable)
    );
    for _ in 0..4 {
        map.publish(key("k"));
    }
    assert_eq!(map.stream(since("e1", false)).unwrap().entries.len(), 3);
    assert_eq!(map.stream(since("e1", true)).unwrap().entries.len(), 0);
}
