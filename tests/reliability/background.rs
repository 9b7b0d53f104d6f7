//! Calls that nobody waits for.

#[cfg(feature = "blocking")]
mod blocking;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use centrifugo_api::observe::{CallObserver, CallStart, DropReason, Dropped, Observer};
use centrifugo_api::{Background, BroadcastRequest, Coalescing, Error, PublishRequest};
use centrifugo_api_testing::{Fault, Server};

use crate::{Outcome, PATIENCE, both_transports};

/// Returns the data that was published in a channel, in order.
fn data(server: &Server, channel: &str) -> Vec<String> {
    let requests = server.requests();
    let publications = requests.iter().filter_map(|request| request.request());
    publications
        .filter(|publish: &PublishRequest| publish.channel == channel)
        .map(|publish| String::from_utf8_lossy(&publish.data).into_owned())
        .collect()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn calls_about_a_channel_keep_their_order() -> Outcome {
    const CALLS: usize = 50;
    const CHANNELS: [&str; 3] = ["a", "b", "c"];
    for (server, builder) in both_transports()? {
        let background = builder.build()?.background(Background::default());
        for number in numbers(CALLS) {
            for channel in CHANNELS {
                background.send(PublishRequest::new(channel, number.clone()));
            }
        }
        background.flush().await;
        for channel in CHANNELS {
            assert_eq!(data(&server, channel), numbers(CALLS));
        }
        let counts = background.counts();
        assert_eq!(
            (counts.succeeded, counts.waiting, counts.in_flight),
            (150, 0, 0)
        );
    }
    Ok(())
}

#[tokio::test]
async fn coalescing_client_keeps_the_order_too() -> Outcome {
    for (_server, builder) in both_transports()? {
        let client = builder.build()?;
        let background = client
            .coalescing(Coalescing::default())
            .background(Background::default());
        for number in numbers(50) {
            background.send(PublishRequest::new("news", number));
        }
        background.flush().await;
        let history = centrifugo_api::HistoryRequest::new("news").limit(-1);
        let history = client.history(history).await?;
        let data = history
            .publications
            .iter()
            .map(|one| String::from_utf8_lossy(&one.data));
        assert_eq!(data.collect::<Vec<_>>(), numbers(50));
    }
    Ok(())
}

#[tokio::test]
async fn call_that_fails_stops_no_other_one() -> Outcome {
    for (server, builder) in both_transports()? {
        server.fail_next(1, Fault::api_error(102))?;
        let background = builder.build()?.background(Background::default());
        background.send(PublishRequest::new("", "1"));
        for number in numbers(3) {
            background.send(PublishRequest::new("news", number));
        }
        // A channel of a broadcast fails.
        let channels = ["unknown:a", "b"];
        background.send(BroadcastRequest::new(channels, "1"));
        background.flush().await;
        let counts = background.counts();
        assert_eq!((counts.succeeded, counts.failed), (2, 3));
        assert_eq!(data(&server, "news"), numbers(3));
    }
    Ok(())
}

#[tokio::test]
async fn close_sends_what_waits() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        let background = client.background(Background::default().max_in_flight(1));
        for number in numbers(20) {
            background.send(PublishRequest::new("news", number));
        }
        client.close(PATIENCE).await?;
        assert_eq!(data(&server, "news"), numbers(20));
        background.send(PublishRequest::new("news", "late"));
        let counts = background.counts();
        assert_eq!((counts.succeeded, counts.dropped), (20, 1));
    }
    Ok(())
}

/// While what waits is sent, and also if `close` is not awaited to its end.
#[tokio::test]
async fn close_refuses_other_calls_at_once() -> Outcome {
    for (server, builder) in both_transports()? {
        server.fail_always(Fault::delay(PATIENCE))?;
        let client = builder.build()?;
        let background = client.background(Background::default().max_in_flight(1));
        background.send(PublishRequest::new("news", "0"));
        background.send(PublishRequest::new("news", "1"));
        let closing = client.close(PATIENCE);
        assert!(
            tokio::time::timeout(Duration::from_millis(1), closing)
                .await
                .is_err()
        );
        let refused = client.publish(PublishRequest::new("news", "2")).await;
        let error = refused.expect_err("the client is closing");
        assert!(matches!(error, Error::Closed { .. }), "{error:?}");
        background.send(PublishRequest::new("news", "3"));
        let counts = background.counts();
        assert_eq!((counts.waiting + counts.in_flight, counts.dropped), (2, 1));
        server.clear_faults();
    }
    Ok(())
}

/// Notes the calls that were dropped.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<(String, DropReason)>>>);

impl Observer for Notes {
    fn call(&self, _: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        None
    }

    fn dropped(&self, dropped: &Dropped<'_>) {
        let mut notes = self
            .0
            .lock()
            .expect("no test panics while it holds the lock");
        notes.push((dropped.channel.to_owned(), dropped.reason));
    }
}

#[tokio::test]
async fn close_without_enough_time_drops_the_rest_and_says_so() -> Outcome {
    for (server, builder) in both_transports()? {
        server.fail_always(Fault::delay(PATIENCE))?;
        let notes = Notes::default();
        let client = builder.observer(notes.clone()).build()?;
        let background = client.background(Background::default());
        for number in numbers(3) {
            background.send(PublishRequest::new("news", number));
        }
        let error = client.close(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        let expected = ("news".to_owned(), DropReason::Closed);
        assert_eq!(*notes.0.lock().unwrap(), [expected.clone(), expected]);
        assert_eq!(background.counts().dropped, 2);
    }
    Ok(())
}

#[test]
fn call_without_a_runtime_is_dropped() -> Outcome {
    for (_server, builder) in both_transports()? {
        let notes = Notes::default();
        let background = builder
            .observer(notes.clone())
            .build()?
            .background(Background::default());
        background.send(PublishRequest::new("news", "1"));
        assert_eq!(background.counts().dropped, 1);
        let expected = ("news".to_owned(), DropReason::NoRuntime);
        assert_eq!(*notes.0.lock().unwrap(), [expected]);
    }
    Ok(())
}

/// A runtime that ends takes its calls with it; others go on elsewhere.
#[test]
fn calls_go_on_in_another_runtime() -> Outcome {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build()
    };
    for (server, builder) in both_transports()? {
        let background = builder.build()?.background(Background::default());
        let ended = runtime()?;
        ended.block_on(async { background.send(PublishRequest::new("news", "0")) });
        // It waits for the task of the first runtime, and nothing is sent when that has ended.
        let other = runtime()?;
        other.block_on(async { background.send(PublishRequest::new("news", "1")) });
        drop(ended);
        other.block_on(background.flush());
        let sent = data(&server, "news");
        assert_eq!(sent.last().map(String::as_str), Some("1"));
        assert!(background.counts().succeeded >= 1);
    }
    Ok(())
}
