//! Connected clients, and their own actions.

use centrifugo_api::{
    ChannelsRequest, Client, DisconnectRequest, Error, InfoRequest, PresenceRequest,
    PresenceStatsRequest,
};
use centrifugo_api_testing::{MapOptions, Namespace, Server, User};

use crate::{Outcome, describe, events_so_far, publish, published, start};

#[track_caller]
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> u32 {
    outcome
        .expect_err("the action fails")
        .api_code()
        .expect("the error is one of Centrifugo's")
}

/// Returns the names of the users who are present.
async fn present(client: &Client, channel: &str) -> Result<Vec<String>, Error> {
    let presence = client
        .presence(PresenceRequest::new(channel))
        .await?
        .presence;
    let mut users: Vec<_> = presence.into_values().map(|info| info.user).collect();
    users.sort();
    Ok(users)
}

#[tokio::test]
async fn subscriber_is_present_under_its_id_with_its_info() -> Outcome {
    let server = start();
    let alice = server.connect(User::new("alice").info(r#"{"name":"Alice"}"#));
    assert_eq!(alice.user(), "alice");
    alice.subscribe("news")?;
    let presence = server
        .client()
        .presence(PresenceRequest::new("news"))
        .await?
        .presence;
    let info = &presence[alice.id()];
    assert_eq!(presence.len(), 1);
    assert_eq!(
        (info.user.as_str(), info.client.as_str()),
        ("alice", alice.id())
    );
    assert_eq!(
        (&info.conn_info[..], &info.chan_info[..]),
        (&br#"{"name":"Alice"}"#[..], &b""[..])
    );
    Ok(())
}

#[tokio::test]
async fn connections_of_a_user_are_counted_apart() -> Outcome {
    let server = start();
    let connections = ["alice", "alice", "bob", ""].map(|name| server.connect(name));
    for connection in &connections {
        connection.subscribe("news")?;
    }
    connections[0].subscribe("sports")?;
    let client = server.client();
    let stats = client
        .presence_stats(PresenceStatsRequest::new("news"))
        .await?;
    assert_eq!((stats.num_clients, stats.num_users), (4, 3));
    let node = client.info(InfoRequest::new()).await?.nodes.remove(0);
    assert_eq!(
        (
            node.num_clients,
            node.num_users,
            node.num_channels,
            node.num_subs
        ),
        (4, 3, 2, 5)
    );
    let channels = client.channels(ChannelsRequest::new()).await?.channels;
    assert_eq!(
        (channels["news"].num_clients, channels["sports"].num_clients),
        (4, 1)
    );
    Ok(())
}

#[tokio::test]
async fn subscribers_see_one_another_and_publications_in_order() -> Outcome {
    let server = start();
    let client = server.client();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    alice.subscribe("news")?;
    publish(&client, "news", "1").await?;
    bob.subscribe("news")?;
    publish(&client, "news", "2").await?;
    bob.unsubscribe("news");
    publish(&client, "news", "3").await?;
    assert_eq!(
        events_so_far(&mut alice),
        [
            "news: alice joined",
            "news: 1 1",
            "news: bob joined",
            "news: 2 2",
            "news: bob left",
            "news: 3 3"
        ]
    );
    assert_eq!(events_so_far(&mut bob), ["news: bob joined", "news: 2 2"]);
    Ok(())
}

#[tokio::test]
async fn joins_are_pushed_only_where_the_namespace_says_so() -> Outcome {
    let server = Server::builder()
        .namespace(Namespace::new("quiet"))
        .namespace(Namespace::new("emits").join_leave(true))
        .namespace(Namespace::new("pushes").force_push_join_leave(true))
        .start()?;
    let mut alice = server.connect("alice");
    for channel in ["quiet:1", "emits:1", "pushes:1"] {
        alice.subscribe(channel)?;
        server.connect("bob").subscribe(channel)?;
    }
    assert_eq!(events_so_far(&mut alice), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn client_publishes_under_its_name() -> Outcome {
    let server = start();
    let alice = server.connect(User::new("alice").info("1"));
    let mut bob = server.connect("bob");
    alice.subscribe("news")?;
    bob.subscribe("news")?;
    assert_eq!(alice.publish("news", r#"{"text":"hello"}"#)?.offset, 1);
    let publication = bob.next_publication().await.expect("a publication");
    let info = publication.info.expect("the publisher is known");
    assert_eq!(
        (
            info.user.as_str(),
            info.client.as_str(),
            &info.conn_info[..]
        ),
        ("alice", alice.id(), &b"1"[..])
    );
    assert_eq!(
        published(&server.client(), "news").await?,
        [r#"{"text":"hello"}"#]
    );
    Ok(())
}

#[tokio::test]
async fn refusals_have_the_codes_of_the_client_protocol() -> Outcome {
    let server = Server::builder()
        .namespace(Namespace::new(""))
        .namespace(Namespace::new("map").map(MapOptions::persistent()))
        .namespace(Namespace::new("poll").shared_poll(true))
        .start()?;
    let alice = server.connect("alice");
    assert_eq!(code(alice.subscribe("unknown:1")), 102);
    assert_eq!(code(alice.subscribe("map:1")), 103);
    assert_eq!(code(alice.subscribe("poll:1")), 107);
    assert_eq!(code(alice.subscribe("")), 107);
    assert_eq!(code(alice.publish("news", "1")), 103);
    alice.subscribe("news")?;
    assert_eq!(code(alice.subscribe("news")), 105);
    assert_eq!(code(alice.publish("news", "")), 107);
    assert_eq!(code(alice.publish("unknown:1", "1")), 102);
    server
        .client()
        .disconnect(DisconnectRequest::new("alice"))
        .await?;
    assert_eq!(code(alice.subscribe("sports")), 103);
    assert_eq!(code(alice.publish("news", "1")), 103);
    alice.unsubscribe("news");
    Ok(())
}

#[test]
fn subscriptions_of_a_client_are_limited_to_128() -> Outcome {
    let server = start();
    let alice = server.connect("alice");
    for index in 0..128 {
        alice.subscribe(&format!("channel-{index}"))?;
    }
    assert_eq!(code(alice.subscribe("one-more")), 106);
    assert_eq!(code(alice.subscribe("channel-7")), 105);
    alice.unsubscribe("channel-7");
    alice.subscribe("one-more")?;
    Ok(())
}

#[tokio::test]
async fn events_are_there_when_the_call_is_answered() -> Outcome {
    let server = start();
    let client = server.client();
    let mut alice = server.connect("alice");
    alice.subscribe("news")?;
    for offset in 1..=50 {
        publish(&client, "news", "1").await?;
        let last = events_so_far(&mut alice).pop();
        assert_eq!(last, Some(format!("news: {offset} 1")));
    }
    assert!(alice.try_next().is_none());
    Ok(())
}

#[tokio::test]
async fn next_publication_passes_other_events_and_ends_with_the_connection() -> Outcome {
    let server = start();
    let client = server.client();
    let mut alice = server.connect("alice");
    alice.subscribe("news")?;
    server.connect("bob").subscribe("news")?;
    publish(&client, "news", "1").await?;
    client.disconnect(DisconnectRequest::new("alice")).await?;
    assert_eq!(
        alice
            .next_publication()
            .await
            .expect("a publication")
            .offset,
        1
    );
    assert!(alice.next_publication().await.is_none());
    assert!(alice.next().await.is_none() && alice.try_next().is_none());
    Ok(())
}

#[tokio::test]
async fn client_that_is_dropped_leaves() -> Outcome {
    let server = start();
    let client = server.client();
    let mut alice = server.connect("alice");
    let bob = server.connect("bob");
    alice.subscribe("news")?;
    bob.subscribe("news")?;
    assert_eq!(present(&client, "news").await?, ["alice", "bob"]);
    drop(bob);
    assert_eq!(
        events_so_far(&mut alice).last().map(String::as_str),
        Some("news: bob left")
    );
    assert_eq!(present(&client, "news").await?, ["alice"]);
    drop(alice);
    assert_eq!(
        client.info(InfoRequest::new()).await?.nodes[0].num_clients,
        0
    );
    assert!(
        client
            .channels(ChannelsRequest::new())
            .await?
            .channels
            .is_empty()
    );
    Ok(())
}

#[tokio::test]
async fn anonymous_clients_have_the_empty_name() -> Outcome {
    let server = start();
    let mut one = server.connect("");
    let mut other = server.connect(User::default());
    let mut alice = server.connect("alice");
    assert_eq!((one.user(), other.user()), ("", ""));
    server
        .client()
        .disconnect(DisconnectRequest::new(""))
        .await?;
    for anonymous in [&mut one, &mut other] {
        assert_eq!(
            describe(&anonymous.next().await.expect("an event")),
            "disconnected: 3503 force disconnect"
        );
    }
    assert!(alice.try_next().is_none());
    Ok(())
}

#[test]
fn debug_names_id_and_user() {
    let server = start();
    let alice = server.connect("alice".to_owned());
    let text = format!("{alice:?}");
    assert!(
        text.contains(alice.id()) && text.contains("alice"),
        "{text}"
    );
}

#[test]
fn client_outlives_its_server() {
    let server = start();
    let alice = server.connect("alice");
    drop(server);
    assert_eq!(code(alice.subscribe("news")), 103);
    alice.unsubscribe("news");
    drop(alice);
}
