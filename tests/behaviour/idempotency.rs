//! Idempotency keys.

use centrifugo_api::{BroadcastRequest, BroadcastResult, HistoryRequest, PublishRequest};

use crate::client_kind::ClientUnderTest;
use crate::harness::{Env, Failure, Outcome, offsets};

behaviours!(everywhere:
    publish_with_a_repeated_key_returns_the_first_position,
    broadcast_with_a_repeated_key_reaches_only_new_channels,
    idempotency_keys_count_by_channel,
);
behaviours!(across_transports: idempotency_keys_count_over_both_transports_together);
behaviours!(legacy_commands:
    idempotency_keys_count_by_channel,
);
behaviours!(legacy_commands_of_6_9_1:
    broadcast_with_a_repeated_key_reaches_only_new_channels,
    publish_with_a_repeated_key_returns_the_first_position,
);

fn keyed(channel: &str, data: &str) -> PublishRequest {
    PublishRequest::new(channel, data).idempotency_key("key")
}

/// Returns the position in each channel.
fn positions(result: BroadcastResult) -> Vec<Option<(u64, String)>> {
    let results = result.into_outcomes().into_iter();
    results
        .map(|result| result.ok().map(|result| (result.offset, result.epoch)))
        .collect()
}

async fn publications(client: &ClientUnderTest, channel: &str) -> Result<Vec<u64>, Failure> {
    let history = client.call(HistoryRequest::new(channel).limit(-1)).await?;
    Ok(offsets(&history.publications))
}

async fn publish_with_a_repeated_key_returns_the_first_position(env: &Env) -> Outcome {
    let first = env.client.call(keyed("plain:a", "1")).await?;
    env.publish("plain:a", "2").await?;
    let repeated = env.client.call(keyed("plain:a", "3")).await?;
    assert_eq!(first, repeated);
    assert_eq!(publications(&env.client, "plain:a").await?, [1, 2]);
    Ok(())
}

async fn broadcast_with_a_repeated_key_reaches_only_new_channels(env: &Env) -> Outcome {
    let published = env.client.call(keyed("plain:a", "1")).await?;
    env.publish("plain:a", "2").await?;
    let request = BroadcastRequest::new(["plain:a", "plain:b"], "3").idempotency_key("key");
    let first = positions(env.client.broadcast(request.clone()).await?);
    assert_eq!(first[0], Some((published.offset, published.epoch)));
    assert_eq!(positions(env.client.broadcast(request).await?), first);
    assert_eq!(publications(&env.client, "plain:a").await?, [1, 2]);
    assert_eq!(publications(&env.client, "plain:b").await?, [1]);
    Ok(())
}

async fn idempotency_keys_count_by_channel(env: &Env) -> Outcome {
    env.client.call(keyed("plain:a", "1")).await?;
    env.client.call(keyed("plain:b", "1")).await?;
    assert_eq!(publications(&env.client, "plain:b").await?, [1]);
    Ok(())
}

#[cfg(all(feature = "_http", feature = "grpc"))]
async fn idempotency_keys_count_over_both_transports_together(env: &Env) -> Outcome {
    let other = env.other_client();
    let first = env.client.call(keyed("plain:a", "1")).await?;
    assert_eq!(other.call(keyed("plain:a", "2")).await?, first);
    let request = BroadcastRequest::new(["plain:a", "plain:b"], "3").idempotency_key("key");
    let broadcast = positions(env.client.broadcast(request.clone()).await?);
    assert_eq!(positions(other.broadcast(request).await?), broadcast);
    assert_eq!(publications(&other, "plain:a").await?, [1]);
    assert_eq!(publications(&other, "plain:b").await?, [1]);
    Ok(())
}
