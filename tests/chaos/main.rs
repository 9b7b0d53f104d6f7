//! Chaos: callers of all kinds, over both transports, call two real nodes while these are killed and
//! frozen, and the network fails in many ways. Nothing that was acknowledged is lost, no event is
//! published twice, nobody is told falsely that nothing was sent, and no call ends late.
//!
//! `CENTRIFUGO_API_CHAOS` sets the length in seconds, by default 12. A run is made of rounds, each
//! with a seed of its own, which determines its calls and faults;
//! `CENTRIFUGO_API_CHAOS_SEED` sets the seed of the first.
#![cfg(all(
    target_os = "linux",
    feature = "blocking",
    feature = "grpc",
    feature = "http"
))]

mod audit;
#[path = "../support/blackhole.rs"]
mod blackhole;
mod callers;
mod calls;
mod canary;
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

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use crate::audit::Audit;
use crate::callers::{Callers, Shared, Urls};
use crate::canary::Canary;
use crate::faults::Counts;
use crate::faulty_relay::FaultyRelay;
use crate::ledger::Ledger;
use crate::server::{Server, Transport};
use crate::summary::Summary;

/// The longest time of a round with faults.
const ROUND: Duration = Duration::from_secs(20);

/// The timeout of a call that reads a channel.
const READ: Duration = Duration::from_secs(60);

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Centrifugo and Redis: see tests/centrifugo/README.md"]
async fn nothing_is_lost_doubled_or_told_wrongly() -> Outcome {
    let length = Duration::from_secs(variable("CENTRIFUGO_API_CHAOS").unwrap_or(12));
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let first_seed = variable("CENTRIFUGO_API_CHAOS_SEED").unwrap_or(since_1970.as_secs());
    let rounds = u32::try_from(length.as_millis().div_ceil(ROUND.as_millis()).max(1))?;
    let mut nodes = shared_nodes::start("chaos").await;
    let mut summary = Summary::new();
    for seed in (first_seed..).take(rounds as usize) {
        println!("round with seed {seed}");
        let (audit, faults) = round(&mut nodes, seed, length / rounds).await?;
        summary.add(seed, audit, faults);
    }
    println!("{summary}");
    assert!(summary.seeds.is_empty(), "seeds: {:?}", summary.seeds);
    for (group, tally) in &summary.audit.tallies {
        assert!(tally.acknowledged > 0, "{group}: no call succeeded");
    }
    Ok(())
}

async fn round(nodes: &mut [Server; 2], seed: u64, length: Duration) -> Outcome<(Audit, Counts)> {
    let canary = Canary::start();
    let shared = Arc::new(Shared {
        round: seed,
        ledger: Ledger::default(),
        stopped: AtomicBool::new(false),
    });
    let relays = [relays(&nodes[0]).await?, relays(&nodes[1]).await?];
    let callers = Callers::start(&urls(&relays), seed, &shared)?;
    let end = Instant::now() + length;
    let [first, second] = &mut *nodes;
    let (faults, more_faults) = tokio::try_join!(
        faults::run(first, &relays[0], seed.wrapping_mul(2), end),
        faults::run(second, &relays[1], seed.wrapping_mul(2) + 1, end),
    )?;
    let mut audit = Audit::new();
    let clients = callers.stop().await?;
    recovery::check(clients, &mut audit).await;
    audit.time(&shared, &canary);
    // What was on its way is lost, and nothing is published any more.
    drop(relays);
    for node in &mut *nodes {
        node.restart().await;
    }
    let reader = nodes[0].client_builder(Transport::Http).timeout(READ);
    let reader = reader.max_response_size(1 << 30).build()?;
    audit.compare(&shared, &reader).await?;
    Ok((audit, faults::sum(faults, more_faults)))
}

/// Starts the relays of a node: for HTTP and for gRPC.
async fn relays(node: &Server) -> Outcome<[FaultyRelay; 2]> {
    let relay = |port| FaultyRelay::start(SocketAddr::from(([127, 0, 0, 1], port)));
    Ok([relay(node.http_port).await?, relay(node.grpc_port).await?])
}

/// Returns the URLs of the nodes behind their relays.
fn urls([first, second]: &[[FaultyRelay; 2]; 2]) -> Urls {
    let http = |relays: &[FaultyRelay; 2]| format!("http://{}/api", relays[0].address);
    let grpc = |relays: &[FaultyRelay; 2]| format!("grpc://{}", relays[1].address);
    [[http(first), http(second)], [grpc(first), grpc(second)]]
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|error| panic!("{name} is {value:?}: {error}")))
}
