//! Tests of publications, removals and clearing.

use super::*;

#[test]
fn offsets_count_changes_of_an_epoch() {
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
fn ephemeral_channels_have_epoch_and_no_offsets() {
    let mut map = Fixture::new(&ephemeral());
    assert_eq!(map.publish(key("a")), changed(0, "e1"));
    assert_eq!(map.remove("a", ""), changed(0, "e1"));
    assert_eq!(map.publish(key("b")), changed(0, "e1"));
    assert_eq!(
        (map.all_changes(), map.changes(-1, 1, false)),
        (vec![], Ok(vec![]))
    );
    assert_eq!(map.page(-1, ""), ("b".to_owned(), String::new()));
}

#[test]
fn versions_fail_in_ephemeral_mode_even_with_known_idempotency_key() {
    let mut map = Fixture::new(&ephemeral());
    map.publish(MapPublish {
        idempotency_key: "i".to_owned(),
        ..key("k")
    });
    let request = MapPublish {
        idempotency_key: "i".to_owned(),
        ..version(1, "")
    };
    let result = map.call(|channel, now, mut epoch| channel.publish(now, request, &mut epoch));
    assert_eq!(result, Err(MapError::Internal));
}

#[test]
fn contradictory_options_fail_all_calls_but_read_stream_stats_and_clear() {
    let with_meta = MapOptions {
        meta_ttl: Duration::from_secs(60),
        ..persistent(0)
    };
    for options in [recoverable(300_000, 0, 60_000), with_meta] {
        assert_eq!(options.check(), Ok(()));
        let mut map = Fixture::new(&options);
        let result = map.call(|channel, now, mut epoch| channel.publish(now, key("k"), &mut epoch));
        assert_eq!(result, Err(MapError::Internal));
        assert_eq!(
            map.channel.remove(map.now, MapRemove::default()),
            Err(MapError::Internal)
        );
        assert_eq!(map.state(MapReadState::default()), Err(MapError::Internal));
        assert_eq!(
            map.stream(MapReadStream::default()).unwrap().position.epoch,
            "e1"
        );
        assert_eq!(map.channel.num_keys(map.now), 0);
        map.channel.clear(map.now);
    }
}

#[test]
fn suppressed_publications_begin_an_epoch_and_suppressed_removals_do_not() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    assert_eq!(map.remove("a", ""), suppressed("key_not_found", 0, ""));
    let request = MapPublish {
        key_mode: KeyMode::IfExists,
        ..key("a")
    };
    assert_eq!(map.publish(request), suppressed("key_not_found", 0, "e1"));
    assert_eq!(map.remove("a", ""), suppressed("key_not_found", 0, "e1"));
}

#[test]
fn key_modes_are_parsed_by_exact_names() {
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
    let if_new = MapPublish {
        key_mode: KeyMode::IfNew,
        ..version(2, "e")
    };
    assert_eq!(map.publish(if_new), suppressed("version", 1, "e1"));
    let if_new = MapPublish {
        key_mode: KeyMode::IfNew,
        ..version(4, "e")
    };
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
    assert_eq!(
        map.publish(with("i", key("y"))),
        suppressed("idempotency", 1, "e1")
    );
    assert_eq!(map.remove("x", "i"), suppressed("idempotency", 1, "e1"));
    assert_eq!(map.remove("x", "j"), changed(3, "e1"));
    assert_eq!(
        map.publish(with("j", key("x"))),
        suppressed("idempotency", 3, "e1")
    );
    map.now += 299_999;
    assert_eq!(map.remove("x", "j"), suppressed("idempotency", 3, "e1"));
    map.now += 1;
    assert_eq!(map.publish(with("j", key("x"))), changed(4, "e1"));
}

#[test]
fn suppressed_calls_do_not_use_up_their_idempotency_key() {
    let mut map = Fixture::new(&persistent(0));
    let request = |version| MapPublish {
        idempotency_key: "s".to_owned(),
        ..self::version(version, "")
    };
    map.publish(version(1, ""));
    assert_eq!(map.publish(request(1)), suppressed("version", 1, "e1"));
    assert_eq!(map.publish(request(2)), changed(2, "e1"));
    assert_eq!(map.publish(request(3)), suppressed("idempotency", 2, "e1"));
}

#[test]
fn clear_removes_idempotency_keys_and_epoch() {
    let mut map = Fixture::new(&recoverable(2000, 0, 0));
    let request = || MapPublish {
        idempotency_key: "i".to_owned(),
        ..key("x")
    };
    map.publish(request());
    map.channel.clear(map.now);
    assert_eq!(map.publish(request()), changed(1, "e2"));
    assert_eq!(map.channel.expire(map.now), []);
}
