//! Servers that are killed and restarted under load: what callers see, and that nothing is lost or
//! doubled.

mod acknowledged;
mod nodes;
mod restarts;

use std::time::Duration;

/// The time that a test waits for an event that must happen. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The timeout of a call.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The time after its timeout in which a call may return, on a slow machine.
const SLACK: Duration = Duration::from_secs(2);

/// The number of concurrent callers.
const CALLERS: usize = 64;
