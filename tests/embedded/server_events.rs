//! The events that a connected client gets when calls affect it.

use centrifugo_api::{
    BoolValue, Disconnect, DisconnectRequest, Error, PresenceRequest, RefreshRequest,
    StreamPosition, SubscribeOptionOverride, SubscribeRequest, UnsubscribeRequest,
};
use centrifugo_api_testing::{Connection, Event, Namespace, Server};

use crate::{Outcome, describe, events_so_far, history, publish, start};

#[derive(Debug, Default, PartialEq)]
struct Subscribed {
    data: String,
    flags: [bool; 3],
    offset: u64,
    epoch: String,
}

/// Returns three facts of the next event, which must be a subscription: recoverable, positioned,
/// recovered.
#[track_caller]
fn subscribed(connection: &mut Connection) -> Subscribed {
    match connection.try_next() {
        Some(Event::Subscribed {
            data,
            recoverable,
            positioned,
            recovered,
            offset,
            epoch,
            ..
        }) => Subscribed {
            data: String::from_utf8_lossy(&data).into_owned(),
            flags: [recoverable, positioned, recovered],
            offset,
            epoch,
        },
        other => panic!("expected a subscription, not {other:?}"),
    }
}

async fn subscribe(server: &Server, request: SubscribeRequest) -> Result<(), Error> {
    server.client().subscribe(request).await.map(drop)
}

#[tokio::test]
async fn subscription_by_a_call_describes_itself() -> Outcome {
    let server = start();
    publish(&server.client(), "news", "1").await?;
    let epoch = history(&server.client(), "news").await?.epoch;
    let mut alice = server.connect("alice");
    subscribe(
        &server,
        SubscribeRequest::new("news")
            .user("alice")
            .data(r#"{"a":1}"#)
            .info("2"),
    )
    .await?;
    let expected = Subscribed {
        data: r#"{"a":1}"#.into(),
        flags: [true, true, false],
        offset: 1,
        epoch,
    };
    assert_eq!(subscribed(&mut alice), expected);
    let presence = server
        .client()
        .presence(PresenceRequest::new("news"))
        .await?
        .presence;
    assert_eq!(presence[alice.id()].chan_info, "2");
    Ok(())
}

#[tokio::test]
async fn subscription_without_recovery_has_no_position() -> Outcome {
    let server = Server::builder().namespace(Namespace::new("")).start()?;
    let mut alice = server.connect("alice");
    subscribe(&server, SubscribeRequest::new("news").user("alice")).await?;
    assert_eq!(subscribed(&mut alice), Subscribed::default());
    Ok(())
}

#[tokio::test]
async fn call_overrides_the_namespace() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    let off = || BoolValue::new(false);
    let options = SubscribeOptionOverride::new()
        .presence(false)
        .join_leave(off())
        .force_recovery(off());
    subscribe(
        &server,
        SubscribeRequest::new("news")
            .user("alice")
            .r#override(options),
    )
    .await?;
    assert_eq!(subscribed(&mut alice).flags, [false; 3]);
    assert_eq!(events_so_far(&mut alice), [""; 0]);
    assert!(
        server
            .client()
            .presence(PresenceRequest::new("news"))
            .await?
            .presence
            .is_empty()
    );
    let options = SubscribeOptionOverride::new()
        .force_recovery(off())
        .force_positioning(true);
    subscribe(
        &server,
        SubscribeRequest::new("sports")
            .user("alice")
            .r#override(options),
    )
    .await?;
    assert_eq!(subscribed(&mut alice).flags, [false, true, false]);
    Ok(())
}

#[tokio::test]
async fn missed_publications_follow_the_subscription_in_order() -> Outcome {
    let server = start();
    let client = server.client();
    for data in ["1", "2", "3"] {
        publish(&client, "news", data).await?;
    }
    let epoch = history(&client, "news").await?.epoch;
    let mut alice = server.connect("alice");
    let position = StreamPosition::new(1, epoch.as_str());
    subscribe(
        &server,
        SubscribeRequest::new("news")
            .user("alice")
            .recover_since(position),
    )
    .await?;
    publish(&client, "news", "4").await?;
    let event = subscribed(&mut alice);
    assert_eq!((event.flags, event.offset), ([true; 3], 1));
    assert_eq!(
        events_so_far(&mut alice),
        ["news: 2 2", "news: 3 3", "news: alice joined", "news: 4 4"]
    );
    Ok(())
}

#[tokio::test]
async fn position_of_another_epoch_is_not_recovered() -> Outcome {
    let server = start();
    publish(&server.client(), "news", "1").await?;
    let mut alice = server.connect("alice");
    let since = StreamPosition::new(0, "another");
    subscribe(
        &server,
        SubscribeRequest::new("news")
            .user("alice")
            .recover_since(since),
    )
    .await?;
    let event = subscribed(&mut alice);
    assert_eq!((event.flags, event.offset), ([true, true, false], 1));
    assert_eq!(events_so_far(&mut alice), ["news: alice joined"]);
    Ok(())
}

#[tokio::test]
async fn all_connections_of_a_user_are_subscribed_or_one_of_them() -> Outcome {
    let server = start();
    let mut one = server.connect("alice");
    let mut other = server.connect("alice");
    subscribe(&server, SubscribeRequest::new("all").user("alice")).await?;
    subscribe(
        &server,
        SubscribeRequest::new("one").user("alice").client(one.id()),
    )
    .await?;
    let seen_by_one = events_so_far(&mut one);
    assert_eq!(
        seen_by_one.first().map(String::as_str),
        Some("all: subscribed at 0")
    );
    assert_eq!(
        seen_by_one.last().map(String::as_str),
        Some("one: alice joined")
    );
    assert!(
        events_so_far(&mut other)
            .iter()
            .all(|event| event.starts_with("all: "))
    );
    Ok(())
}

#[tokio::test]
async fn unsubscribe_is_pushed_once() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    alice.subscribe("news")?;
    bob.subscribe("news")?;
    for _ in 0..2 {
        server
            .client()
            .unsubscribe(UnsubscribeRequest::new("news").user("alice"))
            .await?;
    }
    publish(&server.client(), "news", "1").await?;
    assert_eq!(
        events_so_far(&mut alice),
        [
            "news: alice joined",
            "news: bob joined",
            "news: 2000 server unsubscribe"
        ]
    );
    assert_eq!(
        events_so_far(&mut bob),
        ["news: bob joined", "news: alice left", "news: 1 1"]
    );
    alice.subscribe("news")?;
    Ok(())
}

#[tokio::test]
async fn disconnect_has_a_code_and_a_reason() -> Outcome {
    let server = start();
    for (disconnect, expected) in [
        (None, "disconnected: 3503 force disconnect"),
        (Some(Disconnect::new(4001, "bye")), "disconnected: 4001 bye"),
        (Some(Disconnect::new(3001, "")), "disconnected: 3001 "),
        // The connection is closed without a code.
        (Some(Disconnect::new(3000, "")), "disconnected: 1006 "),
        (Some(Disconnect::new(0, "")), "disconnected: 1006 "),
        // The code has only 16 bits.
        (
            Some(Disconnect::new(70_000, "bye")),
            "disconnected: 4464 bye",
        ),
        (
            Some(Disconnect::new(4999, "r".repeat(123))),
            &format!("disconnected: 4999 {}", "r".repeat(123)),
        ),
        (Some(Disconnect::new(5000, "bye")), "disconnected: 1006 "),
        (
            Some(Disconnect::new(4001, "r".repeat(124))),
            "disconnected: 1006 ",
        ),
    ] {
        let mut alice = server.connect("alice");
        let mut request = DisconnectRequest::new("alice");
        request.disconnect = disconnect;
        server.client().disconnect(request).await?;
        assert_eq!(events_so_far(&mut alice), [expected]);
    }
    Ok(())
}

#[tokio::test]
async fn disconnect_spares_other_users() -> Outcome {
    let server = start();
    let mut connections = ["alice", "alice", "alice", "bob"].map(|name| server.connect(name));
    let client = server.client();
    let spared = [connections[0].id()];
    client
        .disconnect(DisconnectRequest::new("alice").client(connections[1].id()))
        .await?;
    client
        .disconnect(DisconnectRequest::new("alice").whitelist(spared))
        .await?;
    let ended: Vec<bool> = connections
        .iter_mut()
        .map(|connection| connection.try_next().is_some())
        .collect();
    assert_eq!(ended, [false, true, true, false]);
    Ok(())
}

#[tokio::test]
async fn disconnected_client_leaves_its_channels() -> Outcome {
    let server = start();
    let alice = server.connect("alice");
    let mut bob = server.connect("bob");
    alice.subscribe("news")?;
    bob.subscribe("news")?;
    server
        .client()
        .disconnect(DisconnectRequest::new("alice"))
        .await?;
    assert_eq!(
        events_so_far(&mut bob),
        ["news: bob joined", "news: alice left"]
    );
    let presence = server
        .client()
        .presence(PresenceRequest::new("news"))
        .await?
        .presence;
    assert_eq!(presence.into_keys().collect::<Vec<_>>(), [bob.id()]);
    Ok(())
}

#[tokio::test]
async fn refresh_says_until_when_or_that_it_is_over() -> Outcome {
    let server = start();
    let client = server.client();
    let mut alice = server.connect("alice");
    client
        .refresh(RefreshRequest::new("alice").expire_at(32_503_680_000))
        .await?;
    client.refresh(RefreshRequest::new("alice")).await?;
    client
        .refresh(RefreshRequest::new("bob").expired(true))
        .await?;
    assert_eq!(
        events_so_far(&mut alice),
        ["refreshed until Some(32503680000)", "refreshed until None"]
    );
    client
        .refresh(RefreshRequest::new("alice").expired(true))
        .await?;
    assert_eq!(
        events_so_far(&mut alice),
        ["disconnected: 3005 connection expired"]
    );
    let mut alice = server.connect("alice");
    client
        .refresh(RefreshRequest::new("alice").expire_at(1))
        .await?;
    assert_eq!(
        describe(&alice.next().await.expect("an event")),
        "disconnected: 3005 connection expired"
    );
    Ok(())
}
