//! Several nodes: calls are balanced over them, and nodes that are down are skipped.

use std::time::{Duration, Instant};

use centrifugo_api::{Client, ClientBuilder, Error, InfoRequest, PublishRequest, Retry, Status};
use centrifugo_api_testing::{Fault, Server};

#[cfg(target_os = "linux")]
use crate::blackhole::Blackhole;
use crate::{Outcome, PATIENCE, called, quickly};

/// Returns two nodes and the builder of a client of both, for each transport.
pub(crate) fn pairs() -> Result<[([Server; 2], ClientBuilder); 2], Error> {
    let nodes = || Ok::<_, Error>([Server::start()?, Server::start()?]);
    let http = nodes()?;
    let grpc = nodes()?;
    let of_http = http[0]
        .client_builder()
        .endpoint(http[1].url())
        .retry(Retry::none());
    let of_grpc = grpc[0]
        .grpc_client_builder()
        .endpoint(grpc[1].grpc_url())
        .retry(Retry::none());
    Ok([(http, of_http), (grpc, of_grpc)])
}

async fn call_times(client: &Client, times: usize) -> Result<(), Error> {
    for _ in 0..times {
        client.publish(PublishRequest::new("news", "1")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn calls_are_balanced_over_the_nodes() -> Outcome {
    for (nodes, builder) in pairs()? {
        call_times(&builder.build()?, 10).await?;
        assert_eq!(nodes.map(|node| called(&node).len()), [5, 5]);
    }
    Ok(())
}

#[tokio::test]
async fn node_that_is_down_is_skipped() -> Outcome {
    for ([up, down], builder) in pairs()? {
        let client = builder.build()?;
        drop(down);
        // No call fails, although no node may be called twice.
        call_times(&client, 20).await?;
        assert_eq!(called(&up).len(), 20);
    }
    Ok(())
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn node_that_drops_connection_attempts_is_skipped() -> Outcome {
    const CALLS: usize = 20;
    let swallower = Blackhole::start().await?;
    for url in [|server: &Server| server.url(), Server::grpc_url] {
        let good = Server::start()?;
        let scheme = url(&good)
            .split("127")
            .next()
            .unwrap_or_default()
            .to_owned();
        let path = if scheme == "http://" { "/api" } else { "" };
        let builder =
            Client::builder(format!("{scheme}{}{path}", swallower.address)).endpoint(url(&good));
        let client = builder
            .api_key(good.api_key())
            .retry(Retry::none())
            .build()?;
        let started = Instant::now();
        call_times(&client, CALLS).await?;
        // Otherwise half of the calls would wait for a second each.
        let elapsed = started.elapsed();
        assert!(
            elapsed >= Duration::from_secs(1) && elapsed < Duration::from_secs(5),
            "{elapsed:?}"
        );
        assert_eq!(called(&good).len(), CALLS);
    }
    Ok(())
}

#[tokio::test]
async fn node_that_comes_back_is_called_again() -> Outcome {
    for ([up, down], builder) in pairs()? {
        let client = builder.build()?;
        let port = down
            .url()
            .rsplit(':')
            .next()
            .and_then(|rest| rest.split('/').next()?.parse().ok());
        drop(down);
        call_times(&client, 4).await?;
        let back = Server::builder().port(port.ok_or("no port")?).start()?;
        let called_again = async {
            while back.requests().is_empty() {
                client.info(InfoRequest::new()).await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok::<_, Error>(())
        };
        tokio::time::timeout(PATIENCE, called_again).await??;
        drop(up);
    }
    Ok(())
}

#[tokio::test]
async fn overloaded_node_is_skipped() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.build()?;
        for status in [Status::Http(503), Status::Grpc(14)] {
            nodes[0].fail_always(Fault::status(status))?;
        }
        let mut failed = 0;
        let started = Instant::now();
        for _ in 0..20 {
            failed += usize::from(client.info(InfoRequest::new()).await.is_err());
        }
        // The first call finds out, and the others skip the node. On a slow machine its cooldown
        // may end.
        assert!(
            failed == 1 || failed > 1 && started.elapsed() >= Duration::from_millis(500),
            "{failed}"
        );
        assert_eq!(called(&nodes[1]).len(), 20 - failed);
    }
    Ok(())
}

#[tokio::test]
async fn unresponsive_node_is_skipped() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.timeout(Duration::from_millis(1200)).build()?;
        nodes[0].fail_always(Fault::delay(Duration::from_secs(60)))?;
        let mut failed = 0;
        for _ in 0..20 {
            if let Err(error) = client.info(InfoRequest::new()).await {
                assert!(error.is_timeout() && !error.is_unsent(), "{error:?}");
                failed += 1;
            }
        }
        // The first call finds out. On a slow machine the node's cooldown may end.
        assert!((1..5).contains(&failed), "{failed}");
        assert_eq!(called(&nodes[1]).len(), 20 - failed);
    }
    Ok(())
}

#[tokio::test]
async fn skipped_node_is_called_when_all_others_are_down() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.build()?;
        nodes[1].fail_always(Fault::close_before())?;
        let mut failed = 0;
        while failed < 3 {
            failed += usize::from(client.info(InfoRequest::new()).await.is_err());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Now its cooldown lasts two seconds, and that of the other half a second.
        nodes[1].clear_faults();
        nodes[0].fail_always(Fault::close_before())?;
        let mut failed = 0;
        while client.info(InfoRequest::new()).await.is_err() {
            failed += 1;
        }
        assert!(failed <= 1, "{failed}");
    }
    Ok(())
}

/// Makes this many concurrent publications with keys, none of which may fail.
async fn publish_at_once(client: &Client, calls: usize) -> Outcome {
    let calls: Vec<_> = (0..calls)
        .map(|number| {
            let client = client.clone();
            let request = PublishRequest::new("news", "1").idempotency_key(number.to_string());
            tokio::spawn(async move { client.publish(request).await })
        })
        .collect();
    for call in calls {
        call.await??;
    }
    Ok(())
}

#[tokio::test]
async fn calls_lost_by_one_node_all_go_to_the_other() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.retry(quickly()).build()?;
        nodes[0].fail_always(Fault::close_after())?;
        // More calls than the retry budget has.
        publish_at_once(&client, 200).await?;
        assert!(called(&nodes[0]).len() > 20);
        assert_eq!(called(&nodes[1]).len(), 200);
    }
    Ok(())
}

#[tokio::test]
async fn nodes_that_are_all_down_are_not_flooded() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.retry(quickly()).build()?;
        for node in &nodes {
            node.fail_always(Fault::close_after())?;
        }
        for _ in 0..100 {
            assert!(client.info(InfoRequest::new()).await.is_err());
        }
        let calls: usize = nodes.iter().map(|node| called(node).len()).sum();
        // The budget of 20, and one retry while the second node still counted as healthy.
        assert_eq!(calls, 121);
    }
    Ok(())
}

#[tokio::test]
async fn calls_that_fail_together_count_as_one_failure() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.retry(quickly()).build()?;
        nodes[0].fail_always(Fault::close_after())?;
        let started = Instant::now();
        publish_at_once(&client, 200).await?;
        nodes[0].clear_faults();
        called(&nodes[0]);
        while nodes[0].requests().is_empty() {
            client.info(InfoRequest::new()).await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The cooldown is half a second after the first failure, and half a minute after seven.
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{:?}",
            started.elapsed()
        );
    }
    Ok(())
}

#[tokio::test]
async fn call_that_may_have_run_goes_to_no_other_node() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.build()?;
        for node in &nodes {
            node.fail_always(Fault::close_after())?;
        }
        let error = client
            .publish(PublishRequest::new("news", "1"))
            .await
            .unwrap_err();
        assert!(error.is_network() && !error.is_unsent(), "{error:?}");
        assert_eq!(
            nodes.map(|node| called(&node).len()).iter().sum::<usize>(),
            1
        );
    }
    Ok(())
}

#[tokio::test]
async fn unreachable_nodes_are_all_reported() -> Outcome {
    for (nodes, builder) in pairs()? {
        let client = builder.build()?;
        drop(nodes);
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert!(error.is_network() && error.is_unsent(), "{error:?}");
    }
    Ok(())
}

#[test]
fn nodes_that_do_not_match_are_refused() {
    let first = || Client::builder("http://one.example/api");
    for (builder, expected) in [
        (
            first().endpoint("grpc://two.example:10000"),
            "all nodes of a client have the same scheme",
        ),
        (
            first().endpoint("https://two.example/api"),
            "all nodes of a client have the same scheme",
        ),
        (first().endpoint("http://one.example/api/"), "given twice"),
        (first().endpoint("two.example"), "has no scheme"),
    ] {
        let problem = builder.build().expect_err(expected).to_string();
        assert!(problem.contains(expected), "{problem}");
    }
}
