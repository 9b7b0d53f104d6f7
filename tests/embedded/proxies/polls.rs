//! Shared polls: the keys that clients track.

use std::sync::atomic::{AtomicU64, Ordering};

use centrifugo_api::SharedPollPublishRequest;
use centrifugo_api_testing::{
    Event, Namespace, ProxiedConnection, Server, ServerBuilder, SubscribeOptions,
};
use centrifugo_proxy::{Handlers, SharedPollItem, SharedPollRefreshReply};

use super::{Broken, NO, Seen, connect, handlers, misconfigured, refusal, text};
use crate::Outcome;

fn builder(handlers: &Handlers) -> ServerBuilder {
    let scores = Namespace::new("scores")
        .shared_poll(true)
        .allow_subscribe_for_client(true);
    let plain = Namespace::new("plain")
        .shared_poll_versionless()
        .allow_subscribe_for_client(true);
    Server::builder()
        .proxy(handlers)
        .namespace(scores)
        .namespace(plain)
}

async fn subscribed(
    server: &Server,
    user: &str,
    channel: &str,
) -> Result<ProxiedConnection, centrifugo_api::Error> {
    let client = connect(server, user).await?;
    let options = SubscribeOptions::new().shared_poll();
    client.subscribe_with(channel, options).await?;
    Ok(client)
}

fn seen(client: &mut ProxiedConnection) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = client.try_next() {
        seen.push(match event {
            Event::Polled {
                key, removed: true, ..
            } => format!("{key} is gone"),
            Event::Polled {
                key, data, version, ..
            } => format!("{key} is {} at {version}", text(&data)),
            other => crate::describe(&other),
        });
    }
    seen
}

/// Returns handlers that raise the version of every key by each answer.
fn counting(asked: &Seen) -> Handlers {
    let asked = asked.clone();
    let version = AtomicU64::new(0);
    handlers().shared_poll_refresh(move |event| {
        let version = version.fetch_add(1, Ordering::Relaxed) + 1;
        let items = event.items().iter();
        let items: Vec<_> = items.map(|item| (item.key.clone(), item.version)).collect();
        for (key, version) in &items {
            asked.add(format!("{key} {version}"));
        }
        let items = items.into_iter();
        let items =
            items.map(move |(key, _)| SharedPollItem::new(key, version, version.to_string()));
        let reply = SharedPollRefreshReply::new().items(items);
        async { Ok(reply) }
    })
}

#[tokio::test]
async fn new_keys_are_asked_about_at_once_and_all_keys_in_a_cycle() -> Outcome {
    let asked = Seen::default();
    let server = builder(&counting(&asked)).start()?;
    let mut anna = subscribed(&server, "anna", "scores:1").await?;
    anna.track("scores:1", ["a", "b"]).await?;
    assert_eq!(asked.take(), ["a 0", "b 0"]);
    assert_eq!(seen(&mut anna), ["a is 1 at 1", "b is 2 at 2"]);
    server.poll("scores:1").await?;
    assert_eq!(asked.take(), ["a 1", "b 2"]);
    assert_eq!(seen(&mut anna), ["a is 3 at 3", "b is 3 at 3"]);
    anna.untrack("scores:1", ["a"]);
    server.poll("scores:1").await?;
    assert_eq!(asked.take(), ["b 3"]);
    assert_eq!(seen(&mut anna), ["b is 4 at 4"]);
    Ok(())
}

#[tokio::test]
async fn client_gets_what_is_newer_than_it_has() -> Outcome {
    let handlers = handlers().shared_poll_refresh(|event| async move {
        let items = event.items().iter();
        let items = items.map(|item| SharedPollItem::new(item.key.clone(), 5, "5"));
        Ok(SharedPollRefreshReply::new().items(items.collect::<Vec<_>>()))
    });
    let server = builder(&handlers).start()?;
    let mut anna = subscribed(&server, "anna", "scores:1").await?;
    let mut bert = subscribed(&server, "bert", "scores:1").await?;
    let mut cleo = subscribed(&server, "cleo", "scores:1").await?;
    anna.track("scores:1", ["a"]).await?;
    bert.track_since("scores:1", [("a", 5)]).await?;
    cleo.track("scores:1", ["a"]).await?;
    server.poll("scores:1").await?;
    assert_eq!(seen(&mut anna), ["a is 5 at 5"]);
    assert!(seen(&mut bert).is_empty());
    assert_eq!(seen(&mut cleo), ["a is 5 at 5"]);
    Ok(())
}

#[tokio::test]
async fn keys_that_are_gone_are_not_tracked_any_more() -> Outcome {
    let asked = Seen::default();
    let lines = asked.clone();
    let handlers = handlers().shared_poll_refresh(move |event| {
        lines.add(event.items().len().to_string());
        async { Ok(SharedPollRefreshReply::new().item(SharedPollItem::removed("a"))) }
    });
    let server = builder(&handlers).start()?;
    let mut anna = subscribed(&server, "anna", "scores:1").await?;
    anna.track("scores:1", ["a"]).await?;
    assert_eq!(seen(&mut anna), ["a is gone"]);
    server.poll("scores:1").await?;
    assert_eq!(asked.take().len(), 1);
    Ok(())
}

#[tokio::test]
async fn errors_and_failures_skip_the_cycle() -> Outcome {
    let step = AtomicU64::new(0);
    let handlers = handlers().shared_poll_refresh(move |_| {
        let step = step.fetch_add(1, Ordering::Relaxed);
        async move {
            match step {
                0 => Err(NO.into()),
                1 => Err(Broken.into()),
                2 => panic!("the handler panics"),
                _ => Ok(SharedPollRefreshReply::new().item(SharedPollItem::new("a", 1, "1"))),
            }
        }
    });
    let server = builder(&handlers).start()?;
    let mut anna = subscribed(&server, "anna", "scores:1").await?;
    anna.track("scores:1", ["a"]).await?;
    for _ in 0..2 {
        server.poll("scores:1").await?;
        assert!(seen(&mut anna).is_empty());
    }
    server.poll("scores:1").await?;
    assert_eq!(seen(&mut anna), ["a is 1 at 1"]);
    Ok(())
}

#[tokio::test]
async fn other_epoch_ends_the_subscriptions() -> Outcome {
    let handlers = handlers().shared_poll_refresh(|_| async {
        let item = SharedPollItem::new("a", 1, "1");
        Ok(SharedPollRefreshReply::new().item(item).epoch("next"))
    });
    let server = builder(&handlers).start()?;
    let mut anna = subscribed(&server, "anna", "scores:1").await?;
    anna.track("scores:1", ["a"]).await?;
    assert_eq!(seen(&mut anna), ["scores:1: 2500 insufficient state"]);
    let options = SubscribeOptions::new().shared_poll();
    anna.subscribe_with("scores:1", options).await?;
    anna.track("scores:1", ["a"]).await?;
    assert_eq!(seen(&mut anna), ["a is 1 at 1"]);
    Ok(())
}

#[tokio::test]
async fn server_makes_versions_where_the_backend_has_none() -> Outcome {
    let data = AtomicU64::new(0);
    let handlers = handlers().shared_poll_refresh(move |_| {
        let data = data.fetch_add(1, Ordering::Relaxed) / 2;
        async move {
            let item = SharedPollItem::new("a", 0, data.to_string());
            Ok(SharedPollRefreshReply::new().item(item))
        }
    });
    let server = builder(&handlers).start()?;
    let mut anna = subscribed(&server, "anna", "plain:1").await?;
    anna.track("plain:1", ["a"]).await?;
    for _ in 0..3 {
        server.poll("plain:1").await?;
    }
    assert_eq!(seen(&mut anna), ["a is 0 at 1", "a is 1 at 2"]);
    Ok(())
}

#[tokio::test]
async fn call_of_shared_poll_publish_reaches_clients() -> Outcome {
    let asked = Seen::default();
    let server = builder(&counting(&asked)).start()?;
    let mut anna = subscribed(&server, "anna", "scores:1").await?;
    anna.track("scores:1", ["a"]).await?;
    assert_eq!(seen(&mut anna), ["a is 1 at 1"]);
    asked.take();
    let publish = |version| SharedPollPublishRequest::new("scores:1", "9", version).key("a");
    server.client().shared_poll_publish(publish(9)).await?;
    server.client().shared_poll_publish(publish(8)).await?;
    assert_eq!(seen(&mut anna), ["a is 9 at 9"]);
    server.poll("scores:1").await?;
    assert!(asked.take().is_empty(), "the state is fresh");
    Ok(())
}

#[tokio::test]
async fn mistakes_are_refused() -> Outcome {
    let server = builder(&handlers()).start()?;
    let anna = connect(&server, "anna").await?;
    assert_eq!(refusal(anna.subscribe("scores:1").await).0, 107);
    assert_eq!(refusal(anna.track("scores:1", ["a"]).await).0, 103);
    let poll = SubscribeOptions::new().shared_poll();
    anna.subscribe_with("scores:1", poll).await?;
    assert_eq!(
        refusal(anna.track("scores:1", Vec::<String>::new()).await).0,
        107
    );
    assert_eq!(refusal(server.poll("unknown:1").await).0, 102);
    let problem = misconfigured(anna.track("scores:1", ["a"]).await);
    assert!(problem.contains("`shared_poll_refresh`"), "{problem}");
    Ok(())
}
