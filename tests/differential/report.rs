//! Searches for a difference and reports it.

use std::fmt;
use std::ops::Range;
use std::time::Instant;

use crate::compare::{Difference, Pair};
use crate::generate;
use crate::shrink::shrink;
use crate::steps::Step;

/// The number of times that a sequence with a difference is played again: connections end at random
/// times, and a difference by chance is rare.
const REPEATS: usize = 3;

/// A difference and the smallest sequence that shows it.
pub(crate) struct Found {
    seed: u64,
    pub(crate) steps: Vec<Step>,
    difference: Difference,
}

/// Plays the sequences of the seeds until one shows a difference twice.
#[allow(clippy::print_stderr)]
pub(crate) async fn search(pair: &mut Pair, seeds: Range<u64>) -> Option<Found> {
    let started = Instant::now();
    let mut unstable = 0;
    for seed in seeds {
        let steps = generate::sequence(seed);
        let Some(once) = pair.play(&steps).await else {
            continue;
        };
        for _ in 0..REPEATS {
            if let Some(again) = pair.play(&steps).await {
                let (steps, difference) = shrink(pair, steps, again).await;
                return Some(Found {
                    seed,
                    steps,
                    difference,
                });
            }
        }
        unstable += 1;
        eprintln!("seed {seed}: a difference that did not appear again: {once}");
    }
    let seconds = started.elapsed().as_secs_f32();
    eprintln!(
        "{} in {seconds:.1} s; {unstable} differences were not seen twice",
        pair.counts
    );
    None
}

pub(crate) fn show(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{step}\n")).collect()
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            steps,
            difference,
        } = self;
        write!(
            formatter,
            "the servers differ, seed {seed}, in {difference}\nafter\n{}again: \
             CENTRIFUGO_API_DIFFERENTIAL=1 CENTRIFUGO_API_DIFFERENTIAL_SEED={seed} \
             cargo test --all-features --test differential -- --ignored both_servers",
            show(steps)
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, left, right } = self;
        let common = left
            .bytes()
            .zip(right.bytes())
            .take_while(|(one, other)| one == other)
            .count();
        write!(
            formatter,
            "{what}, from byte {common} on:\n--- one\n{left}\n--- the other\n{right}\n---"
        )
    }
}
