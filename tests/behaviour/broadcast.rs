//! Broadcasts to several channels.

use centrifugo_api::{BroadcastRequest, BroadcastResult, HistoryRequest};

use crate::harness::{Env, Outcome, code};
use crate::server::Version;
use crate::unchecked::assert_bad_request;

behaviours!(everywhere:
    broadcast_returns_one_response_per_channel,
    broadcast_fails_channel_by_channel,
    broadcast_without_channels_is_a_bad_request,
    broadcast_without_data_is_a_bad_request,
    broadcast_with_bad_base64_is_refused_whole,
    broadcast_passes_its_options_on,
    broadcast_accepts_10_000_channels,
);
behaviours!(lacking_in_5_4_9:
    broadcast_drops_an_old_version_silently,
    broadcast_to_a_map_or_poll_channel_looks_like_a_success,
);
behaviours!(legacy_commands:
    broadcast_returns_one_response_per_channel,
    broadcast_fails_channel_by_channel,
    broadcast_passes_its_options_on,
    broadcast_accepts_10_000_channels,
    broadcast_with_bad_base64_is_refused_whole,
    broadcast_without_channels_is_a_bad_request,
    broadcast_without_data_is_a_bad_request,
);
behaviours!(legacy_commands_of_6_9_1:
    broadcast_drops_an_old_version_silently,
    broadcast_to_a_map_or_poll_channel_looks_like_a_success,
);

/// Returns the offset in each channel, or the code of its error.
fn parts(result: &BroadcastResult) -> Vec<Result<u64, u32>> {
    result
        .outcomes()
        .map(|outcome| {
            outcome
                .map(|result| result.offset)
                .map_err(|error| error.code)
        })
        .collect()
}

async fn broadcast_returns_one_response_per_channel(env: &Env) -> Outcome {
    env.publish("plain:b", "0").await?;
    let request = BroadcastRequest::new(["plain:a", "plain:b", "nohist:c", "plain:a"], "1");
    let result = env.client.broadcast(request).await?;
    // Centrifugo publishes to the channels concurrently, so either publication to `plain:a` may be
    // first.
    let mut parts = parts(&result);
    assert_eq!(parts[1..3], [Ok(2), Ok(0)]);
    parts.sort();
    assert_eq!(parts, [Ok(0), Ok(1), Ok(2), Ok(2)]);
    for (channel, outcome) in ["plain:a", "plain:b"].into_iter().zip(result.outcomes()) {
        let history = env.client.call(HistoryRequest::new(channel)).await?;
        assert_eq!(outcome.map(|result| &result.epoch), Ok(&history.epoch));
    }
    Ok(())
}

async fn broadcast_fails_channel_by_channel(env: &Env) -> Outcome {
    let request = BroadcastRequest::new(["invalid:1", "plain:a", ""], "1");
    let result = env.client.broadcast(request).await?;
    assert_eq!(parts(&result), [Err(102), Ok(1), Err(107)]);
    let failed: Vec<_> = result
        .failed()
        .map(|(channel, error)| (channel, error.message.as_str()))
        .collect();
    assert_eq!(
        failed,
        [("invalid:1", "unknown channel"), ("", "bad request")]
    );
    Ok(())
}

async fn broadcast_without_channels_is_a_bad_request(env: &Env) -> Outcome {
    let request = BroadcastRequest::new(Vec::<String>::new(), "1");
    assert_bad_request(env, request, "channels").await;
    Ok(())
}

async fn broadcast_without_data_is_a_bad_request(env: &Env) -> Outcome {
    let result = env
        .client
        .broadcast(BroadcastRequest::new(["plain:a", "plain:b"], ""))
        .await;
    match env.version {
        Version::V6 => assert_eq!(parts(&result?), [Err(107), Err(107)]),
        Version::V5 | Version::V3 => assert_eq!(code(result), 107),
    }
    Ok(())
}

async fn broadcast_with_bad_base64_is_refused_whole(env: &Env) -> Outcome {
    let request = BroadcastRequest::new(["plain:a"], "1").b64data("no base64!");
    assert_eq!(code(env.client.broadcast(request).await), 107);
    Ok(())
}

async fn broadcast_passes_its_options_on(env: &Env) -> Outcome {
    let tagged = BroadcastRequest::new(["plain:a", "plain:b"], "1")
        .tags([("kind", "alarm")])
        .delta(true);
    env.client.broadcast(tagged).await?.all_ok()?;
    let skipping = BroadcastRequest::new(["plain:a", "plain:b"], "2").skip_history(true);
    assert_eq!(
        parts(&env.client.broadcast(skipping).await?),
        [Ok(0), Ok(0)]
    );
    for channel in ["plain:a", "plain:b"] {
        let history = env
            .client
            .call(HistoryRequest::new(channel).limit(-1))
            .await?;
        assert_eq!(history.publications.len(), 1);
        assert_eq!(history.publications[0].data, "1");
        assert_eq!(history.publications[0].tags["kind"], "alarm");
    }
    Ok(())
}

async fn broadcast_accepts_10_000_channels(env: &Env) -> Outcome {
    let channels = (0..10_000).map(|number| format!("plain:{number}"));
    let result = env
        .client
        .broadcast(BroadcastRequest::new(channels, "1"))
        .await?;
    assert_eq!(parts(&result), vec![Ok(1); 10_000]);
    Ok(())
}

async fn broadcast_drops_an_old_version_silently(env: &Env) -> Outcome {
    for (version, epoch, offset) in [(2, "a", 1), (1, "a", 1), (3, "a", 2), (1, "b", 3)] {
        let request = BroadcastRequest::new(["plain:a"], "1")
            .version(version)
            .version_epoch(epoch);
        assert_eq!(parts(&env.client.broadcast(request).await?), [Ok(offset)]);
    }
    Ok(())
}

async fn broadcast_to_a_map_or_poll_channel_looks_like_a_success(env: &Env) -> Outcome {
    let result = env
        .client
        .broadcast(BroadcastRequest::new(["map:a", "poll:a"], "1"))
        .await?;
    assert_eq!(parts(&result), [Ok(0), Ok(0)]);
    Ok(())
}
