//! Two real nodes that share a Redis, killed in turn: calls continue, and each publication is there
//! once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use centrifugo_api::{ClientBuilder, Retry};

use super::acknowledged::Acknowledged;
use super::{PATIENCE, TIMEOUT};
use crate::Outcome;
use crate::server::{Server, Transport};
use crate::shared_nodes;

/// The number of concurrent callers of a blocking client.
const THREADS: usize = 8;

/// The number of times that each node is killed.
const ROUNDS: usize = 3;

/// The number of calls that succeed between two events.
const CALLS: usize = 500;

/// The timeout of a call while a node is frozen: more than a second, so that the client blames the
/// node.
#[cfg(target_os = "linux")]
const FROZEN: Duration = Duration::from_secs(3);

/// Returns a builder for a client of both nodes.
fn builder(nodes: &[Server; 2], transport: Transport) -> ClientBuilder {
    let builder = nodes[0]
        .client_builder(transport)
        .endpoint(nodes[1].url(transport));
    builder
        .timeout(TIMEOUT)
        .retry(Retry::default().idempotency_keys())
}

/// Waits until a node has been called since it started.
async fn wait_until_called(node: &Server) -> Outcome {
    let called = async {
        while !node
            .get("/metrics")
            .await?
            .contains("centrifugo_api_command_duration_seconds_count")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Outcome::Ok(())
    };
    tokio::time::timeout(PATIENCE, called)
        .await
        .map_err(|_| "the node that came back is not called")?
}

/// Kills and restarts each node in turn.
async fn kill_in_turn(nodes: &mut [Server; 2], acknowledged: &Acknowledged) -> Outcome {
    acknowledged.wait_for_successes(CALLS).await?;
    for _ in 0..ROUNDS {
        for node in &mut *nodes {
            node.kill();
            acknowledged.wait_for_successes(CALLS).await?;
            node.restart().await;
            wait_until_called(node).await?;
            acknowledged.wait_for_successes(CALLS).await?;
        }
    }
    Ok(())
}

async fn nothing_is_lost_or_doubled(transport: Transport, prefix: &str) -> Outcome {
    let mut nodes = shared_nodes::start(prefix, &[]).await;
    let started = Instant::now();
    let client = builder(&nodes, transport).build()?;
    let acknowledged = Arc::new(Acknowledged::default());
    let callers = acknowledged.callers(&client);
    kill_in_turn(&mut nodes, &acknowledged).await?;
    acknowledged.stop(callers).await?;
    acknowledged
        .check(&nodes[0].client(transport), started)
        .await?;
    let errors = acknowledged.take_errors();
    assert!(errors.is_empty(), "{errors:?}");
    Ok(())
}

async fn nothing_is_lost_or_doubled_from_threads(transport: Transport, prefix: &str) -> Outcome {
    let mut nodes = shared_nodes::start(prefix, &[]).await;
    let started = Instant::now();
    let client = builder(&nodes, transport).build_blocking()?;
    let acknowledged = Arc::new(Acknowledged::default());
    let callers: Vec<_> = (0..THREADS)
        .map(|caller| {
            let client = client.clone();
            let acknowledged = Arc::clone(&acknowledged);
            tokio::task::spawn_blocking(move || acknowledged.run_blocking(caller, &client))
        })
        .collect();
    let killed = kill_in_turn(&mut nodes, &acknowledged).await;
    // Threads must end before the test does.
    acknowledged.stop(callers).await?;
    killed?;
    acknowledged
        .check(&nodes[0].client(transport), started)
        .await?;
    let errors = acknowledged.take_errors();
    assert!(errors.is_empty(), "{errors:?}");
    Ok(())
}

/// A frozen node keeps its calls, and runs them when nobody waits for them any more.
#[cfg(target_os = "linux")]
async fn frozen_node_costs_each_caller_one_timeout_at_most(
    transport: Transport,
    prefix: &str,
) -> Outcome {
    let nodes = shared_nodes::start(prefix, &[]).await;
    let started = Instant::now();
    let client = builder(&nodes, transport).timeout(FROZEN).build()?;
    let acknowledged = Arc::new(Acknowledged::default());
    let callers = acknowledged.callers(&client);
    acknowledged.wait_for_successes(CALLS).await?;
    nodes[0].freeze(true)?;
    acknowledged.wait_for_failures(1).await?;
    acknowledged.wait_for_successes(CALLS).await?;
    nodes[0].freeze(false)?;
    acknowledged.wait_for_successes(CALLS).await?;
    acknowledged.stop(callers).await?;
    acknowledged
        .check(&nodes[0].client(transport), started)
        .await?;
    let errors = acknowledged.take_errors();
    // Single calls probe whether the node is back.
    assert!(
        errors.len() <= super::CALLERS + 5,
        "{} errors",
        errors.len()
    );
    assert!(
        errors.iter().all(centrifugo_api::Error::is_timeout),
        "{errors:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn nodes_that_are_killed_lose_and_double_nothing_over_http() -> Outcome {
    nothing_is_lost_or_doubled(Transport::Http, "http").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn nodes_that_are_killed_lose_and_double_nothing_over_grpc() -> Outcome {
    nothing_is_lost_or_doubled(Transport::Grpc, "grpc").await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn threads_lose_and_double_nothing_over_http() -> Outcome {
    nothing_is_lost_or_doubled_from_threads(Transport::Http, "http-threads").await
}

#[tokio::test]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn threads_lose_and_double_nothing_over_grpc() -> Outcome {
    nothing_is_lost_or_doubled_from_threads(Transport::Grpc, "grpc-threads").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(target_os = "linux")]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn frozen_node_loses_and_doubles_nothing_over_http() -> Outcome {
    frozen_node_costs_each_caller_one_timeout_at_most(Transport::Http, "http-frozen").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(target_os = "linux")]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn frozen_node_loses_and_doubles_nothing_over_grpc() -> Outcome {
    frozen_node_costs_each_caller_one_timeout_at_most(Transport::Grpc, "grpc-frozen").await
}
