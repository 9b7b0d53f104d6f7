//! The embedded server replies to random calls as a real Centrifugo does, byte for byte.
//!
//! Sequences of calls, over HTTP, the legacy command endpoint and gRPC, and of actions of connected
//! users are played
//! on both servers. Each reply is compared, and so are the events that the users saw. A difference
//! is reported with
//! the smallest sequence that shows it, and the seed.
//!
//! `CENTRIFUGO_API_DIFFERENTIAL=N` plays N sequences, and `CENTRIFUGO_API_DIFFERENTIAL_SEED=S` sets
//! the first seed.
#![cfg(all(feature = "grpc", feature = "_http"))]

#[path = "../support/keeper.rs"]
mod keeper;
#[path = "../support/rng.rs"]
mod rng;
#[path = "../support/server/mod.rs"]
mod server;
#[path = "../support/websocket.rs"]
mod websocket;

#[macro_use]
mod json;

mod bodies;
mod compare;
mod configuration;
mod embedded;
mod generate;
mod grpc;
mod http;
mod id_mapping;
mod messages;
mod observed_events;
mod player;
mod protocol;
mod realtime;
mod report;
mod shrink;
mod steps;
mod subject;

use crate::compare::Pair;
use crate::report::Found;
use crate::subject::Subject;

const SEQUENCES: u64 = 800;
const FIRST_SEED: u64 = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Centrifugo 6.9.1: see tests/centrifugo/README.md"]
async fn both_servers_answer_alike() {
    let namespaces = configuration::namespaces(3);
    let mut pair = Pair::new(
        Subject::real(&namespaces).await,
        Subject::embedded(&namespaces).await,
    );
    let first = variable("CENTRIFUGO_API_DIFFERENTIAL_SEED").unwrap_or(FIRST_SEED);
    let count = variable("CENTRIFUGO_API_DIFFERENTIAL").unwrap_or(SEQUENCES);
    if let Some(found) = report::search(&mut pair, first..first + count).await {
        panic!("{found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn difference_of_one_publication_is_found() {
    let [one, other] = [3, 4].map(configuration::namespaces);
    let mut pair = Pair::new(
        Subject::embedded(&one).await,
        Subject::embedded(&other).await,
    );
    let Some(Found { steps, .. }) = report::search(&mut pair, 1..1000).await else {
        panic!("the difference was not found");
    };
    // Four publications by at most two calls, and a call that reads them.
    assert!(steps.len() <= 5, "{}", report::show(&steps));
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|error| panic!("{name} is {value:?}: {error}")),
    )
}
