//! The list of active channels.

use centrifugo_api::ChannelsRequest;

use crate::harness::{Env, Failure, Outcome, code};

behaviours!(everywhere:
    channels_lists_channels_with_their_clients,
    channels_fit_the_pattern,
    channels_of_a_malformed_pattern_is_an_internal_error,
);
behaviours!(legacy_commands:
    channels_of_a_malformed_pattern_is_an_internal_error,
);
behaviours!(legacy_commands_of_6_9_1:
    channels_fit_the_pattern,
    channels_lists_channels_with_their_clients,
);

/// Returns the channels that match, with their number of clients.
async fn channels(env: &Env, request: ChannelsRequest) -> Result<Vec<(String, u32)>, Failure> {
    let result = env.client.call(request).await?;
    Ok(result
        .channels
        .into_iter()
        .map(|(name, info)| (name, info.num_clients))
        .collect())
}

fn one(name: &str) -> (String, u32) {
    (name.to_owned(), 1)
}

async fn channels_lists_channels_with_their_clients(env: &Env) -> Outcome {
    assert_eq!(channels(env, ChannelsRequest::new()).await?, []);
    // A channel without subscribers is not listed.
    env.publish("plain:published", "1").await?;
    let first = env.connect().await?;
    let second = env.connect().await?;
    first.subscribe("plain:a").await?;
    second.subscribe("plain:a").await?;
    first.subscribe("nohist:b").await?;
    let expected = [one("nohist:b"), ("plain:a".to_owned(), 2)];
    assert_eq!(channels(env, ChannelsRequest::new()).await?, expected);
    Ok(())
}

async fn channels_fit_the_pattern(env: &Env) -> Outcome {
    let connection = env.connect().await?;
    for channel in ["plain:a1", "plain:a2", "plain:b1", "nohist:a1"] {
        connection.subscribe(channel).await?;
    }
    for (pattern, expected) in [
        ("plain:a*", vec![one("plain:a1"), one("plain:a2")]),
        ("*a1", vec![one("nohist:a1"), one("plain:a1")]),
        ("plain:?1", vec![one("plain:a1"), one("plain:b1")]),
        ("a*", vec![]),
    ] {
        assert_eq!(
            channels(env, ChannelsRequest::new().pattern(pattern)).await?,
            expected,
            "{pattern}"
        );
    }
    Ok(())
}

async fn channels_of_a_malformed_pattern_is_an_internal_error(env: &Env) -> Outcome {
    assert_eq!(
        code(env.client.call(ChannelsRequest::new().pattern("[")).await),
        100
    );
    Ok(())
}
