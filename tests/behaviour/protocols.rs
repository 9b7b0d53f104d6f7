//! Clients that use JSON, and payloads that are not JSON.

use centrifugo_api::{
    BatchRequest, BroadcastRequest, Command, PublishRequest, SubscribeRequest, binary,
};

use crate::harness::{Env, Outcome, code, failure};
use crate::realtime::{ALICE, Connection, Protocol};

behaviours!(everywhere:
    binary_publication_ends_clients_that_use_json,
    each_way_to_publish_bytes_ends_clients_that_use_json,
    binary_publication_that_is_json_reaches_clients_that_use_json,
    refused_payload_ends_no_client,
);
behaviours!(lacking_in_5_4_9:
    broken_utf_8_ends_clients_that_use_json,
    binary_info_ends_clients_that_use_json,
    binary_data_of_a_subscription_does_not_reach_clients_that_use_json,
);

const BYTES: &[u8] = b"\xff\x00 any bytes";

fn inappropriate_protocol() -> (u32, String) {
    (3506, "inappropriate protocol".to_owned())
}

async fn binary_publication_ends_clients_that_use_json(env: &Env) -> Outcome {
    let mut browser = env.connect_json().await?;
    let _own = browser.subscribe("plain:a").await?;
    let mut elsewhere = env.connect_json().await?.subscribe("plain:b").await?;
    let mut native = env.connect().await?.subscribe("plain:a").await?;
    for text in [BYTES, b"hello"] {
        let request = PublishRequest::new("plain:a", binary(text));
        env.client.call(request).await?;
        assert_eq!(native.publication().await?.data, text);
    }
    assert_eq!(browser.disconnected().await?, inappropriate_protocol());
    env.publish("plain:b", "1").await?;
    assert_eq!(elsewhere.publication().await?.data, "1");
    Ok(())
}

async fn each_way_to_publish_bytes_ends_clients_that_use_json(env: &Env) -> Outcome {
    let publish = || PublishRequest::new("plain:a", binary(BYTES));
    for way in 0..4 {
        let mut browser = env.connect_json().await?;
        let _own = browser.subscribe("plain:a").await?;
        let mut native = env.connect().await?.subscribe("plain:a").await?;
        match way {
            0 => {
                let request = BroadcastRequest::new(["plain:a"], binary(BYTES));
                env.client.broadcast(request).await?.all_ok()?;
            }
            1 => {
                env.client.batch(vec![publish()]).await?.all_ok()?;
            }
            2 => {
                env.client.batch((publish(),)).await?.0?;
            }
            _ => {
                let commands = [Command::from(publish())];
                let batch = BatchRequest::new(commands);
                env.client.batch(batch).await?.all_ok()?;
            }
        }
        assert_eq!(native.publication().await?.data, BYTES);
        assert_eq!(browser.disconnected().await?, inappropriate_protocol());
    }
    Ok(())
}

async fn binary_publication_that_is_json_reaches_clients_that_use_json(env: &Env) -> Outcome {
    let browser = env.connect_json().await?;
    let mut own = browser.subscribe("plain:a").await?;
    let request = PublishRequest::new("plain:a", binary(r#"{"n":1}"#));
    env.client.call(request).await?;
    assert_eq!(own.publication().await?.data, r#"{"n":1}"#);
    assert!(browser.is_connected());
    Ok(())
}

async fn broken_utf_8_ends_clients_that_use_json(env: &Env) -> Outcome {
    let mut browser = env.connect_json().await?;
    let _own = browser.subscribe("plain:a").await?;
    let request = PublishRequest::new("plain:a", binary(b"\"caf\xe9\""));
    env.client.call(request).await?;
    assert_eq!(browser.disconnected().await?, inappropriate_protocol());
    Ok(())
}

async fn refused_payload_ends_no_client(env: &Env) -> Outcome {
    let browser = env.connect_json().await?;
    let mut own = browser.subscribe("plain:a").await?;
    for payload in [BYTES, b"hello"] {
        let error = failure(
            env.client
                .call(PublishRequest::new("plain:a", payload))
                .await,
        );
        assert!(error.is_unsent(), "{error}");
    }
    env.publish("plain:a", "1").await?;
    assert_eq!(own.publication().await?.data, "1");
    assert!(browser.is_connected());
    Ok(())
}

/// Subscribers receive the information about a client that joins or leaves.
async fn binary_info_ends_clients_that_use_json(env: &Env) -> Outcome {
    let mut browser = env.connect_json().await?;
    let _own = browser.subscribe("plain:a").await?;
    let mut native = env.connect().await?.subscribe("plain:a").await?;
    let alice = env.connect_as(&ALICE).await?;
    let request = SubscribeRequest::new("plain:a").user("alice");
    env.client.call(request.info(binary(BYTES))).await?;
    assert_eq!(browser.disconnected().await?, inappropriate_protocol());
    alice.close().await;
    native.left(&alice.id).await?;
    Ok(())
}

async fn binary_data_of_a_subscription_does_not_reach_clients_that_use_json(env: &Env) -> Outcome {
    let mut alice = Connection::open_with(&env.server, Some(&ALICE), Protocol::Json).await?;
    let subscribe = |channel| SubscribeRequest::new(channel).user("alice");
    let request = subscribe("plain:a").data(binary(BYTES));
    assert_eq!(code(env.client.call(request).await), 100);
    let request = subscribe("plain:b").data(binary(r#"{"n":1}"#));
    env.client.call(request).await?;
    let subscribed = alice.subscribed().await?;
    assert_eq!(subscribed.channel, "plain:b");
    assert_eq!(subscribed.data, r#"{"n":1}"#);
    Ok(())
}
