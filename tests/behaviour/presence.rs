//! Presence and its statistics.

use centrifugo_api::{
    ClientInfo, PresenceRequest, PresenceResult, PresenceStatsRequest, PresenceStatsResult,
    SubscribeRequest,
};

use crate::harness::{Env, Failure, Outcome, code};
use crate::realtime::{ALICE, BOB};
use crate::unchecked::assert_bad_request;

behaviours!(everywhere:
    presence_lists_the_subscribed_clients,
    presence_holds_what_is_known_of_a_client,
    presence_ends_with_the_connection,
    presence_of_an_unused_channel_is_empty,
    presence_that_is_off_is_not_available,
    presence_stats_counts_clients_and_users,
    presence_stats_that_is_off_is_not_available,
);
behaviours!(legacy_commands:
    presence_of_an_unused_channel_is_empty,
    presence_stats_that_is_off_is_not_available,
    presence_that_is_off_is_not_available,
);
behaviours!(legacy_commands_of_6_9_1:
    presence_ends_with_the_connection,
    presence_holds_what_is_known_of_a_client,
    presence_lists_the_subscribed_clients,
    presence_stats_counts_clients_and_users,
);

async fn presence(env: &Env, channel: &str) -> Result<PresenceResult, Failure> {
    Ok(env.client.call(PresenceRequest::new(channel)).await?)
}

async fn presence_stats(env: &Env, channel: &str) -> Result<PresenceStatsResult, Failure> {
    Ok(env.client.call(PresenceStatsRequest::new(channel)).await?)
}

async fn presence_lists_the_subscribed_clients(env: &Env) -> Outcome {
    let anonymous = env.connect().await?;
    let alice = env.connect_as(&ALICE).await?;
    let _subscriptions = (
        anonymous.subscribe("plain:a").await?,
        alice.subscribe("plain:a").await?,
    );
    let _elsewhere = env.connect_as(&BOB).await?.subscribe("plain:b").await?;
    let listed = presence(env, "plain:a").await?.presence;
    let mut users: Vec<_> = listed
        .iter()
        .map(|(id, info)| (id.as_str(), info.user.as_str()))
        .collect();
    users.sort_by_key(|(_, user)| user.len());
    assert_eq!(
        users,
        [(anonymous.id.as_str(), ""), (alice.id.as_str(), "alice")]
    );
    Ok(())
}

async fn presence_holds_what_is_known_of_a_client(env: &Env) -> Outcome {
    let alice = env.connect_as(&ALICE).await?;
    let request = SubscribeRequest::new("plain:a")
        .user("alice")
        .info(r#"{"seat":7}"#);
    env.client.call(request).await?;
    let info = presence(env, "plain:a")
        .await?
        .presence
        .remove(&alice.id)
        .ok_or("alice is not listed")?;
    let ClientInfo {
        user,
        client,
        conn_info,
        chan_info,
        ..
    } = info;
    assert_eq!((user.as_str(), client), ("alice", alice.id));
    assert_eq!(
        (&conn_info[..], &chan_info[..]),
        (&br#"{"name":"Alice"}"#[..], &br#"{"seat":7}"#[..])
    );
    let anonymous = env.connect().await?;
    let _subscription = anonymous.subscribe("plain:a").await?;
    let info = &presence(env, "plain:a").await?.presence[&anonymous.id];
    assert!(
        info.conn_info.is_empty() && info.chan_info.is_empty(),
        "{info:?}"
    );
    Ok(())
}

async fn presence_ends_with_the_connection(env: &Env) -> Outcome {
    let alice = env.connect_as(&ALICE).await?;
    let bob = env.connect_as(&BOB).await?;
    let mut watched = bob.subscribe("plain:a").await?;
    let _subscription = alice.subscribe("plain:a").await?;
    alice.close().await;
    watched.left(&alice.id).await?;
    assert_eq!(
        presence(env, "plain:a")
            .await?
            .presence
            .keys()
            .collect::<Vec<_>>(),
        [&bob.id]
    );
    Ok(())
}

async fn presence_of_an_unused_channel_is_empty(env: &Env) -> Outcome {
    assert!(presence(env, "plain:a").await?.presence.is_empty());
    let stats = presence_stats(env, "plain:a").await?;
    assert_eq!((stats.num_clients, stats.num_users), (0, 0));
    Ok(())
}

async fn presence_that_is_off_is_not_available(env: &Env) -> Outcome {
    for (channel, expected) in [("nohist:a", 108), ("invalid:a", 102)] {
        assert_eq!(
            code(env.client.call(PresenceRequest::new(channel)).await),
            expected,
            "{channel:?}"
        );
    }
    assert_bad_request(env, PresenceRequest::new(""), "channel").await;
    Ok(())
}

async fn presence_stats_counts_clients_and_users(env: &Env) -> Outcome {
    let connections = [
        env.connect_as(&ALICE).await?,
        env.connect_as(&ALICE).await?,
        env.connect_as(&BOB).await?,
    ];
    for connection in &connections {
        connection.subscribe("plain:a").await?;
    }
    let stats = presence_stats(env, "plain:a").await?;
    assert_eq!((stats.num_clients, stats.num_users), (3, 2));
    Ok(())
}

async fn presence_stats_that_is_off_is_not_available(env: &Env) -> Outcome {
    for (channel, expected) in [("nohist:a", 108), ("invalid:a", 102)] {
        let result = env.client.call(PresenceStatsRequest::new(channel)).await;
        assert_eq!(code(result), expected, "{channel:?}");
    }
    assert_bad_request(env, PresenceStatsRequest::new(""), "channel").await;
    Ok(())
}
