//! Calls that nobody waits for, without async: a thread makes them.

use std::thread;
use std::time::Instant;

use centrifugo_api::observe::DropReason;
use centrifugo_api::{Background, PublishRequest};

use super::{Notes, data, numbers};
use crate::{Outcome, PATIENCE, both_transports};

#[test]
fn calls_keep_their_order() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build_blocking()?;
        let background = client.background(Background::default());
        for number in numbers(50) {
            background.send(PublishRequest::new("a", number.clone()));
            background.clone().send(PublishRequest::new("b", number));
        }
        background.flush()?;
        for channel in ["a", "b"] {
            assert_eq!(data(&server, channel), numbers(50));
        }
        let counts = background.counts();
        assert_eq!((counts.succeeded, counts.waiting), (100, 0));
    }
    Ok(())
}

/// Nothing drives the connections of a blocking client between calls, except for the thread.
#[test]
fn calls_are_made_while_nobody_waits() -> Outcome {
    for (_server, builder) in both_transports()? {
        let client = builder.build_blocking()?;
        let background = client.background(Background::default());
        background.send(PublishRequest::new("news", "1"));
        let since = Instant::now();
        while background.counts().succeeded == 0 {
            assert!(since.elapsed() < PATIENCE, "{background:?}");
            thread::yield_now();
        }
    }
    Ok(())
}

#[test]
fn sender_that_is_dropped_sends_what_waits() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build_blocking()?;
        let background = client.background(Background::default().max_in_flight(1));
        for number in numbers(20) {
            background.send(PublishRequest::new("news", number));
        }
        drop((background, client));
        let since = Instant::now();
        while data(&server, "news").len() < 20 {
            assert!(since.elapsed() < PATIENCE);
            thread::yield_now();
        }
        assert_eq!(data(&server, "news"), numbers(20));
    }
    Ok(())
}

#[tokio::test]
async fn calls_are_sent_from_async_code_too() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build_blocking()?;
        let background = client.background(Background::default());
        background.send(PublishRequest::new("news", "0"));
        background.flush()?;
        assert_eq!(data(&server, "news"), numbers(1));
    }
    Ok(())
}

#[test]
fn close_sends_what_waits_and_refuses_the_rest() -> Outcome {
    for (server, builder) in both_transports()? {
        let notes = Notes::default();
        let client = builder.observer(notes.clone()).build_blocking()?;
        let background = client.background(Background::default().max_in_flight(1));
        for number in numbers(20) {
            background.send(PublishRequest::new("news", number));
        }
        client.close(PATIENCE)?;
        assert_eq!(data(&server, "news"), numbers(20));
        background.send(PublishRequest::new("news", "late"));
        assert_eq!(background.counts().dropped, 1);
        let expected = ("news".to_owned(), DropReason::Closed);
        assert_eq!(*notes.0.lock().unwrap(), [expected]);
    }
    Ok(())
}
