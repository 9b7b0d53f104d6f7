//! Unsubscribing clients.

use centrifugo_api::{PresenceRequest, SubscribeRequest, UnsubscribeRequest};

use crate::harness::{Env, Outcome, code};
use crate::realtime::{ALICE, BOB};

behaviours!(everywhere:
    unsubscribe_ends_a_subscription_of_the_server,
    unsubscribe_ends_a_subscription_of_the_client,
    unsubscribe_filters_by_client_and_session,
    unsubscribe_succeeds_when_nobody_matches,
    unsubscribe_from_an_unknown_namespace_is_refused,
);
behaviours!(legacy_commands:
    unsubscribe_from_an_unknown_namespace_is_refused,
);
behaviours!(legacy_commands_of_6_9_1:
    unsubscribe_ends_a_subscription_of_the_client,
    unsubscribe_ends_a_subscription_of_the_server,
    unsubscribe_filters_by_client_and_session,
    unsubscribe_succeeds_when_nobody_matches,
);

async fn unsubscribe_ends_a_subscription_of_the_server(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    env.client
        .call(SubscribeRequest::new("plain:a").user("alice"))
        .await?;
    env.client
        .call(UnsubscribeRequest::new("plain:a").user("alice"))
        .await?;
    assert_eq!(alice.unsubscribed().await?, "plain:a");
    assert!(
        env.client
            .call(PresenceRequest::new("plain:a"))
            .await?
            .presence
            .is_empty()
    );
    Ok(())
}

async fn unsubscribe_ends_a_subscription_of_the_client(env: &Env) -> Outcome {
    let mut subscription = env.connect_as(&ALICE).await?.subscribe("plain:a").await?;
    let anonymous = env.connect().await?;
    let mut other = anonymous.subscribe("plain:a").await?;
    env.client
        .call(UnsubscribeRequest::new("plain:a").user("alice"))
        .await?;
    assert_eq!(
        subscription.unsubscribed().await?,
        (2000, "server unsubscribe".to_owned())
    );
    env.client
        .call(UnsubscribeRequest::new("plain:a").anonymous())
        .await?;
    other.unsubscribed().await?;
    Ok(())
}

async fn unsubscribe_filters_by_client_and_session(env: &Env) -> Outcome {
    let first = env.connect_as(&ALICE).await?;
    let second = env.connect_as(&ALICE).await?;
    let mut ended = first.subscribe("plain:a").await?;
    let _kept = second.subscribe("plain:a").await?;
    for request in [
        UnsubscribeRequest::new("plain:a")
            .user("alice")
            .session("of nobody"),
        UnsubscribeRequest::new("plain:a")
            .user("bob")
            .client(&*second.id),
        UnsubscribeRequest::new("plain:a")
            .user("alice")
            .client(&*first.id),
    ] {
        env.client.call(request).await?;
    }
    ended.unsubscribed().await?;
    let present = env
        .client
        .call(PresenceRequest::new("plain:a"))
        .await?
        .presence;
    assert_eq!(present.into_keys().collect::<Vec<_>>(), [second.id]);
    Ok(())
}

async fn unsubscribe_succeeds_when_nobody_matches(env: &Env) -> Outcome {
    let _bob = env.connect_as(&BOB).await?;
    for (user, channel) in [("alice", "plain:a"), ("bob", "plain:a"), ("bob", "")] {
        env.client
            .call(UnsubscribeRequest::new(channel).user(user))
            .await?;
    }
    Ok(())
}

async fn unsubscribe_from_an_unknown_namespace_is_refused(env: &Env) -> Outcome {
    assert_eq!(
        code(
            env.client
                .call(UnsubscribeRequest::new("invalid:a").user("alice"))
                .await
        ),
        102
    );
    Ok(())
}
