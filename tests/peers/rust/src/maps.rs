//! Map and shared poll channels.

use std::collections::BTreeMap;

use cent::{
    Error, MapClearRequest, MapEntry, MapPublishRequest, MapPublishResult, MapReadStateRequest,
    MapReadStreamRequest, MapRemoveRequest, MapStatsRequest, SharedPollPublishRequest,
};

use crate::peer::{Outcome, Peer, api_error, code, http_error, raw};

fn set(channel: &str, key: &str, data: &str) -> MapPublishRequest {
    MapPublishRequest::new(channel, key).data(raw(data))
}

/// Sets keys to 1, in this order.
async fn set_keys(peer: &Peer, channel: &str, keys: &[&str]) -> Result<MapPublishResult, Error> {
    let mut last = MapPublishResult::default();
    for key in keys {
        last = peer.client.map_publish(set(channel, key, "1")).await?;
    }
    Ok(last)
}

fn keys(entries: &[MapEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

fn changes(entries: &[MapEntry]) -> Vec<(u64, bool)> {
    entries
        .iter()
        .map(|entry| (entry.offset, entry.removed))
        .collect()
}

pub async fn map_publish_and_read(peer: Peer) -> Outcome {
    let channel = peer.channel_of("map", "read");
    let request = set(&channel, "a", r#"{"n": 1, "text": "é😀"}"#).tags([("kind", "alarm")]);
    let first = peer.client.map_publish(request).await?;
    assert_eq!(
        (
            first.offset,
            first.suppressed,
            first.suppress_reason.as_str()
        ),
        (1, false, "")
    );
    assert!(!first.epoch.is_empty());
    let second = peer
        .client
        .map_publish(MapPublishRequest::new(&channel, "b").b64data("IndpbnMi"))
        .await?;
    assert_eq!((second.offset, &second.epoch), (2, &first.epoch));
    let state = peer
        .client
        .map_read_state(MapReadStateRequest::new(&channel).limit(-1))
        .await?;
    assert_eq!(
        (state.offset, &state.epoch, state.cursor.as_str()),
        (2, &first.epoch, "")
    );
    let [a, b] = &state.entries[..] else {
        panic!("expected two entries, not {:?}", state.entries)
    };
    let data = |entry: &MapEntry| entry.data.as_ref().map(|data| data.get().to_owned());
    assert_eq!(
        (a.key.as_str(), a.offset, data(a)),
        ("a", 1, Some(r#"{"n":1,"text":"é😀"}"#.to_owned()))
    );
    assert_eq!(
        (b.key.as_str(), b.offset, data(b)),
        ("b", 2, Some(r#""wins""#.to_owned()))
    );
    assert_eq!(
        a.tags,
        BTreeMap::from([("kind".to_owned(), "alarm".to_owned())])
    );
    assert!(a.time > 0 && !a.removed && b.tags.is_empty(), "{a:?} {b:?}");
    assert_eq!(
        peer.client
            .map_stats(MapStatsRequest::new(&channel))
            .await?
            .num_keys,
        2
    );
    Ok(())
}

pub async fn map_publish_that_changes_nothing(peer: Peer) -> Outcome {
    let channel = peer.channel_of("map", "suppressed");
    let first = set(&channel, "a", "1")
        .version(5)
        .version_epoch("v")
        .idempotency_key("key");
    let position = peer.client.map_publish(first.clone()).await?;
    for (request, reason) in [
        (first.clone(), "idempotency"),
        (
            set(&channel, "a", "2").version(5).version_epoch("v"),
            "version",
        ),
        (set(&channel, "a", "2").key_mode("if_new"), "key_exists"),
        (
            set(&channel, "b", "2").key_mode("if_exists"),
            "key_not_found",
        ),
    ] {
        let result = peer.client.map_publish(request).await?;
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
    assert_eq!(
        code(
            peer.client
                .map_publish(set(&channel, "a", "2").key_mode("if_nice"))
                .await
        ),
        107
    );
    Ok(())
}

pub async fn map_state_page_by_page(peer: Peer) -> Outcome {
    let channel = peer.channel_of("map", "pages");
    set_keys(&peer, &channel, &["c", "a", "b"]).await?;
    let request = MapReadStateRequest::new(&channel);
    let position = peer.client.map_read_state(request.clone()).await?;
    assert_eq!((position.offset, position.entries.len()), (3, 0));
    let pages = request
        .clone()
        .limit(2)
        .revision_offset(position.offset)
        .revision_epoch(position.epoch);
    let first = peer.client.map_read_state(pages.clone()).await?;
    let second = peer
        .client
        .map_read_state(pages.cursor(first.cursor))
        .await?;
    assert_eq!(
        (keys(&first.entries), keys(&second.entries)),
        (vec!["a", "b"], vec!["c"])
    );
    assert_eq!(second.cursor, "");
    for (key, expected) in [("b", vec!["b"]), ("missing", vec![])] {
        assert_eq!(
            keys(
                &peer
                    .client
                    .map_read_state(request.clone().key(key))
                    .await?
                    .entries
            ),
            expected
        );
    }
    Ok(())
}

pub async fn map_remove(peer: Peer) -> Outcome {
    let channel = peer.channel_of("map", "remove");
    set_keys(&peer, &channel, &["a", "b"]).await?;
    let request = MapRemoveRequest::new(&channel, "a").idempotency_key("key");
    for (request, suppressed, reason) in [
        (request.clone(), false, ""),
        (request, true, "idempotency"),
        (MapRemoveRequest::new(&channel, "a"), true, "key_not_found"),
    ] {
        let result = peer.client.map_remove(request).await?;
        assert_eq!(
            (
                result.offset,
                result.suppressed,
                result.suppress_reason.as_str()
            ),
            (3, suppressed, reason)
        );
    }
    let state = peer
        .client
        .map_read_state(MapReadStateRequest::new(&channel).limit(-1))
        .await?;
    assert_eq!((keys(&state.entries), state.offset), (vec!["b"], 3));
    Ok(())
}

pub async fn map_stream(peer: Peer) -> Outcome {
    let channel = peer.channel_of("map", "stream");
    let epoch = set_keys(&peer, &channel, &["a", "b", "c"]).await?.epoch;
    peer.client
        .map_remove(MapRemoveRequest::new(&channel, "a"))
        .await?;
    let all = MapReadStreamRequest::new(&channel).limit(-1);
    for (request, expected) in [
        (
            all.clone(),
            vec![(1, false), (2, false), (3, false), (4, true)],
        ),
        (MapReadStreamRequest::new(&channel), vec![]),
        (
            all.clone().limit(2).since_offset(1).since_epoch(&epoch),
            vec![(2, false), (3, false)],
        ),
        (
            all.clone().limit(2).reverse(true),
            vec![(4, true), (3, false)],
        ),
        (
            all.clone().since_offset(3).reverse(true),
            vec![(2, false), (1, false)],
        ),
    ] {
        let result = peer.client.map_read_stream(request).await?;
        assert_eq!(
            (changes(&result.entries), result.offset, &result.epoch),
            (expected, 4, &epoch)
        );
    }
    Ok(())
}

pub async fn map_of_another_epoch(peer: Peer) -> Outcome {
    let channel = peer.channel_of("map", "epoch");
    set_keys(&peer, &channel, &["a"]).await?;
    let state = MapReadStateRequest::new(&channel)
        .limit(-1)
        .revision_offset(1)
        .revision_epoch("other");
    let stream = MapReadStreamRequest::new(&channel)
        .limit(1)
        .since_offset(1)
        .since_epoch("other");
    for client in [&peer.client, &peer.transport_mode] {
        assert_eq!(code(client.map_read_state(state.clone()).await), 112);
        assert_eq!(code(client.map_read_stream(stream.clone()).await), 112);
    }
    Ok(())
}

pub async fn map_clear(peer: Peer) -> Outcome {
    let channel = peer.channel_of("map", "clear");
    let before = set_keys(&peer, &channel, &["a"]).await?;
    peer.client
        .map_clear(MapClearRequest::new(&channel))
        .await?;
    let state = peer
        .client
        .map_read_state(MapReadStateRequest::new(&channel).limit(-1))
        .await?;
    assert_eq!((state.entries.len(), state.offset), (0, 0));
    assert_ne!(state.epoch, before.epoch);
    assert_eq!(
        peer.client
            .map_stats(MapStatsRequest::new(&channel))
            .await?
            .num_keys,
        0
    );
    peer.client
        .map_publish(MapPublishRequest::new(&channel, "a").b64data("/w=="))
        .await?;
    assert_eq!(
        http_error(
            peer.client
                .map_read_state(MapReadStateRequest::new(&channel).limit(-1))
                .await
        )
        .0,
        500
    );
    Ok(())
}

pub async fn map_methods_elsewhere(peer: Peer) -> Outcome {
    let client = &peer.client;
    for (channel, expected) in [
        (peer.channel("a"), (107, "bad request".to_owned())),
        (String::new(), (107, "bad request".to_owned())),
        (
            peer.channel_of("invalid", "a"),
            (102, "unknown channel".to_owned()),
        ),
    ] {
        let channel = channel.as_str();
        let errors = [
            api_error(client.map_publish(set(channel, "a", "1")).await),
            api_error(client.map_remove(MapRemoveRequest::new(channel, "a")).await),
            api_error(
                client
                    .map_read_state(MapReadStateRequest::new(channel))
                    .await,
            ),
            api_error(
                client
                    .map_read_stream(MapReadStreamRequest::new(channel))
                    .await,
            ),
            api_error(client.map_stats(MapStatsRequest::new(channel)).await),
            api_error(client.map_clear(MapClearRequest::new(channel)).await),
            api_error(
                client
                    .shared_poll_publish(
                        SharedPollPublishRequest::new(channel, "a", 1).data(raw("1")),
                    )
                    .await,
            ),
        ];
        assert_eq!(
            errors,
            std::array::from_fn(|_| expected.clone()),
            "{channel:?}"
        );
    }
    Ok(())
}

pub async fn shared_poll_publish(peer: Peer) -> Outcome {
    let request =
        SharedPollPublishRequest::new(peer.channel_of("poll", "a"), "a", 1).data(raw("1"));
    peer.client.shared_poll_publish(request.clone()).await?;
    peer.client
        .shared_poll_publish(request.clone().b64data("/w==").version(2).epoch("e"))
        .await?;
    assert_eq!(
        code(
            peer.client
                .shared_poll_publish(request.clone().version(0))
                .await
        ),
        107
    );
    assert_eq!(
        code(peer.client.shared_poll_publish(request.key("")).await),
        107
    );
    Ok(())
}
