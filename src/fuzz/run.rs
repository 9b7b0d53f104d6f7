//! Runs a fuzz target without a fuzzer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::chance::Chance;

/// Runs a target on its seeds and on random changes of them.
pub(crate) fn run(name: &str, target: fn(&[u8])) {
    let check = |input: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
        assert!(
            outcome.is_ok(),
            "{name} fails for b\"{}\"",
            input.escape_ascii()
        );
    };
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| check(seed));
    let inputs = std::env::var("CENTRIFUGO_API_FUZZ").map_or(1000, |number| {
        number.parse().expect("CENTRIFUGO_API_FUZZ is a number")
    });
    let mut chance = Chance::new(6);
    for index in 0..inputs {
        let other = &seeds[chance.below(seeds.len())];
        check(&chance.change(&seeds[index % seeds.len()], other));
    }
}

/// Returns the seeds of a target, in the order of their names. The published package has none.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    if !tests.exists() {
        return vec![Vec::new()];
    }
    let files = std::fs::read_dir(tests.join("data/fuzz").join(name)).expect("a target has seeds");
    let mut paths: Vec<_> = files
        .map(|file| file.expect("a seed can be read").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} has no seeds");
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a seed can be read"))
        .collect()
}
