//! Refreshing connections.

use centrifugo_api::{PresenceRequest, RefreshRequest};

use crate::harness::{Env, Failure, Outcome};
use crate::realtime::{ALICE, BOB, Connection};

behaviours!(everywhere:
    refresh_ends_a_connection_as_expired,
    refresh_ends_a_connection_by_a_past_time,
    refresh_gives_a_connection_new_info,
    refresh_filters_by_client_and_session,
    refresh_succeeds_when_nobody_matches,
);
behaviours!(legacy_commands_of_6_9_1:
    refresh_ends_a_connection_as_expired,
    refresh_ends_a_connection_by_a_past_time,
    refresh_gives_a_connection_new_info,
    refresh_filters_by_client_and_session,
    refresh_succeeds_when_nobody_matches,
);

const FUTURE: i64 = 4_000_000_000;

/// Returns what presence has about a client that subscribes now.
async fn conn_info(env: &Env, connection: &Connection, channel: &str) -> Result<String, Failure> {
    connection.subscribe(channel).await?;
    let present = env
        .client
        .call(PresenceRequest::new(channel))
        .await?
        .presence;
    let info = present
        .get(&connection.id)
        .ok_or("the client is not present")?;
    Ok(String::from_utf8(info.conn_info.to_vec())?)
}

async fn refresh_ends_a_connection_as_expired(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    env.client
        .call(RefreshRequest::new("alice").expired(true).expire_at(FUTURE))
        .await?;
    assert_eq!(
        alice.reconnecting().await?,
        (3005, "connection expired".to_owned())
    );
    Ok(())
}

async fn refresh_ends_a_connection_by_a_past_time(env: &Env) -> Outcome {
    let mut anonymous = env.connect().await?;
    env.client
        .call(RefreshRequest::new("").expire_at(1))
        .await?;
    assert_eq!(
        anonymous.reconnecting().await?,
        (3005, "connection expired".to_owned())
    );
    Ok(())
}

async fn refresh_gives_a_connection_new_info(env: &Env) -> Outcome {
    let alice = env.connect_as(&ALICE).await?;
    let request = RefreshRequest::new("alice").info(r#"{"name":"Alicia"}"#);
    // Accepted only with a time in the future.
    env.client.call(request.clone()).await?;
    assert_eq!(
        conn_info(env, &alice, "plain:a").await?,
        r#"{"name":"Alice"}"#
    );
    env.client.call(request.expire_at(FUTURE)).await?;
    assert_eq!(
        conn_info(env, &alice, "plain:b").await?,
        r#"{"name":"Alicia"}"#
    );
    // For an existing subscription, presence is updated only from time to time.
    let present = env
        .client
        .call(PresenceRequest::new("plain:a"))
        .await?
        .presence;
    assert_eq!(present[&alice.id].conn_info, r#"{"name":"Alice"}"#);
    Ok(())
}

async fn refresh_filters_by_client_and_session(env: &Env) -> Outcome {
    let mut first = env.connect_as(&ALICE).await?;
    let second = env.connect_as(&ALICE).await?;
    for request in [
        RefreshRequest::new("alice").session("of nobody"),
        RefreshRequest::new("bob").client(&*second.id),
        RefreshRequest::new("alice").client(&*first.id),
    ] {
        env.client.call(request.expired(true)).await?;
    }
    first.reconnecting().await?;
    assert_eq!(
        conn_info(env, &second, "plain:a").await?,
        r#"{"name":"Alice"}"#
    );
    Ok(())
}

async fn refresh_succeeds_when_nobody_matches(env: &Env) -> Outcome {
    let bob = env.connect_as(&BOB).await?;
    env.client
        .call(RefreshRequest::new("alice").expired(true))
        .await?;
    assert_eq!(conn_info(env, &bob, "plain:a").await?, r#"{"name":"Bob"}"#);
    Ok(())
}
