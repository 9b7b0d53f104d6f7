//! Publications as real-time clients get them.

use centrifugo_api::{
    BroadcastRequest, ClientInfo, HistoryRequest, PublishRequest, SubscribeRequest,
};

use crate::harness::{Env, Outcome};
use crate::payloads::PAYLOADS;
use crate::realtime::{ALICE, Connection};
use crate::server::{Server, Version};

behaviours!(everywhere:
    publication_arrives_whole,
    publication_without_history_arrives,
    broadcast_arrives_in_each_channel,
    payloads_arrive_byte_for_byte,
    binary_payloads_arrive_byte_for_byte,
    history_names_the_client_that_published,
);
behaviours!(legacy_commands_of_6_9_1:
    broadcast_arrives_in_each_channel,
    history_names_the_client_that_published,
    publication_arrives_whole,
    publication_without_history_arrives,
    binary_payloads_arrive_byte_for_byte,
    payloads_arrive_byte_for_byte,
);

async fn publication_arrives_whole(env: &Env) -> Outcome {
    let mut alice = env.connect_as(&ALICE).await?;
    let mut own = env.connect().await?.subscribe("plain:a").await?;
    env.client
        .call(SubscribeRequest::new("plain:a").user("alice"))
        .await?;
    let request = PublishRequest::new("plain:a", r#"{"n":1}"#).tags([("kind", "alarm")]);
    env.client.call(request).await?;
    for publication in [own.publication().await?, alice.publication().await?] {
        assert_eq!(
            (publication.offset, &publication.data[..]),
            (1, &br#"{"n":1}"#[..])
        );
        assert_eq!(
            publication.tags.into_iter().collect::<Vec<_>>(),
            [("kind".to_owned(), "alarm".to_owned())]
        );
        assert_eq!(publication.info, None);
    }
    Ok(())
}

async fn publication_without_history_arrives(env: &Env) -> Outcome {
    let mut subscription = env.connect().await?.subscribe("nohist:a").await?;
    env.publish("nohist:a", "1").await?;
    let publication = subscription.publication().await?;
    assert_eq!((publication.offset, &publication.data[..]), (0, &b"1"[..]));
    Ok(())
}

async fn broadcast_arrives_in_each_channel(env: &Env) -> Outcome {
    let connection = env.connect().await?;
    let mut a = connection.subscribe("plain:a").await?;
    let mut b = connection.subscribe("nohist:b").await?;
    env.client
        .broadcast(BroadcastRequest::new(["plain:a", "nohist:b"], r#"{"n":1}"#))
        .await?
        .all_ok()?;
    assert_eq!(a.publication().await?.data, r#"{"n":1}"#);
    assert_eq!(b.publication().await?.data, r#"{"n":1}"#);
    Ok(())
}

async fn payloads_arrive_byte_for_byte(env: &Env) -> Outcome {
    let mut subscription = env.connect().await?.subscribe("plain:a").await?;
    for (sent, _) in PAYLOADS {
        env.publish("plain:a", sent).await?;
        assert_eq!(subscription.publication().await?.data, sent);
    }
    Ok(())
}

async fn binary_payloads_arrive_byte_for_byte(env: &Env) -> Outcome {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut subscription = env.connect().await?.subscribe("plain:a").await?;
    let request = PublishRequest::new("plain:a", "").binary_data(&bytes);
    env.client.call(request).await?;
    assert_eq!(subscription.publication().await?.data, bytes);
    Ok(())
}

async fn history_names_the_client_that_published(env: &Env) -> Outcome {
    let option = match env.version {
        Version::V6 => "CENTRIFUGO_CHANNEL_NAMESPACES",
        Version::V5 | Version::V3 => "CENTRIFUGO_NAMESPACES",
    };
    let namespaces = r#"[{"name":"chat","history_size":10,"history_ttl":"60s","allow_publish_for_subscriber":true}]"#;
    let server = Server::start_with(env.backend, &[(option, namespaces)]).await;
    let client = server.client(env.transport);
    let mut alice = Connection::open(&server, Some(&ALICE)).await?;
    let request = SubscribeRequest::new("chat:a")
        .user("alice")
        .info(r#"{"seat":7}"#);
    client.call(request).await?;
    alice.subscribed().await?;
    alice.publish("chat:a", r#"{"text":"hi"}"#).await?;
    let history = client.call(HistoryRequest::new("chat:a").limit(1)).await?;
    let [publication] = &history.publications[..] else {
        panic!("expected one publication, not {history:?}")
    };
    assert_eq!(
        (publication.offset, &publication.data[..]),
        (1, &br#"{"text":"hi"}"#[..])
    );
    let info = publication.info.clone().ok_or("no info")?;
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
    Ok(())
}
