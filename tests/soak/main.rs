//! A long run: calls of all kinds, over both transports, async and blocking, while the server
//! restarts. The resources
//! of the process do not grow.
//!
//! `CENTRIFUGO_API_SOAK` sets the length in seconds, by default 10.
#![cfg(all(
    target_os = "linux",
    feature = "blocking",
    feature = "grpc",
    feature = "_http"
))]

mod calls;
mod held;
#[path = "../support/keeper.rs"]
mod keeper;
#[path = "../support/server/mod.rs"]
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use calls::Counts;
use held::{Held, Window};
use server::{Backend, Server, Version};

/// The interval between samples of the resources.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// The number of restarts of the server.
const RESTARTS: u32 = 4;

/// The time that dropped resources may take to be released.
const PATIENCE: Duration = Duration::from_secs(20);

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A signal to all callers to stop.
#[derive(Clone, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
fn nothing_grows() -> Outcome {
    let seconds = std::env::var("CENTRIFUGO_API_SOAK").map_or(Ok(10), |seconds| seconds.parse())?;
    let length = Duration::from_secs(seconds);
    // Its connections are separate from those of the callers, which come and go.
    let keeper = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // The test keeps the server's log in memory, so there must be none.
    let options = [("CENTRIFUGO_LOG_LEVEL", "none")];
    let mut server = keeper.block_on(Server::start_with(Backend::Real(Version::V6), &options));
    let before = Held::now()?;

    let stop = Stop::default();
    let counts = Arc::new(Counts::default());
    let callers = calls::start(&server, &stop, &counts)?;
    let sampling = {
        let stop = stop.clone();
        let counts = Arc::clone(&counts);
        thread::spawn(move || sample(length, &stop, &counts))
    };
    keeper.block_on(async {
        let started = Instant::now();
        for restart in 1..=RESTARTS {
            let at = started + length * restart / (RESTARTS + 1);
            tokio::time::sleep_until(at.into()).await;
            server.restart().await;
        }
        tokio::time::sleep_until((started + length).into()).await;
    });
    stop.0.store(true, Ordering::Relaxed);
    let windows = sampling.join().expect("the sampling thread does not panic");
    callers
        .into_iter()
        .for_each(|caller| caller.join().expect("no caller panics"));

    let [early, late] = windows?;
    println!("soak of {seconds} s: {counts}; {early}, later {late}; before it {before}");
    counts.assert_mixed();
    late.assert_no_growth_since(&early);
    wait_until_released(before)
}

/// Samples the resources in the second and in the last third of the time. The first third is for
/// warming up.
fn sample(length: Duration, stop: &Stop, counts: &Counts) -> std::io::Result<[Window; 2]> {
    let started = Instant::now();
    let mut windows = [Window::default(), Window::default()];
    while !stop.is_set() {
        thread::sleep(SAMPLE_INTERVAL);
        let third = started.elapsed().as_nanos() * 3 / length.as_nanos().max(1);
        if let 1 | 2 = third {
            windows[usize::from(third == 2)].add(Held::now()?, counts.total());
        }
    }
    Ok(windows)
}

/// Waits until the resources are back to what they were. Some are released a little after their
/// clients.
fn wait_until_released(before: Held) -> Outcome {
    let waiting = Instant::now();
    loop {
        let held = Held::now()?;
        if held.files <= before.files && held.threads <= before.threads {
            return Ok(());
        }
        assert!(
            waiting.elapsed() < PATIENCE,
            "still held: {held}; before: {before}"
        );
        thread::sleep(SAMPLE_INTERVAL);
    }
}
