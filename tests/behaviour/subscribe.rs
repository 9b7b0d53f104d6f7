//! Subscribing clients.

use centrifugo_api::{
    ChannelsRequest, PresenceRequest, StreamPosition, SubscribeOptionOverride, SubscribeRequest,
};

use crate::harness::{Env, Failure, Outcome, code};
use crate::realtime::{ALICE, BOB};
use crate::server::Version;
use crate::unchecked::assert_bad_request;

behaviours!(everywhere:
    subscribe_makes_a_subscription_of_the_server,
    subscribe_without_a_user_means_the_anonymous,
    subscribe_hands_over_info_and_data,
    subscribe_overrides_the_options_of_the_namespace,
    subscribe_filters_by_client_and_session,
    subscribe_succeeds_when_nobody_matches,
    subscribe_again_is_an_internal_error_since_v6,
    subscribe_to_no_channel_or_in_the_past_is_refused,
);
// 5.4.9 ignores binary info and data, and delivers missed publications only when the client
// reconnects.
behaviours!(lacking_in_5_4_9:
    subscribe_hands_over_binary_info_and_data,
    subscribe_recovers_missed_publications,
);
behaviours!(legacy_commands:
    subscribe_succeeds_when_nobody_matches,
);
behaviours!(legacy_commands_of_6_9_1:
    subscribe_again_is_an_internal_error_since_v6,
    subscribe_hands_over_binary_info_and_data,
    subscribe_hands_over_info_and_data,
    subscribe_makes_a_subscription_of_the_server,
    subscribe_filters_by_client_and_session,
    subscribe_overrides_the_options_of_the_namespace,
    subscribe_recovers_missed_publications,
    subscribe_to_no_channel_or_in_the_past_is_refused,
    subscribe_without_a_user_means_the_anonymous,
);

/// Returns the clients present in a channel.
async fn present(env: &Env, channel: &str) -> Result<Vec<String>, Failure> {
    let result = env.client.call(PresenceRequest::new(channel)).await?;
    Ok(result.presence.into_keys().collect())
}

async fn subscribe_makes_a_subscription_of_the_server(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    let _bob = env.connect_as(&BOB).await?;
    env.client
        .call(SubscribeRequest::new("plain:a").user("alice"))
        .await?;
    let subscribed = alice.subscribed().await?;
    assert_eq!(subscribed.channel, "plain:a");
    assert!(subscribed.recoverable && subscribed.positioned);
    assert_eq!(present(env, "plain:a").await?, [alice.id]);
    Ok(())
}

async fn subscribe_without_a_user_means_the_anonymous(env: &Env) -> Outcome {
    let mut anonymous = env.connect().await?;
    let _alice = env.connect_as(&ALICE).await?;
    env.client
        .call(SubscribeRequest::new("plain:a").anonymous())
        .await?;
    anonymous.subscribed().await?;
    assert_eq!(present(env, "plain:a").await?, [anonymous.id]);
    Ok(())
}

async fn subscribe_hands_over_info_and_data(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    let request = SubscribeRequest::new("plain:a")
        .user("alice")
        .info(r#"{"seat": 7}"#)
        .data(r#"{"hello": "<you>"}"#);
    env.client.call(request.expire_at(4_000_000_000)).await?;
    assert_eq!(alice.subscribed().await?.data, r#"{"hello": "<you>"}"#);
    assert_eq!(alice.joined().await?.chan_info, r#"{"seat": 7}"#);
    Ok(())
}

async fn subscribe_hands_over_binary_info_and_data(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    let request = SubscribeRequest::new("plain:a")
        .user("alice")
        .binary_info([0, 255])
        .binary_data([1, 254]);
    env.client.call(request).await?;
    assert_eq!(alice.subscribed().await?.data, [1, 254][..]);
    assert_eq!(alice.joined().await?.chan_info, [0, 255][..]);
    Ok(())
}

async fn subscribe_recovers_missed_publications(env: &Env) -> Outcome {
    let epoch = env.publish("plain:a", "1").await?.epoch;
    env.publish("plain:a", "2").await?;
    env.publish("plain:a", "3").await?;
    let mut alice = env.connect_as(&ALICE).await?;
    let request = SubscribeRequest::new("plain:a")
        .user("alice")
        .recover_since(StreamPosition::new(1, epoch));
    env.client.call(request).await?;
    for (offset, data) in [(2, "2"), (3, "3")] {
        let publication = alice.publication().await?;
        assert_eq!(
            (publication.offset, &publication.data[..]),
            (offset, data.as_bytes())
        );
    }
    Ok(())
}

async fn subscribe_overrides_the_options_of_the_namespace(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    let options = SubscribeOptionOverride::new()
        .presence(false)
        .join_leave(false)
        .force_recovery(false)
        .force_positioning(false)
        .force_push_join_leave(false);
    env.client
        .call(
            SubscribeRequest::new("plain:off")
                .user("alice")
                .r#override(options),
        )
        .await?;
    let subscribed = alice.subscribed().await?;
    assert!(
        !subscribed.recoverable && !subscribed.positioned,
        "{subscribed:?}"
    );
    assert!(present(env, "plain:off").await?.is_empty());
    let options = SubscribeOptionOverride::new()
        .presence(true)
        .force_positioning(true);
    env.client
        .call(
            SubscribeRequest::new("plain:on")
                .user("alice")
                .r#override(options),
        )
        .await?;
    let subscribed = alice.subscribed().await?;
    assert!(
        subscribed.recoverable && subscribed.positioned,
        "{subscribed:?}"
    );
    assert_eq!(present(env, "plain:on").await?, [alice.id]);
    Ok(())
}

async fn subscribe_filters_by_client_and_session(env: &Env) -> Outcome {
    let mut first = env.connect_as(&ALICE).await?;
    let _second = env.connect_as(&ALICE).await?;
    env.client
        .call(
            SubscribeRequest::new("plain:a")
                .user("alice")
                .client(&*first.id),
        )
        .await?;
    env.client
        .call(
            SubscribeRequest::new("plain:a")
                .user("alice")
                .session("of nobody"),
        )
        .await?;
    env.client
        .call(
            SubscribeRequest::new("plain:a")
                .user("bob")
                .client(&*first.id),
        )
        .await?;
    first.subscribed().await?;
    assert_eq!(present(env, "plain:a").await?, [first.id]);
    Ok(())
}

async fn subscribe_succeeds_when_nobody_matches(env: &Env) -> Outcome {
    env.client
        .call(SubscribeRequest::new("plain:a").user("alice"))
        .await?;
    assert!(
        env.client
            .call(ChannelsRequest::new())
            .await?
            .channels
            .is_empty()
    );
    Ok(())
}

async fn subscribe_again_is_an_internal_error_since_v6(env: &Env) -> Outcome {
    let _alice = env.connect_as(&ALICE).await?;
    let request = SubscribeRequest::new("plain:a").user("alice");
    env.client.call(request.clone()).await?;
    let repeated = env.client.call(request).await;
    match env.version {
        Version::V6 => assert_eq!(code(repeated), 100),
        Version::V5 | Version::V3 => assert!(repeated.is_ok(), "{repeated:?}"),
    }
    Ok(())
}

async fn subscribe_to_no_channel_or_in_the_past_is_refused(env: &Env) -> Outcome {
    let _alice = env.connect_as(&ALICE).await?;
    for (request, expected) in [
        (SubscribeRequest::new("invalid:a").user("alice"), 102),
        (
            SubscribeRequest::new("plain:a").user("alice").expire_at(1),
            100,
        ),
    ] {
        assert_eq!(
            code(env.client.call(request.clone()).await),
            expected,
            "{request:?}"
        );
    }
    assert_bad_request(env, SubscribeRequest::new("").user("alice"), "channel").await;
    Ok(())
}
