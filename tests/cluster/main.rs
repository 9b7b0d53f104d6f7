//! Servers that are killed and come back under load: what callers see, and that nothing is lost or doubled.
#![cfg(all(feature = "blocking", feature = "grpc", feature = "http", unix))]

#[path = "../support/redis.rs"]
mod redis;
#[path = "../support/server.rs"]
mod server;

mod ledger;
mod nodes;
mod restarts;

use std::time::Duration;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// How long a test waits for what must happen; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a call is given.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much later than that a caller may hear of it, on a slow machine.
const SLACK: Duration = Duration::from_secs(2);

/// Callers at once.
const CALLERS: usize = 64;
