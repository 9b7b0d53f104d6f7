//! A long run: calls of all kinds, over both transports, with and without async, while the server goes and comes.
//! What the process holds does not grow.
//!
//! `CENTRIFUGO_API_SOAK` is how many seconds it takes, 10 unless set.
#![cfg(all(
    target_os = "linux",
    feature = "blocking",
    feature = "grpc",
    feature = "http"
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

/// How often it looks at what is held.
const LOOK: Duration = Duration::from_millis(100);

/// How often the server is killed, and started anew.
const RESTARTS: u32 = 4;

/// How long it may take until what is dropped is gone.
const PATIENCE: Duration = Duration::from_secs(20);

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Tells all callers when to stop.
#[derive(Clone, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
fn nothing_grows() -> Outcome {
    let seconds = std::env::var("CENTRIFUGO_API_SOAK").map_or(Ok(10), |seconds| seconds.parse())?;
    let length = Duration::from_secs(seconds);
    // Of the test's own, with its own connections: those of the calls come and go.
    let keeper = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // What the server logs is kept here.
    let options = [("CENTRIFUGO_LOG_LEVEL", "none")];
    let mut server = keeper.block_on(Server::start_with(Backend::Real(Version::V6), &options));
    let before = Held::now()?;

    let stop = Stop::default();
    let counts = Arc::new(Counts::default());
    let callers = calls::start(&server, &stop, &counts)?;
    let looking = {
        let stop = stop.clone();
        let counts = Arc::clone(&counts);
        thread::spawn(move || look(length, &stop, &counts))
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
    let looked = looking.join().expect("nobody panics while looking");
    callers
        .into_iter()
        .for_each(|caller| caller.join().expect("no caller panics"));

    let [early, late] = looked?;
    println!("soak of {seconds} s: {counts}; {early}, later {late}; before it {before}");
    counts.assert_mixed();
    late.assert_no_growth_since(&early);
    wait_until_released(before)
}

/// What was held in the second third of the time, and in the last: the first is for warming up.
fn look(length: Duration, stop: &Stop, counts: &Counts) -> std::io::Result<[Window; 2]> {
    let started = Instant::now();
    let mut windows = [Window::default(), Window::default()];
    while !stop.is_told() {
        thread::sleep(LOOK);
        let third = started.elapsed().as_nanos() * 3 / length.as_nanos().max(1);
        if let 1 | 2 = third {
            windows[usize::from(third == 2)].add(Held::now()?, counts.total());
        }
    }
    Ok(windows)
}

/// Connections and threads end when their clients and runtimes are dropped, some of them a little later.
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
        thread::sleep(LOOK);
    }
}
