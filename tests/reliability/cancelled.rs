//! Calls that are dropped at any of their awaits or with their runtime: they leave nothing behind.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use centrifugo_api::{
    ApiError, BroadcastRequest, Client, ClientBuilder, Error, InfoRequest, PublishRequest, Status,
};
use centrifugo_api_testing::{Fault, Server};
use tokio::runtime::{Builder, Runtime};

use crate::closed_port::closed_port;
use crate::{Outcome, PATIENCE, both_transports, keyed, quickly};

const SHORT: Duration = Duration::from_secs(2);

/// Polls a future up to this many times, and drops it unless it was ready.
async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    poll_fn(move |context| {
        if left > 0 {
            left -= 1;
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
        }
        if left == 0 {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Checks that another call gets a permit at once, and that a client that closes has nothing to
/// wait for.
async fn assert_left_nothing(client: &Client, case: &str) -> Outcome {
    let hasty = client.with_timeout(SHORT);
    hasty
        .publish(PublishRequest::new("after", "1"))
        .await
        .map_err(|error| format!("{case}: {error:?}"))?;
    client
        .close(SHORT)
        .await
        .map_err(|error| format!("{case}: {error:?}"))?;
    Ok(())
}

/// Drops a call after each number of polls, until one is ready, and returns the number of polls.
async fn dropped_at_each_await<T>(
    nodes: &[Server],
    builder: impl Fn() -> ClientBuilder,
    fault: impl Fn(&Server) -> Result<(), Error>,
    call: impl AsyncFn(&Client) -> Result<T, Error>,
) -> Result<usize, Box<dyn std::error::Error>> {
    for polls in 0..1000 {
        let client = builder()
            .max_in_flight(1)
            .retry(quickly().max_attempts(5))
            .build()?;
        nodes.iter().try_for_each(&fault)?;
        let outcome = polled(polls, call(&client)).await;
        nodes.iter().for_each(Server::clear_faults);
        assert_left_nothing(&client, &format!("{polls} polls")).await?;
        if let Some(outcome) = outcome {
            outcome?;
            return Ok(polls);
        }
    }
    Err("the call is never ready".into())
}

#[tokio::test]
async fn call_dropped_at_any_await_leaves_nothing() -> Outcome {
    // One node refuses connections.
    let closed = closed_port()?;
    let refusing = closed.local_addr()?;
    let nodes = [Server::start()?, Server::start()?];
    let over_http = || {
        let builder = nodes[0].client_builder().endpoint(nodes[1].url());
        builder.endpoint(format!("http://{refusing}/api"))
    };
    let over_grpc = || {
        let builder = nodes[0].grpc_client_builder().endpoint(nodes[1].grpc_url());
        builder.endpoint(format!("grpc://{refusing}"))
    };
    for builder in [&over_http as &dyn Fn() -> ClientBuilder, &over_grpc] {
        let call = async |client: &Client| client.publish(keyed("1")).await;
        let polls = dropped_at_each_await(
            &nodes,
            builder,
            |node: &Server| node.fail_next(1, Fault::close_after()),
            call,
        )
        .await?;
        assert!(polls > 4, "{polls}");

        let call = async |client: &Client| client.info(InfoRequest::new()).await;
        let polls = dropped_at_each_await(
            &nodes,
            builder,
            |node: &Server| {
                let statuses = [Status::Http(503), Status::Grpc(14)];
                statuses
                    .into_iter()
                    .try_for_each(|status| node.fail_next(1, Fault::status(status)))
            },
            call,
        )
        .await?;
        assert!(polls > 4, "{polls}");

        let in_part =
            |node: &Server| node.fail_next(1, Fault::api_error(ApiError::INTERNAL).channel("b"));
        let request = BroadcastRequest::new(["a", "b"], "1").idempotency_key("key");
        let polls = dropped_at_each_await(&nodes, builder, in_part, async |client: &Client| {
            client.broadcast(request.clone()).await?.all_ok()
        })
        .await?;
        assert!(polls > 4, "{polls}");
    }
    Ok(())
}

#[tokio::test]
async fn call_dropped_while_it_waits_for_a_permit_leaves_nothing() -> Outcome {
    for polls in 0..5 {
        for (server, builder) in both_transports()? {
            let client = builder.max_in_flight(1).build()?;
            server.fail_next(1, Fault::delay(Duration::from_secs(60)))?;
            let mut first = Box::pin(client.info(InfoRequest::new()));
            while server.take_requests().is_empty() {
                assert!(polled(1, &mut first).await.is_none());
                tokio::task::yield_now().await;
            }
            let waiting = polled(polls, client.info(InfoRequest::new()));
            // Nothing wakes the task: it waits for its second poll.
            assert!(
                tokio::time::timeout(Duration::from_millis(20), waiting)
                    .await
                    .unwrap_or(None)
                    .is_none()
            );
            drop(first);
            assert_left_nothing(&client, &format!("{polls} polls")).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn dropped_close_still_closes_the_client() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        server.fail_next(1, Fault::delay(Duration::from_millis(200)))?;
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.publish(keyed("1")).await }
        });
        while server.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(polled(1, client.close(PATIENCE)).await.is_none());
        assert!(matches!(
            client.info(InfoRequest::new()).await,
            Err(Error::Closed { .. })
        ));
        client.close(PATIENCE).await?;
        assert!(call.is_finished());
        call.await??;
    }
    Ok(())
}

fn one_thread() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn two_threads() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

#[test]
fn runtime_dropped_during_call_leaves_client_usable_in_another() -> Outcome {
    let second = one_thread()?;
    for (threads, is_waited_for) in [(1, true), (2, true), (1, false), (2, false)] {
        for (server, builder) in both_transports()? {
            let client = builder.max_in_flight(1).build()?;
            let first = if threads == 1 {
                one_thread()?
            } else {
                two_threads()?
            };
            server.fail_next(1, Fault::delay(Duration::from_secs(60)))?;
            let call = first.spawn({
                let client = client.clone();
                async move { client.info(InfoRequest::new()).await }
            });
            first.block_on(async {
                while server.requests().is_empty() {
                    tokio::task::yield_now().await;
                }
            });
            if is_waited_for {
                drop(first)
            } else {
                first.shutdown_background()
            }
            second.block_on(async {
                assert!(call.await.is_err_and(|error| error.is_cancelled()));
                assert_left_nothing(&client, "after its runtime").await
            })?;
        }
    }
    Ok(())
}
