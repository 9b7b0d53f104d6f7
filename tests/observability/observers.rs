//! Observers see calls, attempts, shared batches and nodes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use centrifugo_api::http::HeaderMap;
use centrifugo_api::observe::{
    AttemptEnd, AttemptStart, BatchStart, CallEnd, CallObserver, CallStart, Observer,
};
use centrifugo_api::{
    BatchRequest, BroadcastRequest, Coalescing, Error, InfoRequest, PublishRequest,
};
use centrifugo_api_testing::{Fault, Server};

use crate::log::Log;
use crate::{Outcome, both_transports};

#[tokio::test]
async fn call_that_is_retried_is_seen_with_each_attempt() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.observer(log.clone()).build()?;
        server.fail_next(1, Fault::api_error(100))?;
        let request = PublishRequest::new("chat:today", "{}").idempotency_key("key");
        client.publish(request).await?;
        assert_eq!(
            log.take(),
            [
                "1: publish of 1 in chat, Some(2) bytes",
                "1: attempt 1",
                "1: attempt 1: code 100",
                "1: attempt 2",
                "1: attempt 2: success",
                "1: success after 2 attempts, 0 failed",
            ]
        );
        let requests = server.take_requests();
        let attempts: Vec<_> = requests
            .iter()
            .map(|one| &one.headers["x-attempt"])
            .collect();
        assert_eq!(attempts, ["1", "2"]);
    }
    Ok(())
}

#[tokio::test]
async fn observer_stops_retries() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.observer(log.clone()).build()?;
        server.fail_next(1, Fault::api_error(111))?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert_eq!(error.api_code(), Some(111));
        assert_eq!(
            log.take().last().map(|line| &**line),
            Some("1: code 111 after 1 attempts, 0 failed")
        );
    }
    Ok(())
}

#[tokio::test]
async fn invalid_request_is_seen_without_attempt() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.observer(log.clone()).build()?;
        client
            .publish(PublishRequest::new("", "{}"))
            .await
            .unwrap_err();
        assert_eq!(
            log.take(),
            [
                "1: publish of 1 in -, Some(2) bytes",
                "1: code 107 after 0 attempts, 0 failed"
            ]
        );
        assert!(server.take_requests().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn failed_parts_are_counted() -> Outcome {
    for (_server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.observer(log.clone()).build()?;
        // The namespace does not exist.
        let channels = ["chat:news", "unknown:1", "unknown:2"];
        let result = client
            .broadcast(BroadcastRequest::new(channels, "{}"))
            .await?;
        assert_eq!(result.failed().count(), 2);
        let batch = vec![
            PublishRequest::new("chat:news", "{}"),
            PublishRequest::new("unknown:1", "{}"),
        ];
        let outcomes = client.batch(batch).await?;
        assert!(outcomes[1].is_err());
        let lines = log.take();
        assert_eq!(lines[0], "1: broadcast of 3 in -, None bytes");
        assert_eq!(lines[3], "1: success after 1 attempts, 2 failed");
        assert_eq!(lines[4], "2: batch of 2 in -, None bytes");
        assert_eq!(lines[7], "2: success after 1 attempts, 1 failed");
    }
    Ok(())
}

#[tokio::test]
async fn shared_batch_is_linked_with_its_calls() -> Outcome {
    for (_server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.observer(log.clone()).build()?;
        let client = client.coalescing(Coalescing::default().max_batches(1));
        let publish = || client.publish(PublishRequest::new("chat:news", "{}"));
        let (first, second) = tokio::join!(publish(), publish());
        first?;
        second?;
        let mut lines = log.take();
        let batch = lines
            .iter()
            .position(|line| line == "3: batch of 2 for [1, 2]");
        assert!(batch.is_some(), "{lines:?}");
        lines.sort();
        let line = |number| format!("{number}: success after 1 attempts, 0 failed");
        for expected in [line(3), line(1) + ", coalesced", line(2) + ", coalesced"] {
            assert!(lines.contains(&expected), "{expected} is not in {lines:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn node_that_goes_and_comes_is_seen() -> Outcome {
    for (_server, builder, transport) in both_transports()? {
        let other = Server::start()?;
        let url = (transport.url)(&other);
        let log = Log::default();
        let client = builder.endpoint(url).observer(log.clone()).build()?;
        // The one fails, and answers when it is probed.
        other.fail_next(1, Fault::status(transport.unavailable))?;
        let mut lines = Vec::new();
        let wait = async {
            while !lines.iter().any(|line| line == "node up: true") {
                let _ = client.info(InfoRequest::new()).await;
                lines.extend(log.take());
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await?;
        let changes: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with("node"))
            .collect();
        assert_eq!(changes, ["node up: false", "node up: true"]);
    }
    Ok(())
}

#[tokio::test]
async fn refused_retry_is_seen() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.observer(log.clone()).build()?;
        server.fail_next(1000, Fault::api_error(100))?;
        let call = || async { client.info(InfoRequest::new()).await.is_err() };
        let mut calls = 0;
        while !log
            .take()
            .iter()
            .any(|line| line.ends_with("retry refused"))
        {
            assert!(call().await && calls < 100);
            calls += 1;
        }
        // The store of 20 retries lasts for 10 calls with 2 retries each.
        assert_eq!(calls, 11);
    }
    Ok(())
}

#[tokio::test]
async fn call_that_is_dropped_ends_as_dropped() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.observer(log.clone()).build()?;
        server.fail_next(1, Fault::delay(Duration::from_secs(20)))?;
        let call = client.info(InfoRequest::new());
        let arrives = async {
            while server.requests().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            outcome = call => panic!("{outcome:?}"),
            () = arrives => {}
        }
        let lines = log.take();
        assert_eq!(
            lines[2..],
            [
                "1: attempt 1: dropped",
                "1: dropped after 1 attempts, 0 failed"
            ]
        );
    }
    Ok(())
}

#[tokio::test]
async fn call_by_name_is_seen() -> Outcome {
    let [(_server, builder, _), _] = both_transports()?;
    let log = Log::default();
    let client = builder.observer(log.clone()).build()?;
    let result: serde_json::Value = client.call_raw("info", &serde_json::json!({})).await?;
    assert!(result["nodes"].is_array());
    assert_eq!(
        log.take(),
        [
            "1: info of 1 in -, None bytes",
            "1: attempt 1",
            "1: attempt 1: success",
            "1: success after 1 attempts, 0 failed"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn call_that_waits_for_a_permit_is_seen() -> Outcome {
    for (_server, builder, _) in both_transports()? {
        let log = Log::default();
        let client = builder.max_in_flight(1).observer(log.clone()).build()?;
        let info = || client.info(InfoRequest::new());
        let (first, second) = tokio::join!(info(), info());
        first?;
        second?;
        let lines = log.take();
        let of_second: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with("2: "))
            .collect();
        assert_eq!(of_second[1..3], ["2: waits", "2: waits no longer"]);
        let first_waits = lines.iter().any(|line| line.starts_with("1: waits"));
        assert!(!first_waits, "{lines:?}");
    }
    Ok(())
}

/// An observer that keeps the other ends of connections.
#[derive(Clone, Default)]
struct Peers(Arc<Mutex<Vec<Option<SocketAddr>>>>);

impl Observer for Peers {
    fn call(&self, _: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        Some(Arc::new(self.clone()))
    }
}

impl CallObserver for Peers {
    fn attempt_ends(&self, _: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peers.push(end.peer);
    }
}

#[tokio::test]
async fn other_end_of_the_connection_is_seen() -> Outcome {
    for (server, builder, transport) in both_transports()? {
        let peers = Peers::default();
        let uri: centrifugo_api::http::Uri = (transport.url)(&server).parse()?;
        let authority = uri.authority().ok_or("a URL has an authority")?;
        let address: SocketAddr = authority.as_str().parse()?;
        let client = builder.observer(peers.clone()).build()?;
        client.info(InfoRequest::new()).await?;
        drop(server);
        client.info(InfoRequest::new()).await.unwrap_err();
        let peers = peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(peers[0], Some(address));
        // Nobody listens there any more.
        assert_eq!(peers.last(), Some(&None));
    }
    Ok(())
}

/// An observer that keeps the texts of all errors, and the headers that it is given.
#[derive(Clone, Default)]
struct Texts(Arc<Mutex<String>>);

impl Texts {
    fn add(&self, text: &dyn std::fmt::Debug) {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *texts += &format!("{text:?}\n");
    }
}

impl Observer for Texts {
    fn call(&self, call: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        self.add(call);
        Some(Arc::new(self.clone()))
    }

    fn shared_batch(&self, batch: &BatchStart<'_>) -> Option<Arc<dyn CallObserver>> {
        self.add(batch);
        Some(Arc::new(self.clone()))
    }
}

impl CallObserver for Texts {
    fn attempt_starts(&self, attempt: &AttemptStart<'_>, headers: &mut HeaderMap) {
        self.add(&(attempt, headers));
    }

    fn attempt_ends(&self, _: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        self.add(end);
    }

    fn may_retry(&self, error: &Error) -> bool {
        self.add(error);
        true
    }

    fn ends(&self, end: &CallEnd<'_>) {
        self.add(end);
    }
}

#[tokio::test]
async fn observers_see_no_secret() -> Outcome {
    for (server, builder, transport) in both_transports()? {
        let texts = Texts::default();
        let builder = builder
            .header("X-Zone", "zone-value")
            .observer(texts.clone());
        let client = builder.build()?.with_header("X-Tenant", "tenant-value")?;
        let shared = client.clone().coalescing(Coalescing::default());
        let message = "zone-value tenant-value";
        server.fail_always(Fault::status(transport.unavailable).message(message))?;
        client.info(InfoRequest::new()).await.unwrap_err();
        shared.info(InfoRequest::new()).await.unwrap_err();
        let seen = texts.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(
            seen.contains("[secret] [secret]") && !seen.contains("-value"),
            "{seen}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn errors_of_parts_show_no_secret() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.header("X-Zone", "zone-value").build()?;
        let fault = || Fault::api_error(103).message("not for zone-value");
        let publish = || PublishRequest::new("chat:news", "{}");
        server.fail_next(1, fault())?;
        let of_vec = client.batch(vec![publish()]).await?;
        server.fail_next(1, fault())?;
        let (of_tuple,) = client.batch((publish(),)).await?;
        server.fail_next(1, fault())?;
        let raw = client.batch(BatchRequest::new([publish()])).await?;
        let broadcast = || BroadcastRequest::new(["chat:news"], "{}");
        server.fail_next(1, fault().channel("chat:news"))?;
        let of_broadcast = client.broadcast(broadcast()).await?;
        server.fail_next(1, fault().channel("chat:news"))?;
        let of_both = client.batch(vec![broadcast()]).await?;
        let shown = format!("{of_vec:?} {of_tuple:?} {raw:?} {of_broadcast:?} {of_both:?}");
        assert_eq!(shown.matches("not for [secret]").count(), 5, "{shown}");
        assert!(!shown.contains("zone-value"), "{shown}");
    }
    Ok(())
}
