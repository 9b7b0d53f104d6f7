//! Time: a test moves it forward, and it also advances by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use centrifugo_api::{
    Client, Error, InfoRequest, MapPublishRequest, MapReadStreamRequest, MapStatsRequest,
    PresenceRequest, PublishRequest, RefreshRequest, SubscribeRequest,
};
use centrifugo_api_testing::{MapOptions, Namespace, Server, User};

use crate::{Outcome, describe, events_so_far, history, publish, soon, start};

const SECOND: Duration = Duration::from_secs(1);

fn with_history(ttl: u64, meta_ttl: u64) -> Result<Server, Error> {
    let namespace = Namespace::new("chat")
        .history_size(10)
        .history_ttl(Duration::from_secs(ttl));
    Server::builder()
        .namespace(namespace.history_meta_ttl(Duration::from_secs(meta_ttl)))
        .start()
}

fn unix_time() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is later than 1970");
    i64::try_from(now.as_secs()).expect("the time fits")
}

#[tokio::test]
async fn publications_expire_and_the_position_stays() -> Outcome {
    let server = with_history(60, 600)?;
    let client = server.client();
    publish(&client, "chat:1", "1").await?;
    server.advance(SECOND * 58);
    let before = history(&client, "chat:1").await?;
    assert_eq!(before.publications.len(), 1);
    server.advance(SECOND * 2);
    let after = history(&client, "chat:1").await?;
    assert_eq!(
        (after.publications.len(), after.offset, &after.epoch),
        (0, 1, &before.epoch)
    );
    assert_eq!(publish(&client, "chat:1", "2").await?, 2);
    Ok(())
}

#[tokio::test]
async fn publication_keeps_those_before_it_alive() -> Outcome {
    let server = with_history(60, 600)?;
    let client = server.client();
    publish(&client, "chat:1", "1").await?;
    server.advance(SECOND * 40);
    publish(&client, "chat:1", "2").await?;
    server.advance(SECOND * 40);
    assert_eq!(history(&client, "chat:1").await?.publications.len(), 2);
    Ok(())
}

#[tokio::test]
async fn position_expires_and_an_epoch_begins() -> Outcome {
    let server = with_history(60, 600)?;
    let client = server.client();
    publish(&client, "chat:1", "1").await?;
    let before = history(&client, "chat:1").await?;
    server.advance(SECOND * 598);
    assert_eq!(
        history(&client, "chat:1").await?.epoch,
        before.epoch,
        "and this use keeps it"
    );
    server.advance(SECOND * 598);
    assert_eq!(history(&client, "chat:1").await?.epoch, before.epoch);
    server.advance(SECOND * 600);
    let after = history(&client, "chat:1").await?;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!((after.offset, after.publications.len()), (0, 0));
    Ok(())
}

#[tokio::test]
async fn idempotency_key_is_remembered_for_five_minutes() -> Outcome {
    let server = start();
    let client = server.client();
    let keyed = || client.publish(PublishRequest::new("news", "1").idempotency_key("key"));
    assert_eq!(keyed().await?.offset, 1);
    server.advance(SECOND * 298);
    assert_eq!(keyed().await?.offset, 1);
    server.advance(SECOND * 2);
    assert_eq!(keyed().await?.offset, 2);
    Ok(())
}

fn map(options: MapOptions) -> Result<Server, Error> {
    Server::builder()
        .namespace(Namespace::new("map").map(options))
        .start()
}

async fn keys(client: &Client) -> Result<i32, Error> {
    Ok(client
        .map_stats(MapStatsRequest::new("map:1"))
        .await?
        .num_keys)
}

async fn set(client: &Client, key: &str) -> Result<(u64, String), Error> {
    let result = client
        .map_publish(MapPublishRequest::new("map:1", "1").key(key))
        .await?;
    Ok((result.offset, result.epoch))
}

#[tokio::test]
async fn keys_of_a_map_expire_into_its_stream() -> Outcome {
    let server = map(MapOptions::recoverable(SECOND * 60)
        .stream_ttl(SECOND * 600)
        .meta_ttl(SECOND * 700))?;
    let client = server.client();
    let (_, epoch) = set(&client, "a").await?;
    server.advance(SECOND * 30);
    set(&client, "b").await?;
    server.advance(SECOND * 30);
    assert_eq!(keys(&client).await?, 1);
    let stream = client
        .map_read_stream(MapReadStreamRequest::new("map:1").limit(-1))
        .await?;
    let changes: Vec<_> = stream
        .entries
        .iter()
        .map(|entry| (entry.key.as_str(), entry.removed))
        .collect();
    assert_eq!(changes, [("a", false), ("b", false), ("a", true)]);
    server.advance(SECOND * 600);
    let stream = client
        .map_read_stream(MapReadStreamRequest::new("map:1").limit(-1))
        .await?;
    assert_eq!(
        (stream.entries.len(), stream.offset, &stream.epoch),
        (0, 4, &epoch)
    );
    server.advance(SECOND * 700);
    let (offset, new_epoch) = set(&client, "a").await?;
    assert_eq!(offset, 1);
    assert_ne!(new_epoch, epoch);
    Ok(())
}

#[tokio::test]
async fn keys_of_a_persistent_map_stay() -> Outcome {
    let server = map(MapOptions::persistent())?;
    set(&server.client(), "a").await?;
    server.advance(Duration::from_secs(10 * 365 * 24 * 3600));
    assert_eq!(keys(&server.client()).await?, 1);
    Ok(())
}

#[tokio::test]
async fn keys_expire_by_themselves() -> Outcome {
    let server = map(MapOptions::ephemeral(Duration::from_millis(50)))?;
    let client = server.client();
    set(&client, "a").await?;
    soon("the end of the key", async {
        while keys(&client).await? > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn keys_that_expire_are_pushed_to_subscribers() -> Outcome {
    let server = map(MapOptions::ephemeral(SECOND * 60))?;
    let client = server.client();
    let mut alice = server.connect("alice");
    client
        .subscribe(SubscribeRequest::new("map:1").user("alice"))
        .await?;
    set(&client, "a").await?;
    server.advance(SECOND * 60);
    assert_eq!(
        events_so_far(&mut alice),
        ["map:1: subscribed at 0", "map:1: a set", "map:1: a removed"]
    );
    set(&client, "b").await?;
    server.advance(Duration::from_millis(59_900));
    assert_eq!(
        describe(&alice.next().await.expect("an event")),
        "map:1: b set"
    );
    let event = soon("the end of the key", alice.next())
        .await
        .expect("an event");
    assert_eq!(describe(&event), "map:1: b removed");
    Ok(())
}

#[tokio::test]
async fn connection_expires_25_seconds_after_its_time() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    let expires = unix_time() + 100;
    server
        .client()
        .refresh(RefreshRequest::new("alice").expire_at(expires))
        .await?;
    assert_eq!(
        events_so_far(&mut alice),
        [format!("refreshed until Some({expires})")]
    );
    server.advance(SECOND * 123);
    assert_eq!(events_so_far(&mut alice), [""; 0]);
    server.advance(SECOND * 4);
    assert_eq!(
        events_so_far(&mut alice),
        ["disconnected: 3005 connection expired"]
    );
    Ok(())
}

#[tokio::test]
async fn refresh_in_time_keeps_a_connection() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    let client = server.client();
    client
        .refresh(RefreshRequest::new("alice").expire_at(unix_time() + 100))
        .await?;
    server.advance(SECOND * 120);
    client
        .refresh(RefreshRequest::new("alice").expire_at(unix_time() + 1000))
        .await?;
    server.advance(SECOND * 120);
    client.refresh(RefreshRequest::new("alice")).await?;
    server.advance(SECOND * 100_000);
    assert_eq!(
        events_so_far(&mut alice).last().map(String::as_str),
        Some("refreshed until None")
    );
    Ok(())
}

#[tokio::test]
async fn subscription_that_expires_ends_its_connection() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    let mut bob = server.connect("bob");
    bob.subscribe("news")?;
    let subscribe = SubscribeRequest::new("news")
        .user("alice")
        .expire_at(unix_time() + 100);
    server.client().subscribe(subscribe).await?;
    server.advance(SECOND * 123);
    assert_eq!(
        events_so_far(&mut alice),
        ["news: subscribed at 0", "news: alice joined"]
    );
    server.advance(SECOND * 4);
    assert_eq!(
        events_so_far(&mut alice),
        ["disconnected: 3006 subscription expired"]
    );
    assert_eq!(
        events_so_far(&mut bob),
        ["news: bob joined", "news: alice joined", "news: alice left"]
    );
    Ok(())
}

#[tokio::test]
async fn connection_expires_by_itself() -> Outcome {
    let server = start();
    let mut alice = server.connect("alice");
    server
        .client()
        .refresh(RefreshRequest::new("alice").expire_at(unix_time() + 1000))
        .await?;
    assert!(describe(&alice.next().await.expect("an event")).starts_with("refreshed"));
    server.advance(SECOND * 1023);
    assert!(alice.try_next().is_none());
    let event = soon("the end of the connection", alice.next())
        .await
        .expect("an event");
    assert_eq!(describe(&event), "disconnected: 3005 connection expired");
    Ok(())
}

#[tokio::test]
async fn presence_shows_a_new_info_after_25_seconds() -> Outcome {
    let server = start();
    let client = server.client();
    let alice = server.connect(User::new("alice").info(r#"{"n":1}"#));
    alice.subscribe("news")?;
    let refresh = RefreshRequest::new("alice")
        .expire_at(unix_time() + 1000)
        .info(r#"{"n":2}"#);
    client.refresh(refresh).await?;
    for (advanced, expected) in [(0, r#"{"n":1}"#), (23, r#"{"n":1}"#), (2, r#"{"n":2}"#)] {
        server.advance(SECOND * advanced);
        let presence = client
            .presence(PresenceRequest::new("news"))
            .await?
            .presence;
        assert_eq!(presence[alice.id()].conn_info, expected, "{advanced}");
    }
    Ok(())
}

#[tokio::test]
async fn uptime_is_what_was_advanced() -> Outcome {
    let server = start();
    server.advance(SECOND * 90);
    let uptime = server.client().info(InfoRequest::new()).await?.nodes[0].uptime;
    assert!((90..100).contains(&uptime), "{uptime}");
    Ok(())
}

#[tokio::test]
async fn clock_stops_at_the_end_of_time() -> Outcome {
    let server = start();
    let client = server.client();
    publish(&client, "news", "1").await?;
    let epoch = history(&client, "news").await?.epoch;
    for _ in 0..5 {
        server.advance(Duration::MAX);
    }
    publish(&client, "news", "1").await?;
    assert_ne!(history(&client, "news").await?.epoch, epoch);
    client
        .publish(PublishRequest::new("news", "1").idempotency_key("a"))
        .await?;
    client.info(InfoRequest::new()).await?;
    Ok(())
}
