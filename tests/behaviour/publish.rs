//! Publications into one channel.

use centrifugo_api::{HistoryRequest, PublishRequest};

use crate::harness::{Env, Outcome, code, offsets};
use crate::unchecked::assert_bad_request;

behaviours!(everywhere:
    publish_returns_offset_and_epoch,
    publish_without_history_returns_no_position,
    publish_with_skip_history_does_not_change_the_history,
    publish_keeps_tags,
    publish_without_data_or_channel_is_a_bad_request,
    publish_into_an_unknown_namespace_is_refused,
    publish_accepts_any_channel_name,
);
behaviours!(lacking_in_5_4_9:
    publish_drops_an_old_version_silently,
    publish_accepts_any_version_of_another_epoch,
    publish_accepts_empty_data_in_a_binary_namespace,
    publish_into_a_map_or_poll_channel_is_a_bad_request,
);
behaviours!(legacy_commands:
    publish_returns_offset_and_epoch,
    publish_into_an_unknown_namespace_is_refused,
    publish_keeps_tags,
    publish_accepts_any_channel_name,
    publish_with_skip_history_does_not_change_the_history,
    publish_without_data_or_channel_is_a_bad_request,
    publish_without_history_returns_no_position,
);
behaviours!(legacy_commands_of_6_9_1:
    publish_drops_an_old_version_silently,
    publish_into_a_map_or_poll_channel_is_a_bad_request,
    publish_accepts_any_version_of_another_epoch,
    publish_accepts_empty_data_in_a_binary_namespace,
);

async fn publish_returns_offset_and_epoch(env: &Env) -> Outcome {
    let first = env.publish("plain:a", "1").await?;
    let second = env.publish("plain:a", "2").await?;
    let other = env.publish("plain:b", "1").await?;
    assert_eq!((first.offset, second.offset, other.offset), (1, 2, 1));
    assert!(!first.epoch.is_empty());
    assert_eq!(first.epoch, second.epoch);
    Ok(())
}

async fn publish_without_history_returns_no_position(env: &Env) -> Outcome {
    let result = env.publish("nohist:a", "1").await?;
    assert_eq!((result.offset, result.epoch.as_str()), (0, ""));
    Ok(())
}

async fn publish_with_skip_history_does_not_change_the_history(env: &Env) -> Outcome {
    let request = PublishRequest::new("plain:a", "1").skip_history(true);
    let result = env.client.call(request).await?;
    assert_eq!((result.offset, result.epoch.as_str()), (0, ""));
    let history = env
        .client
        .call(HistoryRequest::new("plain:a").limit(-1))
        .await?;
    assert_eq!((history.offset, history.publications.len()), (0, 0));
    Ok(())
}

async fn publish_keeps_tags(env: &Env) -> Outcome {
    let request = PublishRequest::new("plain:a", "1")
        .tags([("kind", "alarm"), ("empty", "")])
        .delta(true);
    env.client.call(request).await?;
    let history = env
        .client
        .call(HistoryRequest::new("plain:a").limit(1))
        .await?;
    let tags: Vec<_> = history.publications[0]
        .tags
        .iter()
        .map(|(key, value)| (&key[..], &value[..]))
        .collect();
    assert_eq!(tags, [("empty", ""), ("kind", "alarm")]);
    Ok(())
}

async fn publish_without_data_or_channel_is_a_bad_request(env: &Env) -> Outcome {
    assert_eq!(code(env.publish("plain:a", "").await), 107);
    assert_bad_request(env, PublishRequest::new("", "1"), "channel").await;
    Ok(())
}

async fn publish_into_an_unknown_namespace_is_refused(env: &Env) -> Outcome {
    assert_eq!(code(env.publish("invalid:a", "1").await), 102);
    Ok(())
}

async fn publish_accepts_any_channel_name(env: &Env) -> Outcome {
    for channel in [
        "plain:ü \u{1F600}/?#\"\\\n<&>",
        &format!("plain:{}", "x".repeat(10_000)),
        "no namespace",
    ] {
        env.publish(channel, "1").await?;
    }
    Ok(())
}

async fn publish_drops_an_old_version_silently(env: &Env) -> Outcome {
    let mut positions = Vec::new();
    for version in [5, 5, 4, 6] {
        let request = PublishRequest::new("plain:a", "1").version(version);
        positions.push(env.client.call(request).await?.offset);
    }
    assert_eq!(positions, [1, 1, 1, 2]);
    let history = env
        .client
        .call(HistoryRequest::new("plain:a").limit(-1))
        .await?;
    assert_eq!(offsets(&history.publications), [1, 2]);
    Ok(())
}

async fn publish_accepts_any_version_of_another_epoch(env: &Env) -> Outcome {
    let mut positions = Vec::new();
    for (version, epoch) in [(5, "a"), (4, "a"), (1, "b")] {
        let request = PublishRequest::new("plain:a", "1")
            .version(version)
            .version_epoch(epoch);
        positions.push(env.client.call(request).await?.offset);
    }
    assert_eq!(positions, [1, 1, 2]);
    Ok(())
}

async fn publish_accepts_empty_data_in_a_binary_namespace(env: &Env) -> Outcome {
    env.publish("bin:a", "").await?;
    let history = env
        .client
        .call(HistoryRequest::new("bin:a").limit(-1))
        .await?;
    assert_eq!(offsets(&history.publications), [1]);
    assert!(history.publications[0].data.is_empty());
    Ok(())
}

async fn publish_into_a_map_or_poll_channel_is_a_bad_request(env: &Env) -> Outcome {
    assert_eq!(code(env.publish("map:a", "1").await), 107);
    assert_eq!(code(env.publish("poll:a", "1").await), 107);
    Ok(())
}
