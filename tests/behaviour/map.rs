//! Map channels.

use std::time::{SystemTime, UNIX_EPOCH};

use centrifugo_api::{
    MapClearRequest, MapEntry, MapPublishRequest, MapReadStateRequest, MapReadStreamRequest,
    MapRemoveRequest, MapStatsRequest,
};

use crate::harness::{Env, Failure, Outcome, code};
use crate::unchecked::assert_bad_request;

behaviours!(lacking_in_5_4_9:
    map_publish_returns_offset_and_epoch,
    map_publish_says_why_nothing_changed,
    map_publish_of_an_unknown_key_mode_is_a_bad_request,
    map_remove_says_why_nothing_changed,
    map_read_state_returns_whole_entries,
    map_read_state_is_read_page_by_page,
    map_read_state_of_one_key,
    map_read_state_of_another_revision_is_unrecoverable,
    map_read_stream_returns_the_changes,
    map_read_stream_of_a_trimmed_position_is_unrecoverable,
    map_stats_counts_keys,
    map_clear_starts_a_new_epoch,
    map_methods_are_refused_elsewhere,
);
behaviours!(legacy_commands_of_6_9_1:
    map_clear_starts_a_new_epoch,
    map_methods_are_refused_elsewhere,
    map_publish_returns_offset_and_epoch,
    map_publish_of_an_unknown_key_mode_is_a_bad_request,
    map_publish_says_why_nothing_changed,
    map_read_state_returns_whole_entries,
    map_read_state_is_read_page_by_page,
    map_read_state_of_another_revision_is_unrecoverable,
    map_read_state_of_one_key,
    map_read_stream_returns_the_changes,
    map_read_stream_of_a_trimmed_position_is_unrecoverable,
    map_remove_says_why_nothing_changed,
    map_stats_counts_keys,
);

const MAP: &str = "map:a";

fn publish(key: &str, data: &str) -> MapPublishRequest {
    MapPublishRequest::new(MAP, data).key(key)
}

/// Sets keys to their own names.
async fn publish_keys(env: &Env, keys: &[&str]) -> Result<(), Failure> {
    for key in keys {
        env.client.call(publish(key, &format!("{key:?}"))).await?;
    }
    Ok(())
}

fn keys(entries: &[MapEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

async fn map_publish_returns_offset_and_epoch(env: &Env) -> Outcome {
    let first = env.client.call(publish("a", "1")).await?;
    let second = env.client.call(publish("b", "").delta(true)).await?;
    assert_eq!((first.offset, second.offset), (1, 2));
    assert!(!first.epoch.is_empty());
    assert_eq!(first.epoch, second.epoch);
    assert_eq!(
        (first.suppressed, first.suppress_reason.as_str()),
        (false, "")
    );
    Ok(())
}

async fn map_publish_says_why_nothing_changed(env: &Env) -> Outcome {
    let first = publish("a", "1")
        .version(5)
        .version_epoch("v")
        .idempotency_key("key");
    let position = env.client.call(first.clone()).await?;
    for (request, reason) in [
        (first, "idempotency"),
        (publish("a", "2").version(5).version_epoch("v"), "version"),
        (publish("a", "2").key_mode("if_new"), "key_exists"),
        (publish("b", "2").key_mode("if_exists"), "key_not_found"),
    ] {
        let result = env.client.call(request).await?;
        assert_eq!(
            (result.suppressed, result.suppress_reason.as_str()),
            (true, reason)
        );
        assert_eq!(
            (result.offset, &result.epoch),
            (1, &position.epoch),
            "{reason}"
        );
    }
    let result = env
        .client
        .call(publish("a", "2").version(1).version_epoch("w"))
        .await?;
    assert_eq!((result.suppressed, result.offset), (false, 2));
    Ok(())
}

async fn map_publish_of_an_unknown_key_mode_is_a_bad_request(env: &Env) -> Outcome {
    assert_eq!(
        code(env.client.call(publish("a", "1").key_mode("if_nice")).await),
        107
    );
    Ok(())
}

async fn map_remove_says_why_nothing_changed(env: &Env) -> Outcome {
    publish_keys(env, &["a", "b"]).await?;
    let request = MapRemoveRequest::new(MAP).key("a").idempotency_key("key");
    let removed = env.client.call(request.clone()).await?;
    assert_eq!(
        (
            removed.offset,
            removed.suppressed,
            removed.suppress_reason.as_str()
        ),
        (3, false, "")
    );
    for (request, reason) in [
        (request, "idempotency"),
        (MapRemoveRequest::new(MAP).key("a"), "key_not_found"),
    ] {
        let result = env.client.call(request).await?;
        assert_eq!(
            (result.suppressed, result.suppress_reason.as_str()),
            (true, reason)
        );
        assert_eq!(
            (result.offset, &result.epoch),
            (3, &removed.epoch),
            "{reason}"
        );
    }
    Ok(())
}

async fn map_read_state_returns_whole_entries(env: &Env) -> Outcome {
    let before = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let position = env
        .client
        .call(publish("a", r#"{"n":1}"#).tags([("kind", "alarm")]))
        .await?;
    let after = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let result = env
        .client
        .call(MapReadStateRequest::new(MAP).limit(-1))
        .await?;
    assert_eq!(
        (result.offset, result.epoch, result.cursor.as_str()),
        (1, position.epoch, "")
    );
    let [entry] = &result.entries[..] else {
        panic!("expected one entry, not {:?}", result.entries)
    };
    assert_eq!(
        (entry.key.as_str(), &entry.data[..], entry.offset),
        ("a", &br#"{"n":1}"#[..], 1)
    );
    assert_eq!((entry.score, entry.removed), (0, false));
    assert_eq!(
        entry.tags.iter().collect::<Vec<_>>(),
        [(&"kind".to_owned(), &"alarm".to_owned())]
    );
    assert!(
        (before..=after).contains(&u128::try_from(entry.time)?),
        "{before} <= {} <= {after}",
        entry.time
    );
    Ok(())
}

async fn map_read_state_is_read_page_by_page(env: &Env) -> Outcome {
    publish_keys(env, &["c", "a", "b"]).await?;
    let request = MapReadStateRequest::new(MAP);
    let position = env.client.call(request.clone()).await?;
    assert_eq!((position.offset, position.entries.len()), (3, 0));
    let request = request
        .limit(2)
        .revision_offset(position.offset)
        .revision_epoch(position.epoch);
    let first = env.client.call(request.clone()).await?;
    assert!(!first.cursor.is_empty());
    let second = env.client.call(request.cursor(first.cursor)).await?;
    assert_eq!(
        (keys(&first.entries), keys(&second.entries)),
        (vec!["a", "b"], vec!["c"])
    );
    assert_eq!(second.cursor, "");
    Ok(())
}

async fn map_read_state_of_one_key(env: &Env) -> Outcome {
    publish_keys(env, &["a", "b"]).await?;
    for (key, expected) in [("b", vec!["b"]), ("missing", vec![])] {
        let result = env
            .client
            .call(MapReadStateRequest::new(MAP).key(key))
            .await?;
        assert_eq!((keys(&result.entries), result.offset), (expected, 2));
    }
    Ok(())
}

async fn map_read_state_of_another_revision_is_unrecoverable(env: &Env) -> Outcome {
    publish_keys(env, &["a"]).await?;
    let request = MapReadStateRequest::new(MAP)
        .limit(-1)
        .revision_offset(1)
        .revision_epoch("another");
    assert_eq!(code(env.client.call(request).await), 112);
    Ok(())
}

async fn map_read_stream_returns_the_changes(env: &Env) -> Outcome {
    publish_keys(env, &["a", "b", "c"]).await?;
    let epoch = env
        .client
        .call(MapRemoveRequest::new(MAP).key("a"))
        .await?
        .epoch;
    let request = MapReadStreamRequest::new(MAP);
    for (request, expected) in [
        (request.clone(), vec![]),
        (
            request.clone().limit(-1),
            vec![(1, false), (2, false), (3, false), (4, true)],
        ),
        (
            request
                .clone()
                .limit(2)
                .since_offset(1)
                .since_epoch(epoch.as_str()),
            vec![(2, false), (3, false)],
        ),
        (
            request.clone().limit(2).reverse(true),
            vec![(4, true), (3, false)],
        ),
        (
            request.clone().limit(-1).since_offset(3).reverse(true),
            vec![(2, false), (1, false)],
        ),
    ] {
        let result = env.client.call(request).await?;
        let changes: Vec<_> = result
            .entries
            .iter()
            .map(|entry| (entry.offset, entry.removed))
            .collect();
        assert_eq!(
            (changes, result.offset, &result.epoch),
            (expected, 4, &epoch)
        );
    }
    let result = env.client.call(request.limit(1)).await?;
    assert_eq!(
        (keys(&result.entries), &result.entries[0].data[..]),
        (vec!["a"], &br#""a""#[..])
    );
    Ok(())
}

async fn map_read_stream_of_a_trimmed_position_is_unrecoverable(env: &Env) -> Outcome {
    // The stream holds 100 changes by default.
    for _ in 0..102 {
        publish_keys(env, &["a"]).await?;
    }
    let request = MapReadStreamRequest::new(MAP).limit(1);
    assert_eq!(
        code(env.client.call(request.clone().since_offset(1)).await),
        112
    );
    let another = request.clone().since_offset(101).since_epoch("another");
    assert_eq!(code(env.client.call(another).await), 112);
    assert_eq!(
        env.client.call(request.since_offset(2)).await?.entries[0].offset,
        3
    );
    Ok(())
}

async fn map_stats_counts_keys(env: &Env) -> Outcome {
    assert_eq!(
        env.client.call(MapStatsRequest::new(MAP)).await?.num_keys,
        0
    );
    publish_keys(env, &["a", "b", "a"]).await?;
    assert_eq!(
        env.client.call(MapStatsRequest::new(MAP)).await?.num_keys,
        2
    );
    Ok(())
}

async fn map_clear_starts_a_new_epoch(env: &Env) -> Outcome {
    publish_keys(env, &["a"]).await?;
    let before = env.client.call(MapReadStateRequest::new(MAP)).await?;
    env.client.call(MapClearRequest::new(MAP)).await?;
    let state = env
        .client
        .call(MapReadStateRequest::new(MAP).limit(-1))
        .await?;
    let stream = env
        .client
        .call(MapReadStreamRequest::new(MAP).limit(-1))
        .await?;
    assert_eq!(
        (state.entries.len(), stream.entries.len(), state.offset),
        (0, 0, 0)
    );
    assert_ne!(state.epoch, before.epoch);
    assert_eq!(state.epoch, stream.epoch);
    Ok(())
}

async fn map_methods_are_refused_elsewhere(env: &Env) -> Outcome {
    for (channel, expected) in [("plain:a", 107), ("poll:a", 107), ("invalid:a", 102)] {
        let client = &env.client;
        let codes = [
            code(
                client
                    .call(MapPublishRequest::new(channel, "1").key("key"))
                    .await,
            ),
            code(client.call(MapRemoveRequest::new(channel).key("key")).await),
            code(client.call(MapReadStateRequest::new(channel)).await),
            code(client.call(MapReadStreamRequest::new(channel)).await),
            code(client.call(MapStatsRequest::new(channel)).await),
            code(client.call(MapClearRequest::new(channel)).await),
        ];
        assert_eq!(codes, [expected; 6], "{channel:?}");
    }
    assert_bad_request(env, MapPublishRequest::new("", "1").key("key"), "channel").await;
    assert_bad_request(env, MapRemoveRequest::new("").key("key"), "channel").await;
    assert_bad_request(env, MapReadStateRequest::new(""), "channel").await;
    assert_bad_request(env, MapReadStreamRequest::new(""), "channel").await;
    assert_bad_request(env, MapStatsRequest::new(""), "channel").await;
    assert_bad_request(env, MapClearRequest::new(""), "channel").await;
    assert_bad_request(env, publish("", "1"), "key").await;
    assert_bad_request(env, MapRemoveRequest::new(MAP).key(""), "key").await;
    Ok(())
}
