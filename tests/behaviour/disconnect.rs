//! Disconnecting clients.

use centrifugo_api::{ChannelsRequest, Disconnect, DisconnectRequest};

use crate::harness::{Env, Failure, Outcome};
use crate::realtime::{ALICE, BOB, Connection};

behaviours!(everywhere:
    disconnect_shows_the_client_code_and_reason,
    disconnect_without_a_code_is_forced,
    disconnect_with_a_code_out_of_range_shows_the_client_no_code,
    disconnect_without_a_user_means_the_anonymous,
    disconnect_filters_by_client_session_and_whitelist,
    disconnect_succeeds_when_nobody_matches,
);
behaviours!(legacy_commands:
    disconnect_succeeds_when_nobody_matches,
);
behaviours!(legacy_commands_of_6_9_1:
    disconnect_filters_by_client_session_and_whitelist,
    disconnect_shows_the_client_code_and_reason,
    disconnect_with_a_code_out_of_range_shows_the_client_no_code,
    disconnect_without_a_code_is_forced,
    disconnect_without_a_user_means_the_anonymous,
);

/// Checks that a client is still connected.
async fn assert_connected(env: &Env, connection: &Connection) -> Result<(), Failure> {
    let channel = format!("plain:{}", connection.id);
    connection.subscribe(&channel).await?;
    let result = env
        .client
        .call(ChannelsRequest::new().pattern(channel.as_str()))
        .await?;
    assert_eq!(result.channels.into_keys().collect::<Vec<_>>(), [channel]);
    assert!(connection.is_connected());
    Ok(())
}

async fn disconnect_shows_the_client_code_and_reason(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    let mut bob = env.connect_as(&BOB).await?;
    let request =
        DisconnectRequest::new("alice").disconnect(Disconnect::new(4999, "enough for today"));
    env.client.call(request).await?;
    assert_eq!(
        alice.disconnected().await?,
        (4999, "enough for today".to_owned())
    );
    assert_connected(env, &bob).await?;
    let request = DisconnectRequest::new("bob").disconnect(Disconnect::new(4000, "once more"));
    env.client.call(request).await?;
    assert_eq!(bob.reconnecting().await?, (4000, "once more".to_owned()));
    Ok(())
}

async fn disconnect_without_a_code_is_forced(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    env.client.call(DisconnectRequest::new("alice")).await?;
    assert_eq!(
        alice.disconnected().await?,
        (3503, "force disconnect".to_owned())
    );
    Ok(())
}

async fn disconnect_with_a_code_out_of_range_shows_the_client_no_code(env: &Env) -> Outcome {
    for disconnect in [
        Disconnect::new(3, "too low"),
        Disconnect::new(4500, "x".repeat(124)),
    ] {
        let mut alice = env.connect_as(&ALICE).await?;
        env.client
            .call(DisconnectRequest::new("alice").disconnect(disconnect))
            .await?;
        assert_eq!(
            alice.reconnecting().await?,
            (1, "transport closed".to_owned())
        );
        alice.close().await;
    }
    Ok(())
}

async fn disconnect_without_a_user_means_the_anonymous(env: &Env) -> Outcome {
    let mut anonymous = env.connect().await?;
    let alice = env.connect_as(&ALICE).await?;
    env.client.call(DisconnectRequest::new("")).await?;
    anonymous.disconnected().await?;
    assert_connected(env, &alice).await
}

async fn disconnect_filters_by_client_session_and_whitelist(env: &Env) -> Outcome {
    let mut first = env.connect_as(&ALICE).await?;
    let mut second = env.connect_as(&ALICE).await?;
    let third = env.connect_as(&ALICE).await?;
    env.client
        .call(DisconnectRequest::new("alice").session("of nobody"))
        .await?;
    env.client
        .call(DisconnectRequest::new("alice").client(&*first.id))
        .await?;
    first.disconnected().await?;
    assert_connected(env, &second).await?;
    env.client
        .call(DisconnectRequest::new("alice").whitelist([&*third.id]))
        .await?;
    second.disconnected().await?;
    assert_connected(env, &third).await
}

async fn disconnect_succeeds_when_nobody_matches(env: &Env) -> Outcome {
    env.client.call(DisconnectRequest::new("alice")).await?;
    env.client.call(DisconnectRequest::new("")).await?;
    Ok(())
}
