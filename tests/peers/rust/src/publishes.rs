//! Publications.

use std::collections::BTreeMap;

use cent::{Client, Error, HistoryRequest, PublishRequest, PublishResult};
use tokio::task::JoinSet;

use crate::peer::{Outcome, Peer, code, http_error, raw};

pub async fn publish(peer: Peer) -> Outcome {
    let channel = peer.channel("publish");
    let first = peer.publish(&channel, r#"{"n":1}"#).await?;
    let second = peer.publish(&channel, r#"{"n":2}"#).await?;
    assert_eq!((first.offset, second.offset), (1, 2));
    assert!(!first.epoch.is_empty());
    assert_eq!(first.epoch, second.epoch);
    Ok(())
}

pub async fn publish_without_history(peer: Peer) -> Outcome {
    let skipped = peer.channel("skip");
    for request in [
        PublishRequest::new(peer.channel_of("nohist", "a")),
        PublishRequest::new(format!("news-{}", peer.run)),
        PublishRequest::new(&skipped).skip_history(true),
    ] {
        let PublishResult { offset, epoch, .. } =
            peer.client.publish(request.data(raw("1"))).await?;
        assert_eq!((offset, epoch.as_str()), (0, ""));
    }
    assert!(peer.data(&skipped).await?.is_empty());
    Ok(())
}

pub async fn publish_with_idempotency_key(peer: Peer) -> Outcome {
    let channel = peer.channel("idempotency");
    let request = |data, key: &str| {
        PublishRequest::new(&channel)
            .data(raw(data))
            .idempotency_key(key)
    };
    let first = peer.client.publish(request("1", "key")).await?;
    let repeat = peer.client.publish(request("2", "key")).await?;
    assert_eq!((repeat.offset, &repeat.epoch), (1, &first.epoch));
    assert_eq!(peer.client.publish(request("3", "other")).await?.offset, 2);
    assert_eq!(peer.data(&channel).await?, ["1", "3"]);
    Ok(())
}

pub async fn publish_with_version(peer: Peer) -> Outcome {
    let channel = peer.channel("version");
    for (data, version, epoch, offset) in [
        ("1", 5, "", 1),
        ("2", 5, "", 1),
        ("3", 6, "", 2),
        ("4", 1, "e", 3),
        ("5", 1, "e", 3),
    ] {
        let request = PublishRequest::new(&channel)
            .data(raw(data))
            .version(version)
            .version_epoch(epoch);
        assert_eq!(
            peer.client.publish(request).await?.offset,
            offset,
            "publication {data}"
        );
    }
    assert_eq!(peer.data(&channel).await?, ["1", "3", "4"]);
    Ok(())
}

pub async fn publish_with_tags(peer: Peer) -> Outcome {
    let channel = peer.channel("tags");
    let tags = [("kind", "news"), ("größe", "1")];
    let request = PublishRequest::new(&channel)
        .data(raw("1"))
        .tags(tags)
        .delta(true);
    peer.client.publish(request).await?;
    let history = peer.history(&channel).await?;
    let expected: BTreeMap<_, _> = tags
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    assert_eq!(history.publications[0].tags, expected);
    assert!(history.publications[0].info.is_none());
    Ok(())
}

pub async fn payloads(peer: Peer) -> Outcome {
    let channel = peer.channel("unicode-é😀 <&>");
    // As sent, and as read back.
    let payloads = [
        (r#""""#, r#""""#),
        ("0", "0"),
        ("false", "false"),
        ("null", "null"),
        (" { } ", "{}"),
        ("[ 1, 2 ]", "[1,2]"),
        ("-1.50", "-1.50"),
        ("1e400", "1e400"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        (
            r#"{"text":"héllo 😀","π":[null]}"#,
            r#"{"text":"héllo 😀","π":[null]}"#,
        ),
        (r#""<b>&""#, r#""\u003cb\u003e\u0026""#),
        ("\"\u{2028}\u{2029}\"", r#""\u2028\u2029""#),
        (r#""\"\\\n\t\u0000\/""#, r#""\"\\\n\t\u0000\/""#),
        (r#""\ud800""#, r#""\ud800""#),
    ];
    for (sent, _) in payloads {
        peer.publish(&channel, sent).await?;
    }
    assert_eq!(
        peer.data(&channel).await?,
        payloads.map(|(_, expected)| expected)
    );
    Ok(())
}

pub async fn large_payload(peer: Peer) -> Outcome {
    let channel = peer.channel("payload");
    let data = format!("{:?}", "x".repeat(1_000_000));
    peer.publish(&channel, &data).await?;
    assert!(
        peer.data(&channel).await? == [data],
        "a megabyte must come back"
    );
    Ok(())
}

pub async fn concurrent_publishes(peer: Peer) -> Outcome {
    let channel = peer.channel("concurrent");
    let client = Client::new(peer.config())?;
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let client = client.clone();
        let request = PublishRequest::new(&channel).data(raw("1"));
        calls.spawn(async move { client.publish(request).await });
    }
    let mut offsets = vec![];
    for result in calls.join_all().await {
        offsets.push(result?.offset);
    }
    offsets.sort_unstable();
    assert_eq!(offsets, (1..=200).collect::<Vec<_>>());
    Ok(())
}

pub async fn binary_data(peer: Peer) -> Outcome {
    let channel = peer.channel("b64");
    peer.client
        .publish(PublishRequest::new(&channel).b64data("eyJuIjogMX0="))
        .await?;
    peer.client
        .publish(
            PublishRequest::new(&channel)
                .data(raw("0"))
                .b64data("IndpbnMi"),
        )
        .await?;
    assert_eq!(peer.data(&channel).await?, [r#"{"n":1}"#, r#""wins""#]);
    for wrong in ["no base64!", "MQ", "_w=="] {
        assert_eq!(
            code(
                peer.client
                    .publish(PublishRequest::new(&channel).b64data(wrong))
                    .await
            ),
            107,
            "{wrong}"
        );
    }
    Ok(())
}

pub async fn binary_data_that_json_cannot_carry(peer: Peer) -> Outcome {
    for channel in [peer.channel("bytes"), peer.channel_of("bin", "bytes")] {
        let result = peer
            .client
            .publish(PublishRequest::new(&channel).b64data("/w=="))
            .await?;
        assert_eq!(result.offset, 1);
        assert_eq!(http_error(peer.history(&channel).await).0, 500);
        assert_eq!(
            http_error(
                peer.transport_mode
                    .history(HistoryRequest::new(&channel).limit(1))
                    .await
            )
            .0,
            500
        );
        assert_eq!(
            peer.client
                .history(HistoryRequest::new(&channel))
                .await?
                .offset,
            1
        );
    }
    Ok(())
}

/// Checks data that is empty, which the client itself refuses, and unusual JSON, which it sends
/// unchanged.
pub async fn binary_namespace(peer: Peer) -> Outcome {
    let channel = peer.channel_of("bin", "json");
    let empty = peer
        .client
        .publish(PublishRequest::new(&channel).b64data(""))
        .await;
    assert!(matches!(empty, Err(Error::InvalidRequest(_))), "{empty:?}");
    assert_eq!(peer.publish(&channel, r#""text""#).await?.offset, 1);
    assert_eq!(peer.data(&channel).await?, [r#""text""#]);
    Ok(())
}
