//! Servers that are killed and come back under load: what callers see, and that nothing is lost or doubled.

mod acknowledged;
mod nodes;
mod restarts;

use std::time::Duration;

/// How long a test waits for what must happen; only a failing one waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a call is given.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much later than that a caller may hear of it, on a slow machine.
const SLACK: Duration = Duration::from_secs(2);

/// Callers at once.
const CALLERS: usize = 64;
