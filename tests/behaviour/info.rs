//! Information about the nodes.

use std::time::Duration;

use centrifugo_api::{InfoRequest, NodeResult};

use crate::harness::{Env, Failure, Outcome};
use crate::realtime::ALICE;

behaviours!(everywhere: info_describes_the_node, info_counts_connections);
behaviours!(legacy_commands:
    info_describes_the_node,
);
behaviours!(legacy_commands_of_6_9_1:
    info_counts_connections,
);

async fn node(env: &Env) -> Result<NodeResult, Failure> {
    let mut nodes = env.client.call(InfoRequest::new()).await?.nodes;
    assert_eq!(nodes.len(), 1);
    Ok(nodes.remove(0))
}

async fn info_describes_the_node(env: &Env) -> Outcome {
    let node = node(env).await?;
    assert_eq!(node.uid.len(), 36, "{}", node.uid);
    assert!(!node.name.is_empty());
    assert!(
        node.version.starts_with(env.version.number()),
        "{}",
        node.version
    );
    assert!(node.uptime < 600, "{}", node.uptime);
    assert!(node.process.is_none());
    let metrics = node.metrics.ok_or("no metrics")?;
    assert!(
        (metrics.interval - 60.0).abs() < f64::EPSILON,
        "{}",
        metrics.interval
    );
    let clients = metrics
        .items
        .iter()
        .find(|(name, _)| name.ends_with(".num_clients"));
    assert_eq!(clients.map(|(_, value)| *value), Some(0.0));
    Ok(())
}

async fn info_counts_connections(env: &Env) -> Outcome {
    let first = env.connect_as(&ALICE).await?;
    let second = env.connect_as(&ALICE).await?;
    first.subscribe("plain:a").await?;
    second.subscribe("plain:a").await?;
    second.subscribe("plain:b").await?;
    // The node updates its counts every 3 seconds.
    let counted = async {
        loop {
            let node = node(env).await?;
            if node.num_subs == 3 {
                return Ok::<_, Failure>(node);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let node = tokio::time::timeout(Duration::from_secs(15), counted).await??;
    assert_eq!(
        (node.num_clients, node.num_users, node.num_channels),
        (2, 1, 2)
    );
    Ok(())
}
