//! Connections that die without an end, or never come.

use std::time::{Duration, Instant};

use centrifugo_api::{HistoryRequest, InfoRequest};
use centrifugo_api_testing::{Fault, Server};

use crate::front::Manner;
use crate::wires::{Wire, failures};
use crate::{Outcome, PATIENCE, assert_reused, call_at_once};

/// The time that most calls here have.
const SHORT: Duration = Duration::from_millis(500);

/// The time of a handshake that takes longer than such a call.
const SLOW: Duration = Duration::from_millis(1200);

#[tokio::test]
async fn connection_that_went_silent_is_replaced() -> Outcome {
    for wire in Wire::ALL {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let client = builder.timeout(SHORT).build()?;
        assert_eq!(failures(&client, 1).await, 0, "{wire:?}");
        front.freeze();
        let failed = failures(&client, 8).await;
        assert!(failed <= 2, "{wire:?}: {failed} calls failed");
        assert_reused(&client, || front.connections()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn connection_that_went_silent_below_a_layer_is_replaced() -> Outcome {
    for wire in Wire::ALL {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let layer = tower_layer::layer_fn(|transport| transport);
        let builder = if wire == Wire::Grpc {
            builder.grpc_layer(layer)
        } else {
            builder.http_layer(layer)
        };
        let client = builder.timeout(SHORT).build()?;
        assert_eq!(failures(&client, 1).await, 0, "{wire:?}");
        front.freeze();
        let failed = failures(&client, 8).await;
        assert!(failed <= 2, "{wire:?}: {failed} calls failed");
        assert_reused(&client, || front.connections()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn silent_connection_is_found_by_calls_with_little_time() -> Outcome {
    for wire in Wire::ALL {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let client = builder.build()?;
        assert_eq!(failures(&client, 1).await, 0, "{wire:?}");
        front.freeze();
        let hurried = client.with_timeout(Duration::from_millis(30));
        let mut failed = 0;
        while hurried.info(InfoRequest::new()).await.is_err() {
            failed += 1;
            assert!(failed < 100, "{wire:?}: no call succeeds");
        }
    }
    Ok(())
}

#[tokio::test]
async fn connections_that_went_silent_together_are_found_out_together() -> Outcome {
    // The calls need that many connections: a gRPC connection takes 100.
    for (wire, calls, needed) in [(Wire::Grpc, 250, 3), (Wire::Http1, 10, 10)] {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let client = builder.build()?;
        server.fail_next(calls, Fault::delay(Duration::from_secs(1)))?;
        call_at_once(&client, calls).await?;
        assert!(front.connections() >= needed, "{wire:?}");
        front.freeze();
        let hurried = client.with_timeout(SHORT);
        let failed = failures(&hurried, 8).await;
        assert!(failed <= 2, "{wire:?}: {failed} calls failed");
        assert_reused(&hurried, || front.connections()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn silent_connection_to_one_of_two_nodes_is_replaced() -> Outcome {
    for wire in Wire::PLAIN {
        // Two nodes with the same key.
        let server = Server::start()?;
        let (first, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let (second, _) = wire.front_of(&server, |_| Manner::Pass).await?;
        let builder = builder.endpoint(wire.url(&second));
        let client = builder.timeout(SHORT).build()?;
        assert_eq!(failures(&client, 4).await, 0, "{wire:?}");
        first.freeze();
        let failed = failures(&client, 12).await;
        assert!(failed <= 2, "{wire:?}: {failed} calls failed");
    }
    Ok(())
}

#[tokio::test]
async fn call_that_is_dropped_in_vain_tells_of_silent_connection() -> Outcome {
    for wire in Wire::ALL {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let client = builder.build()?;
        client.info(InfoRequest::new()).await?;
        front.freeze();
        let dropped = tokio::time::timeout(2 * SLOW, client.info(InfoRequest::new()));
        assert!(dropped.await.is_err(), "{wire:?}");
        assert_eq!(failures(&client, 1).await, 0, "{wire:?}");
    }
    Ok(())
}

#[tokio::test]
async fn call_on_connection_that_is_given_up_still_gets_its_reply() -> Outcome {
    for wire in Wire::ALL {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let client = builder.build()?;
        assert_reused(&client, || front.connections()).await?;
        let made = front.connections();
        server.fail_next(2, Fault::delay(Duration::from_secs(2)))?;
        let patient = tokio::spawn({
            let client = client.clone();
            async move { client.info(InfoRequest::new()).await }
        });
        let hurried = client.with_timeout(SHORT).info(InfoRequest::new()).await;
        assert!(hurried.is_err_and(|error| error.is_timeout()), "{wire:?}");
        client.history(HistoryRequest::new("news")).await?;
        assert!(front.connections() > made, "{wire:?}: it is not given up");
        patient.await??;
    }
    Ok(())
}

#[tokio::test]
async fn connection_on_which_something_arrives_is_kept() -> Outcome {
    for &wire in Wire::MULTIPLEXED {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Pass).await?;
        let client = builder.build()?;
        assert_reused(&client, || front.connections()).await?;
        let made = front.connections();
        server.take_requests();
        server.fail_next(1, Fault::delay(2 * SHORT))?;
        let slow = tokio::spawn({
            let client = client.with_timeout(SHORT);
            async move { client.info(InfoRequest::new()).await }
        });
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        while !slow.is_finished() {
            client.info(InfoRequest::new()).await?;
        }
        slow.await?.unwrap_err();
        client.info(InfoRequest::new()).await?;
        assert_eq!(front.connections(), made, "{wire:?}");
    }
    Ok(())
}

#[tokio::test]
async fn handshake_that_hangs_holds_up_no_call() -> Outcome {
    let hung = |number| {
        if number == 0 {
            Manner::Hang
        } else {
            Manner::Pass
        }
    };
    for wire in Wire::ENCRYPTED {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, hung).await?;
        let client = builder.build()?;
        let started = Instant::now();
        assert_eq!(failures(&client, 10).await, 0, "{wire:?}");
        // Less than `connect_timeout`, which would end the dial that hangs.
        let took = started.elapsed();
        assert!(took < Duration::from_secs(4), "{wire:?}: {took:?}");
        assert_reused(&client, || front.connections()).await?;

        let (front, builder) = wire.front_of(&server, hung).await?;
        let client = builder.timeout(SHORT).build()?;
        let failed = failures(&client, 10).await;
        assert!(failed <= 4, "{wire:?}: {failed} calls failed");
        assert_reused(&client, || front.connections()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn handshake_that_takes_longer_than_a_call_serves_later_calls() -> Outcome {
    for wire in Wire::ENCRYPTED {
        let server = Server::start()?;
        let (front, builder) = wire.front_of(&server, |_| Manner::Slow(SLOW)).await?;
        let client = builder.timeout(SHORT).build()?;
        let mut failed = 0;
        while let Err(error) = client.info(InfoRequest::new()).await {
            let is_expected = error.is_timeout() && error.is_unsent();
            assert!(is_expected, "{wire:?}: {error:?}");
            failed += 1;
            assert!(failed < 20, "{wire:?}: no call succeeds");
        }
        assert_eq!(failures(&client, 10).await, 0, "{wire:?}");
        assert!(front.connections() <= failed + 3, "{wire:?}");
    }
    Ok(())
}

#[tokio::test]
async fn server_that_answers_no_ping_loses_its_calls() -> Outcome {
    let server = Server::start()?;
    let (front, builder) = Wire::Grpc.front_of(&server, |_| Manner::Pass).await?;
    let client = builder
        .http2_keep_alive(Duration::from_millis(100))
        .http2_keep_alive_timeout(Duration::from_millis(300))
        .timeout(PATIENCE)
        .build()?;
    assert_eq!(failures(&client, 1).await, 0);
    front.freeze();
    let started = Instant::now();
    let outcome = client.info(InfoRequest::new()).await;
    let error = outcome
        .err()
        .ok_or("a call on a dead connection succeeded")?;
    assert!(error.is_network() && !error.is_unsent(), "{error:?}");
    assert!(started.elapsed() < PATIENCE / 4, "{:?}", started.elapsed());
    assert!(
        error.to_string().contains("did not answer a ping"),
        "{error}"
    );
    assert_eq!(failures(&client, 3).await, 0);
    Ok(())
}
