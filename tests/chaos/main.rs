//! Chaos: callers of all kinds, over both transports, call two real nodes while these are killed and
//! frozen, and the network fails in many ways. Nothing that was acknowledged is lost, no event is
//! published twice, nobody is told falsely that nothing was sent, and no call ends late.
//!
//! `CENTRIFUGO_API_CHAOS` sets the length in seconds, by default 10. A run is made of rounds, each
//! with a seed of its own, which determines its calls and faults. `CENTRIFUGO_API_CHAOS_SEED` sets
//! the seed of the first; a round with an odd seed uses TLS.
#![cfg(all(
    target_os = "linux",
    feature = "blocking",
    feature = "grpc",
    feature = "_http",
    feature = "tls"
))]

mod audit;
#[path = "../support/authority.rs"]
mod authority;
#[path = "../support/blackhole.rs"]
mod blackhole;
mod callers;
mod calls;
mod canary;
mod cluster;
mod faults;
#[path = "../support/faulty_relay.rs"]
mod faulty_relay;
mod groups;
#[path = "../support/keeper.rs"]
mod keeper;
mod ledger;
mod recovery;
#[path = "../support/redis.rs"]
mod redis;
#[path = "../support/rng.rs"]
mod rng;
#[path = "../support/server/mod.rs"]
mod server;
#[path = "../support/shared_nodes.rs"]
mod shared_nodes;
mod summary;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use crate::audit::Audit;
use crate::callers::{Callers, Shared};
use crate::canary::Canary;
use crate::cluster::Cluster;
use crate::faults::Counts;
use crate::summary::Summary;

/// The longest time of a round with faults.
const ROUND: Duration = Duration::from_secs(20);

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn nothing_is_lost_doubled_or_told_wrongly() -> Outcome {
    let length = Duration::from_secs(variable("CENTRIFUGO_API_CHAOS").unwrap_or(10));
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let first_seed = variable("CENTRIFUGO_API_CHAOS_SEED").unwrap_or(since_1970.as_secs());
    // At least two: with and without TLS.
    let rounds = u32::try_from(length.as_millis().div_ceil(ROUND.as_millis()).max(2))?;
    let mut summary = Summary::new();
    for seed in (first_seed..).take(rounds as usize) {
        println!("round with seed {seed}");
        let (audit, faults) = round(seed, length / rounds).await?;
        let total = audit.total();
        println!("{} calls, findings: {:?}", total.calls, total.findings);
        summary.add(seed, audit, faults);
    }
    println!("{summary}");
    assert!(summary.seeds.is_empty(), "seeds: {:?}", summary.seeds);
    for (group, tally) in &summary.audit.tallies {
        assert!(tally.acknowledged > 0, "{group}: no call succeeded");
    }
    Ok(())
}

async fn round(seed: u64, length: Duration) -> Outcome<(Audit, Counts)> {
    let canary = Canary::start();
    let mut cluster = Cluster::start(seed).await?;
    let shared = Arc::new(Shared::default());
    let callers = Callers::start(&cluster.access(), seed, &shared)?;
    let suffered = cluster.suffer(seed, length).await;
    // Threads must end before the test does.
    shared.stopped.store(true, Ordering::Relaxed);
    let faults = suffered?;
    let clients = callers.end().await?;
    let mut audit = Audit::new();
    recovery::check(clients, &mut audit).await;
    audit.count(&shared, &canary);
    let (_node, reader) = cluster.end().await?;
    audit.compare(&shared, &reader).await?;
    Ok((audit, faults))
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|error| panic!("{name} is {value:?}: {error}")))
}
