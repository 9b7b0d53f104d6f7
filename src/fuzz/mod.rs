//! Fuzzing: the input from servers, from proxies in front of them, and from users.
//!
//! A target is a function of bytes that panics if a property does not hold. `cargo test` runs it on its seeds and on random
//! mutations of them; `CENTRIFUGO_API_FUZZ` is the number of mutations, 1000 by default. `tests/fuzz/run` runs it with a
//! coverage-guided fuzzer.

// The tests of the embedded server use all of it.
#[allow(dead_code)]
mod chance;

use std::error::Error as _;
#[cfg(not(fuzzing))]
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use crate::error::Error;

/// The key in the seeds: no error may show it.
#[cfg(feature = "_transport")]
pub(crate) const KEY: &str = "hunter2-is-the-key";

/// The maximal length of an error's text, in bytes.
const LONGEST_TEXT: usize = 2000;

/// Makes a test of a target, which has the name of its folder of seeds.
#[cfg(not(fuzzing))]
macro_rules! fuzz {
    ($name:ident, $target:path) => {
        #[test]
        fn $name() {
            crate::fuzz::run(stringify!($name), $target);
        }
    };
}

#[cfg(fuzzing)]
macro_rules! fuzz {
    ($name:ident, $target:path) => {
        #[test]
        fn $name() {
            bolero::check!().for_each(|input: &[u8]| $target(input));
        }
    };
}

pub(crate) use fuzz;

#[cfg(not(fuzzing))]
pub(crate) fn run(name: &str, target: fn(&[u8])) {
    let check = |input: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
        assert!(
            outcome.is_ok(),
            "{name} does not hold for b\"{}\"",
            input.escape_ascii()
        );
    };
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| check(seed));
    let inputs = std::env::var("CENTRIFUGO_API_FUZZ").map_or(1000, |number| {
        number.parse().expect("CENTRIFUGO_API_FUZZ is a number")
    });
    let mut chance = chance::Chance::new(6);
    for index in 0..inputs {
        let other = &seeds[chance.below(seeds.len())];
        check(&chance.change(&seeds[index % seeds.len()], other));
    }
}

/// Returns the seeds of a target, in the order of their names. The published package has none.
#[cfg(not(fuzzing))]
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

/// Checks that an error shows no secrets and no long texts.
#[cfg(feature = "_transport")]
pub(crate) fn assert_presentable(error: &Error) {
    assert_bounded(error);
    let mut texts = texts(error);
    texts.push(format!("{error:?}"));
    for text in texts {
        assert!(!text.contains(KEY), "a text shows the key: {text}");
    }
}

pub(crate) fn assert_bounded(error: &Error) {
    for text in texts(error) {
        // The message of Centrifugo's error belongs to the caller, like a reply.
        let is_bounded = text.len() <= LONGEST_TEXT || matches!(error, Error::Api(_));
        assert!(is_bounded, "{} bytes of text: {text}", text.len());
    }
}

/// Returns the texts of the error and its causes.
fn texts(error: &Error) -> Vec<String> {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    std::iter::once(error.to_string())
        .chain(causes.map(ToString::to_string))
        .collect()
}

/// Checks an error as a client returns it to its caller, and how long a retry would wait for it.
#[cfg(feature = "_transport")]
pub(crate) fn check_error(error: Error) {
    use std::time::Duration;

    use crate::call::{Budget, Retry};

    let left = Duration::from_secs(5);
    let wait = Retry::default().wait(1, &error, true, left, Some(&Budget::default()));
    assert!(
        wait.is_none_or(|wait| wait < left),
        "a wait of {wait:?}, with {left:?} left"
    );
    assert_presentable(&error.without(&[KEY.to_owned()]));
}
