//! The parts that differ for WebAssembly, where std's clock panics and tokio has no timer: instants, timers, tasks, random
//! numbers, and what belongs to a runtime.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod js;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod native;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod per_runtime;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod runtime;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use js as system;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use native as system;
pub(crate) use system::{
    Instant, PerRuntime, RuntimeId, Spawner, Timeout, in_runtime, random_number, since_epoch,
    sleep, spawn, timeout, timeout_at,
};
