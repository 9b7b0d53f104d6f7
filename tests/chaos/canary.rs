//! The canary: a thread that only sleeps. What it oversleeps, the machine owes to everybody.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::ledger::lock;

/// The time that the canary sleeps.
const NAP: Duration = Duration::from_millis(20);

/// A stall shorter than this is not remembered.
const NOTABLE: Duration = Duration::from_millis(5);

pub(crate) struct Canary {
    stopped: Arc<AtomicBool>,
    stalls: Arc<Mutex<Vec<(Instant, Instant)>>>,
    thread: Option<JoinHandle<()>>,
}

impl Canary {
    pub(crate) fn start() -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let stalls = Arc::new(Mutex::new(Vec::new()));
        let thread = {
            let stopped = Arc::clone(&stopped);
            let stalls = Arc::clone(&stalls);
            move || {
                while !stopped.load(Ordering::Relaxed) {
                    let expected = Instant::now() + NAP;
                    thread::sleep(NAP);
                    let woken = Instant::now();
                    if woken.duration_since(expected) > NOTABLE {
                        lock(&stalls).push((expected, woken));
                    }
                }
            }
        };
        Self {
            stopped,
            stalls,
            thread: Some(thread::spawn(thread)),
        }
    }

    /// Returns for how long the machine stalled between two instants.
    pub(crate) fn stalled(&self, from: Instant, to: Instant) -> Duration {
        let stalls = lock(&self.stalls);
        let within = stalls.iter().map(|(began, ended)| {
            (*ended)
                .min(to)
                .saturating_duration_since((*began).max(from))
        });
        within.sum()
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
